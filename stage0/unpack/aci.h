/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aci: what makes a tar archive an App Container Image. appc 0.8.11, spec/aci.md.
 *
 * On the top level there is one file `manifest`, a valid image manifest of at most 4 MiB, and one
 * directory `rootfs`; nothing else. Hard links stay inside rootfs.
 */
#pragma once

#include "stage0/unpack/untar.h"

/* Reads the whole archive into `inner`. */
int aci_read(struct stream *s, const struct untar_limits *limits, const struct sink *inner,
	struct untar_counts *ret, struct err *e);
/* After stream_finish(): the archive was not cut between two entries. */
int aci_check_end(const struct stream *s, struct err *e);
