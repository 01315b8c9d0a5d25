/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/self.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

const char *self_dir_override;

static int self_dir(char *buf, size_t size, struct err *e)
{
	if (self_dir_override) {
		snprintf(buf, size, "%s", self_dir_override);
		return 0;
	}
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	if (n < 0)
		return ERR_SYS(e, "%sread link '/proc/self/exe'",
			errno == ENOENT ? "is /proc mounted? " : "");
	buf[n] = '\0';
	char *slash = strrchr(buf, '/');
	if (!slash)
		return ERR_BAD(e, "'%s' is not a path", buf);
	*slash = '\0';
	return 0;
}

static int beside(const char *near, const char *name, char **ret, struct err *e)
{
	char dir[PATH_MAX];
	int r = self_dir(dir, sizeof dir, e);
	if (r < 0)
		return r;
	_clean_(mem) char *built = xasprintf("%s%s/%s", dir, near, name);
	if (access(built, F_OK) == 0) {
		*ret = take_ptr(built);
		return 0;
	}
	_clean_(mem) char *installed = xasprintf("%s/../libexec/rkt/%s", dir, name);
	if (access(installed, F_OK) == 0) {
		*ret = take_ptr(installed);
		return 0;
	}
	return ERR_NOENT(
		e, "'%s' is neither '%s' nor '%s': is rkt installed?", name, built, installed);
}

int self_worker(const char *name, char **ret, struct err *e)
{
	return beside("/libexec/rkt", name, ret, e);
}

int self_stage1_image(const char *flavor, char **ret, struct err *e)
{
	_clean_(mem) char *name = xasprintf("stage1-%s.aci", flavor);
	return beside("", name, ret, e);
}
