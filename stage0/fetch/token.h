/* SPDX-License-Identifier: Apache-2.0 */
/* token: what a token server answers, distribution's spec/auth/token.md and oauth.md. */
#pragma once

#include <stddef.h>

#include "stage0/fetch.h"

int token_read(const char *text, size_t n, struct fetch_token *ret, struct err *e);
