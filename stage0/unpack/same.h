/* SPDX-License-Identifier: Apache-2.0 */
/*
 * same: compares two trees that should have been made of the same layer.
 *
 * As with compare.h what differs is counted, and the first difference described. Times of
 * directories are not compared: those that no archive lists have the time at which they were made.
 */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"

int same_trees(int good, int other, uint64_t *ret_differences, struct err *first, struct err *e);
