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

/* Puts one lower directory of overlayfs over what dstfd has already, as overlayfs shows it: what is
 * in both is replaced, directories are merged, whiteouts (devices 0:0) remove, directories with
 * trusted.overlay.opaque replace. Call it for the lowest layer first. */
int copytree_layer(int srcfd, int dstfd, struct err *e);
