/* SPDX-License-Identifier: Apache-2.0 */
/* rkt config, version. */
#include "cmd/commands.h"
#include "lib/abi/exitcode.h"
#include "lib/abi/handover.h"
#include "lib/base/cleanup.h"
#include "lib/spec/types.h"
#include "stage0/config.h"

int cmd_config(struct cli *cli, struct err *e)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct config config = { 0 };
	int r = config_load(
		cli->system_config, cli->local_config, cli->user_config, &cli->arena, &config, e);
	if (r < 0)
		return r;
	config_encode(&config, cli->pretty_print, &out);
	printf("%s\n", str_text(&out));
	return EXIT_OK;
}

int cmd_version(struct cli *cli, struct err *e)
{
	(void)cli;
	(void)e;
	printf("rkt Version: %s\n"
	       "appc Version: 0.8.11\n"
	       "Stage1 Interface: 1 to %d\n"
	       "OS/Arch: %s/%s\n"
	       "Features: -TPM -SDJOURNAL\n",
		RKT_VERSION, STAGE1_INTERFACE_MAX, TARGET_OS, target_arch());
	return EXIT_OK;
}
