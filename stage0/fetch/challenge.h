/* SPDX-License-Identifier: Apache-2.0 */
/*
 * challenge: WWW-Authenticate, RFC 9110 section 11.6.1: several challenges in a value, each a
 * scheme and one token68 or parameters, whose values are tokens or quoted strings.
 *
 * What no client could read for certain (a parameter twice, an unfinished string, control bytes, a
 * value without place) makes its challenge none; what does not even have the form of a list ends
 * the value. Nothing is repaired.
 */
#pragma once

#include "stage0/fetch.h"

/* Adds what one value offers. Of several Bearer challenges, in this or in earlier values, the first
 * that has a realm counts. */
void challenge_add(struct fetch_challenge *to, const char *value);
