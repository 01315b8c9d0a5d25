/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/filter.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "filter_default.h"

struct sock_fprog filter_default(void)
{
	/* The kernel copies the program; its type just lacks the const. */
	return (struct sock_fprog){
		.len = sizeof filter_default_code / sizeof *filter_default_code,
		.filter = filter_default_code,
	};
}

const char *filter_default_names(void)
{
	return filter_default_list;
}

int filter_load(const struct sock_fprog *prog, struct err *e)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog, 0, 0) < 0)
		return ERR_SYS(e, "load system call filter");
	return 0;
}
