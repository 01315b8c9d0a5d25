/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz: one file a decoder, fuzz_NAME.c, that defines LLVMFuzzerTestOneInput. `make fuzz` links it
 * with libFuzzer; replay.c feeds it the inputs of tests/fuzz/corpus/NAME as a test.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that every input must keep. */
#define FUZZ_HOLDS(condition)                                                           \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* The input as text, in memory of exactly its size so that a read beyond it is seen. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}
