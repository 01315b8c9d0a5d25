/* SPDX-License-Identifier: Apache-2.0 */
/*
 * self: where the running program was installed, and what lies beside it.
 *
 * DIR is the directory of /proc/self/exe. In the build directory the workers lie in
 * DIR/libexec/rkt and the stage1 images in DIR; installed, all of them lie in DIR/../libexec/rkt.
 * Nothing is ever looked up in PATH or in an image.
 */
#pragma once

#include "lib/base/err.h"

/* Absolute path of a worker ("unpack"); -ENOENT with both places named when it is in neither.
 * The caller frees *ret. */
int self_worker(const char *name, char **ret, struct err *e);
/* The same for stage1-<flavor>.aci. */
int self_stage1_image(const char *flavor, char **ret, struct err *e);

/* For tests, whose programs lie elsewhere: the directory to use in place of DIR (NULL: DIR). The
 * text is not copied. */
extern const char *self_dir_override;
