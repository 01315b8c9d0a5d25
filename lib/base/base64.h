/* SPDX-License-Identifier: Apache-2.0 */
/* base64: RFC 4648 section 4, the standard alphabet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

void base64_encode(struct str *out, const void *bytes, size_t n);
/* All of `text`, padded to four or not padded at all; no white space. false: it is something else.
 */
bool base64_decode(struct str *out, const char *text);
