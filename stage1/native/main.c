/* SPDX-License-Identifier: Apache-2.0 */
#include "stage1/entry.h"
#include "stage1/native/native.h"

/* The entry points that manifest.in declares. */
static const struct stage1_entry entries[] = {
	{ "run", native_run },
	{ "enter", native_enter },
	{ "stop", stage1_stop },
	{ "gc", native_gc },
	{ 0 },
};

int main(int argc, char **argv)
{
	return stage1_main(argc, argv, entries);
}
