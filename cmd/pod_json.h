/* SPDX-License-Identifier: Apache-2.0 */
/* pod_json: pods as rkt's list and status print them with --format=json. */
#pragma once

#include <stdio.h>

#include "stage0/pod/pod.h"

void pod_json_list(const struct pod_info *v, size_t n, bool pretty, FILE *to);
void pod_json_one(const struct pod_info *p, bool pretty, FILE *to);
