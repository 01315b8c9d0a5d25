/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html: the meta elements of appc discovery, and nothing else of HTML.
 *
 * Only start tags with quoted or bare attributes are looked at, comments and the contents of
 * scripts, styles, titles and the like are skipped, and what follows <body> is not read. That is so
 * little that a scanner of one pass without memory, tree or look-back does it; a whole HTML parser
 * with its repairs would be more to trust than to gain.
 */
#pragma once

#include <stddef.h>

#include "stage0/fetch.h"

/* Metas that are too long for their place, or whose content is not two words, are passed over;
 * so is what comes after the last that fits. */
void html_metas(const char *text, size_t n, struct fetch_metas *ret);
