/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parse: text to numbers, the whole string or nothing.
 *
 * No sign, space, prefix or trailing byte is accepted unless said. Each returns true and writes
 * *ret only when the value is well formed and lies between min and max.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
bool parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret);
bool parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret); /* leading '-' allowed */
bool parse_octal(const char *s, uint32_t max, uint32_t *ret);
bool parse_bool(const char *s, bool *ret); /* Go's: 1 t T TRUE true True 0 f F FALSE false False */
/* Go's duration: [-]("123[.4]"(ns|us|µs|ms|s|m|h))+ or "0", in nanoseconds. */
bool parse_duration(const char *s, int64_t *ret_ns);
bool parse_hex(const char *s, size_t len); /* the first len bytes are [0-9a-f] */
/* The number that they are; 1 to 16 of them. */
bool parse_hex_u64(const char *s, size_t len, uint64_t *ret);
