/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, one argument a line: the parser, what composing makes of its result, and, through
 * the pod's manifest, what stage1 plans. */
#include "cmd/options.h"
#include "lib/base/str.h"
#include "stage0/dns.h"
#include "stage0/isolators.h"
#include "tests/fuzz/plan.h"

#define HEX "00112233445566778899aabbccddeeff"
enum { ARGS_MAX = 256 };

/* The table of commands names them; here nothing is run. */
#define X(id, name)                                    \
	int cmd_##name(struct cli *cli, struct err *e) \
	{                                              \
		(void)cli;                             \
		(void)e;                               \
		return 0;                              \
	}
COMMANDS(X)
#undef X

/* What stage0 has checked is written, read and planned by stage1. */
static void hand_over(const struct pod_manifest *m, bool host_network, bool host_ipc)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(str) struct str text = STR_INIT(STR_MAX_OUTPUT);
	struct pod_manifest *read;
	struct err e = ERR_INIT;
	if (compose_check_names(m, &e) < 0 || compose_check_limits(m, &e) < 0 ||
		isolators_check(m, &e) < 0 ||
		isolators_check_spaces(m, host_network, host_ipc, &e) < 0) {
		FUZZ_HOLDS(e.len > 0);
		return;
	}
	pod_manifest_encode(m, true, &text);
	if (pod_manifest_decode(str_text(&text), text.len, &a, &read, &e) < 0) {
		fprintf(stderr, "%s: %s\n", e.msg, str_text(&text));
		abort();
	}
	plan_pod(read);
}

static void compose(struct cli *cli)
{
	struct app app = { .user = "0", .group = "0" };
	struct image_manifest image = { .name = "example.com/app", .app = &app };
	struct pod_manifest *m;
	struct dns_files dns;
	struct err e;
	nv_set(&cli->arena, &image.labels, "os", TARGET_OS);
	nv_set(&cli->arena, &image.labels, "arch", target_arch());
	for (size_t i = 0; i < cli->pod.n_apps; i++) {
		FUZZ_HOLDS(*cli->pod.apps[i].image);
		cli->pod.apps[i].manifest = &image;
		cli->pod.apps[i].image_id = "sha512-" HEX HEX HEX HEX;
	}
	if (compose_pod(&cli->pod, &cli->arena, &m, &e) == 0) {
		FUZZ_HOLDS(m->n_apps == cli->pod.n_apps);
		hand_over(m, cli->net && !strcmp(cli->net, "host"),
			cli->ipc && !strcmp(cli->ipc, "parent"));
	}
	if (dns_compose(&cli->dns, "host", &cli->arena, &dns, &e) == 0 && dns.resolv)
		FUZZ_HOLDS(str_eq(dns.resolv_mode, "stage0"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(mem) char *text = fuzz_text(data, size);
	char *argv[ARGS_MAX + 1] = { text };
	int argc = 1;
	for (char *p = text; argc < ARGS_MAX && (p = strchr(p, '\n'));) {
		*p++ = '\0';
		argv[argc++] = p;
	}
	struct cli cli = { 0 };
	struct err e = ERR_INIT;
	if (cli_parse(argc, argv, &cli, &e) == 0)
		compose(&cli);
	else
		FUZZ_HOLDS(*e.msg);
	arena_release(&cli.arena);
	return 0;
}
