/* SPDX-License-Identifier: Apache-2.0 */
/* mountinfo: lines of /proc/PID/mountinfo, proc_pid_mountinfo(5). Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mountinfo {
	uint64_t id;
	dev_t device; /* of its filesystem */
	const char
		*root; /* what of its filesystem is mounted; of some no path: "net:[4026531840]" */
	const char *point;	    /* the mount point, from the reader's root */
	bool shared;		    /* it has peers */
	const char *type, *options; /* of the filesystem; its own options, not the mount's */
};
/* Cuts the line and undoes its escapes in place; *ret points into it. false: it is no such line. */
bool mountinfo_parse(char *line, struct mountinfo *ret);
/* "0:28", as many files of the kernel name a device; cuts it. */
bool mountinfo_device(char *word, dev_t *ret);
