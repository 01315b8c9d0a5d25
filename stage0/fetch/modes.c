/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/mode.h"

#define MIB (1ULL << 20)

const struct fetch_mode_row fetch_modes[_FETCH_MODE_MAX] = {
	[FETCH_OPENPGP] = { openpgp_prepare, openpgp_run, .max_address_space = 512 * MIB },
	[FETCH_KEYINFO] = { openpgp_prepare, keyinfo_run, .max_address_space = 512 * MIB },
};
