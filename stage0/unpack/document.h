/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document: a JSON document of an OCI or Docker image, from `in` (behind its struct oci_query) to
 * `out` (struct oci_answer and, for a configuration, the appc manifest). lib/spec/oci.h decodes;
 * the digests are added here.
 */
#pragma once

#include "lib/spec/oci.h"

int document_read(int in, int out, struct err *e);
