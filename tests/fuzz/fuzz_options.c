/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, one argument a line: the parser, and what composing makes of its result. */
#include "cmd/options.h"
#include "lib/base/str.h"
#include "stage0/dns.h"
#include "tests/fuzz/fuzz.h"

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

static void compose(struct cli *cli)
{
	struct image_manifest image = { .name = "example.com/app" };
	struct pod_manifest *m;
	struct dns_files dns;
	struct err e;
	nv_set(&cli->arena, &image.labels, "os", TARGET_OS);
	nv_set(&cli->arena, &image.labels, "arch", target_arch());
	for (size_t i = 0; i < cli->pod.n_apps; i++) {
		FUZZ_HOLDS(*cli->pod.apps[i].image);
		cli->pod.apps[i].manifest = &image;
		cli->pod.apps[i].image_id = "sha512-00";
	}
	if (compose_pod(&cli->pod, &cli->arena, &m, &e) == 0)
		FUZZ_HOLDS(m->n_apps == cli->pod.n_apps);
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
