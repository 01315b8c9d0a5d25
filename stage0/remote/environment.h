/* SPDX-License-Identifier: Apache-2.0 */
/* environment: proxies and certificate authorities, from the variables that curl looks at. */
#pragma once

#include "stage0/fetch.h"

int environment_proxies(struct fetch_http_job *job, struct err *e);
/* *ret_fd: a file of certificates, or -1: the host's directory of them. */
int environment_authorities(int *ret_fd, struct err *e);
