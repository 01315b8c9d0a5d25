/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/help.h"
#include "cmd/options.h"
#include "cmd/session.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"
#include "lib/sys/proc.h"

void cli_report(const struct cli *cli, const struct err *e)
{
	char text[4 * sizeof e->msg];
	err_format(e, cli->debug, text, sizeof text);
	fprintf(stderr, "%s: %s\n", cli->cmd ? cmd_last_word(cli->cmd) : "rkt", text);
}

static int check_needs(const struct cli *cli, struct err *e)
{
	const struct cmd *c = cli->cmd;
	int n = (int)cli->args.n;
	bool uuid_file = (c->flags & ARGS_UUID_FILE) && cli->uuid_file;
	_clean_(str) struct str usage = STR_INIT(STR_MAX_LINE);
	help_synopsis(c, &usage);
	if (uuid_file && n)
		return ERR_BAD(e, "--uuid-file and UUIDs exclude each other");
	if (!uuid_file && n < c->min)
		return ERR_BAD(e, "%s wanted: %s (see rkt help %s)",
			c->min == 1 ? "an argument is" : "more arguments are", str_text(&usage),
			c->name);
	if (c->max >= 0 && n > c->max)
		return ERR_BAD(
			e, "too many arguments: %s (see rkt help %s)", str_text(&usage), c->name);
	if ((c->flags & NEED_ROOT) && geteuid() != 0)
		return ERR_DENY(e, "cannot run as unprivileged user");
	return 0;
}

static int flush_output(struct err *e)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	return err_wrap(e, ERR_SYS(e, "write"), "standard output");
}

static int run(int argc, char **argv, struct cli *cli, struct err *e)
{
	int r = cli_parse(argc, argv, cli, e);
	if (r < 0)
		return r;
	dbg_enable(cli->debug);
	if (cli->help)
		return help_print(cli->cmd, cli->group, stdout), EXIT_OK;
	if (!cli->cmd) {
		fprintf(stderr, "%s: missing command\n\n", cli->group ? cli->group : "rkt");
		return help_print(NULL, cli->group, stderr), EXIT_NO_COMMAND;
	}
	r = check_needs(cli, e);
	if (r < 0)
		return r;
	return cli->cmd->run(cli, e);
}

static void ignore(int sig)
{
	(void)sig;
}

int cmd_main(int argc, char **argv)
{
	/* For reading, so that writing fails as before; stage1 fills in what apps may write to. */
	proc_fill_standard_fds(O_RDONLY | O_CLOEXEC);
	/* RLIMIT_FSIZE: EFBIG says it better. A handler, so that apps do not inherit it. */
	signal(SIGXFSZ, ignore);
	struct cli cli = { .error_status = EXIT_ERROR };
	struct err e = ERR_INIT;
	int status = run(argc, argv, &cli, &e);
	struct err unwritten = ERR_INIT;
	if (flush_output(&unwritten) < 0 && status >= 0) {
		e = unwritten;
		status = -EIO;
	}
	if (status < 0) {
		cli_report(&cli, &e);
		status = cli.error_status;
	}
	arena_release(&cli.arena);
	return status;
}
