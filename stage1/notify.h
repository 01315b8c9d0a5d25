/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: tells the service manager, where there is one, how the pod is (sd_notify(3): one datagram
 * to the socket that NOTIFY_SOCKET names). `state` is lines, as "READY=1\nMAINPID=42". Without the
 * variable nothing happens.
 */
#pragma once

#include "lib/base/err.h"

int notify_send(const char *state, struct err *e);
