/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/registry/helper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/fs/io.h"
#include "lib/json/jdec.h"
#include "lib/sys/compat.h"
#include "lib/sys/proc.h"
#include "stage0/remote/request.h"

unsigned helper_timeout_ms = 60000;
extern char **environ;

enum { EXIT_NOT_STARTED = 127, PARKED = 10, FDS_MAX = 1024, REAP_MS = 2000 };
/* What helpers say when they have nothing, on stdout, with a status that is not 0. */
#define NOT_FOUND "credentials not found in native keychain"

/* --- which program ---------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.";
	return *name && strlen(name) < 100 && name[strspn(name, chars)] == '\0';
}

static bool is_program(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static int find_program(const char *name, struct arena *a, const char **ret, struct err *e)
{
	const char *path = getenv("PATH");
	_clean_(strv) struct strv dirs = STRV_INIT;
	strv_split(&dirs, path ? path : "", ':');
	for (size_t i = 0; i < dirs.n; i++) {
		*ret = arena_printf(a, "%s/docker-credential-%s", dirs.v[i], name);
		if (dirs.v[i][0] == '/' && is_program(*ret))
			return 0;
	}
	return ERR_NOENT(e, "there is no such program in PATH");
}

/* --- its environment -------------------------------------------------------------------------- */

/* Who the user is, where their things lie, how to ask them, and what the clouds' helpers read. */
static const char *const kept[] = { "PATH=", "HOME=", "USER=", "LOGNAME=", "LANG=", "LC_",
	"TZ=", "TERM=", "TMPDIR=", "XDG_",
	"DBUS_SESSION_BUS_ADDRESS=", "DISPLAY=", "WAYLAND_DISPLAY=", "GNUPGHOME=", "GPG_",
	"SSH_AUTH_SOCK=", "PASSWORD_STORE_", "DOCKER_CONFIG=", "REGISTRY_AUTH_FILE=", "AWS_",
	"ECS_", "AZURE_", "ACR_", "GOOGLE_", "CLOUDSDK_", "GCR_", "SSL_CERT_",
	"http_proxy=", "https_proxy=", "no_proxy=", "all_proxy=", "HTTP_PROXY=", "HTTPS_PROXY=",
	"NO_PROXY=", "ALL_PROXY=" };

static char **environment(struct arena *a)
{
	size_t all = 0, n = 0;
	while (environ[all])
		all++;
	char **v = ARENA_ARRAY(a, char *, all + 1);
	for (size_t i = 0; i < all; i++)
		for (size_t k = 0; k < sizeof kept / sizeof *kept; k++)
			if (str_after(environ[i], kept[k])) {
				v[n++] = environ[i];
				break;
			}
	return v;
}

/* --- running it ------------------------------------------------------------------------------- */

struct helper {
	pid_t pid;
	int out; /* what it says */
	int64_t deadline_ms;
};

