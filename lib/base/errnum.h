/* SPDX-License-Identifier: Apache-2.0 */
/* errnum: the numbers of errors by their names, as in errno(3): "EPERM" is 1. */
#pragma once

int errnum_by_name(const char *name); /* 0: no such name */
