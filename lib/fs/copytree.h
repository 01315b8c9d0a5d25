/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copytree: copy a directory tree of an image for pods without overlayfs.
 *
 * Keeps type, mode, owner, times, extended attributes, hard links inside the tree and holes; uses
 * reflinks (FICLONE) and copy_file_range where the filesystem has them. Never follows links.
 */
#pragma once

#include "lib/base/err.h"

/* Copies the contents of srcfd into the existing empty directory dstfd, and the attributes of the
 * top directory too. */
int copytree(int srcfd, int dstfd, struct err *e);