/* helper_child(): between fork and exec; the user's own rights, and three descriptors. */
static _Noreturn void helper_child(
	const char *program, char *const *env, int in, int out, pid_t parent)
{
	char *const argv[] = { (char *)(uintptr_t)program, (char[]){ "get" }, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	proc_reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	in = fcntl(in, F_DUPFD, PARKED);
	out = fcntl(out, F_DUPFD, PARKED);
	bool ok = null >= 0 && getppid() == parent && dup2(in, 0) >= 0 && dup2(out, 1) >= 0;
	if (!dbg_enabled())
		ok = ok && dup2(null, 2) >= 0;
	/* Everything else of ours is close-on-exec; what whoever started rkt left open is not. */
	for (int fd = 3; sys_close_range(3, ~0U, 0) < 0 && fd < FDS_MAX; fd++)
		close(fd);
	if (ok)
		execve(program, argv, env);
	_exit(EXIT_NOT_STARTED);
}

static int start(
	const char *program, const char *server, struct arena *a, struct helper *h, struct err *e)
{
	int out[2];
	_clean_(fd) int in = memory_file("server", e);
	int r = in < 0 ? in : io_write_all(in, server, strlen(server), e);
	if (r < 0)
		return r;
	if (lseek(in, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	if (pipe2(out, O_CLOEXEC) < 0)
		return ERR_SYS(e, "pipe");
	char **env = environment(a);
	pid_t parent = getpid();
	h->pid = fork();
	if (h->pid == 0)
		helper_child(program, env, in, out[1], parent);
	fd_close(out[1]);
	h->out = out[0];
	h->deadline_ms = now_ms() + helper_timeout_ms;
	return h->pid < 0 ? ERR_SYS(e, "fork") : 0;
}

static int read_output(struct helper *h, struct str *text, struct err *e)
{
	for (;;) {
		char buf[4096];
		struct pollfd p = { .fd = h->out, .events = POLLIN };
		int64_t left = h->deadline_ms - now_ms();
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return ERR_SYS(e, "poll");
		if (r == 0)
			return err_set(e, ERR_PEER, ETIME, "no answer within %u seconds",
				helper_timeout_ms / 1000);
		ssize_t n = read(h->out, buf, sizeof buf);
		if (n < 0)
			return ERR_SYS(e, "read");
		if (n == 0)
			return 0;
		str_addn(text, buf, (size_t)n);
		explicit_bzero(buf, sizeof buf);
		if (!str_ok(text))
			return ERR_BAD(e, "it answers more than %d bytes", HELPER_OUTPUT_MAX);
	}
}

/* Its answer is complete, or not wanted any more. */
static int reap(struct helper *h, bool kill_now, struct err *e)
{
	int status = 0;
	for (int waited = 0;; waited++) {
		bool over = kill_now || waited >= REAP_MS;
		if (over)
			kill(h->pid, SIGKILL);
		pid_t r = waitpid(h->pid, &status, over ? 0 : WNOHANG);
		if (r == h->pid)
			return status;
		if (r < 0 && errno != EINTR)
			return ERR_SYS(e, "waitpid");
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

static int run(const char *program, const char *server, struct arena *a, struct str *text,
	int *ret_status, struct err *e)
{
	struct err ignored = ERR_INIT;
	struct helper h = { .out = -1 };
	int r = start(program, server, a, &h, e);
	if (r >= 0)
		r = read_output(&h, text, e);
	fd_close(h.out);
	if (h.pid <= 0)
		return r;
	int status = reap(&h, r < 0, r < 0 ? &ignored : e);
	if (r >= 0 && status < 0)
		r = status;
	*ret_status = status;
	return r;
}

/* --- what it says ----------------------------------------------------------------------------- */

struct answer {
	const char *user, *secret;
};
static const struct jfield fields[] = {
	{ "Username", J_STRING, offsetof(struct answer, user), J_REQUIRED },
	{ "Secret", J_STRING, offsetof(struct answer, secret), J_REQUIRED },
	{ 0 },
};

/* What is wrong with it is not said in its own words: they may be the secret. */
static int read_answer(
	const struct str *text, struct arena *a, struct credential *ret, struct err *e)
{
	struct err detail = ERR_INIT;
	struct jctx c = { .arena = a, .err = &detail };
	struct answer found = { 0 };
	struct json *v;
	int r = json_parse(str_text(text), text->len, a, &v, &detail);
	if (r >= 0)
		r = jdec_object(&c, v, NULL, fields, J_UNKNOWN_IGNORED, &found);
	if (r < 0 || !str_is_one_line(found.user) || !str_is_one_line(found.secret))
		return ERR_BAD(e, "its answer is not {\"Username\": …, \"Secret\": …}");
	if (str_empty(found.secret))
		return 0;
	if (str_eq(found.user, "<token>"))
		*ret = (struct credential){ .identity = found.secret, .from = "" };
	else
		*ret = (struct credential){
			.user = found.user, .password = found.secret, .from = ""
		};
	return 0;
}

static int judge(
	const struct str *text, int status, struct arena *a, struct credential *ret, struct err *e)
{
	if (WIFSIGNALED(status))
		return err_set(e, ERR_PEER, EPROTO, "it was killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) == 0)
		return read_answer(text, a, ret, e);
	if (strncmp(str_text(text), NOT_FOUND, strlen(NOT_FOUND)) == 0)
		return 0;
	return err_set(e, ERR_PEER, EPROTO, "it ended with status %d", WEXITSTATUS(status));
}

int helper_get(const char *name, const char *server, struct arena *a, struct credential *ret,
	struct err *e)
{
	_clean_(secret) struct str text = STR_INIT(HELPER_OUTPUT_MAX);
	const char *program = NULL;
	int status = 0;
	if (!is_name(name))
		return ERR_BAD(e, "credential helper '%s': that is not a name", name);
	int r = find_program(name, a, &program, e);
	if (r >= 0)
		r = run(program, server, a, &text, &status, e);
	if (r >= 0)
		r = judge(&text, status, a, ret, e);
	if (r >= 0)
		dbg("login: docker-credential-%s has %s for '%s'", name,
			ret->from ? "something" : "nothing", server);
	return r < 0 ? err_wrap(e, r, "credential helper 'docker-credential-%s', asked for '%s'",
			       name, server)
		     : 0;
}
