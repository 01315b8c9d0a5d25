/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups: two lines to look up, then a file that serves as both databases. */
#include "stage2/ident.h"
#include "tests/fuzz/scratch.h"

static int root = -1;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (root < 0) {
		root = scratch_open();
		FUZZ_HOLDS(mkdirat(root, "etc", 0755) == 0);
	}
	_clean_(mem) char *text = fuzz_text(data, size);
	char *rest = text;
	const char *user = scratch_line(&rest), *group = scratch_line(&rest);
	size_t n = size - (size_t)(rest - text);
	scratch_put(root, "etc/passwd", rest, n);
	scratch_put(root, "etc/group", rest, n);
	struct ident id;
	struct err e = ERR_INIT;
	if (ident_resolve(root, user, group, &id, &e) < 0) {
		FUZZ_HOLDS(*e.msg);
		return 0;
	}
	FUZZ_HOLDS(id.uid <= INT32_MAX && id.gid <= INT32_MAX);
	FUZZ_HOLDS(!strpbrk(id.home, ":\n") && !strpbrk(id.shell, ":\n"));
	/* Nobody becomes root who is not called so, and is not said to be by the file. */
	if (id.uid == 0)
		FUZZ_HOLDS(strcmp(user, "0") == 0 || strcmp(user, "root") == 0 || *user == '/' ||
			   strspn(user + (*user == '+'), "0") == strlen(user + (*user == '+')) ||
			   strstr(rest, user));
	return 0;
}
