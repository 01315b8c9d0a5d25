/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/rlimits.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"

static const struct {
	const char *name;
	int resource;
} resources[] = {
	{ "as", RLIMIT_AS },
	{ "core", RLIMIT_CORE },
	{ "cpu", RLIMIT_CPU },
	{ "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE },
	{ "locks", RLIMIT_LOCKS },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },
	{ "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC },
	{ "rss", RLIMIT_RSS },
	{ "rtprio", RLIMIT_RTPRIO },
	{ "rttime", RLIMIT_RTTIME },
	{ "sigpending", RLIMIT_SIGPENDING },
	{ "stack", RLIMIT_STACK },
};

static bool parse_one(const char *text, size_t n, uint64_t *ret)
{
	char word[24];
	if (n >= sizeof word)
		return false;
	memcpy(word, text, n);
	word[n] = '\0';
	if (strcmp(word, "unlimited") == 0 || strcmp(word, "-1") == 0) {
		*ret = RLIMIT_UNLIMITED;
		return true;
	}
	return parse_u64(word, 0, INT64_MAX, ret);
}

int rlimit_parse(const char *name, const char *value, struct rlimit_wish *ret, struct err *e)
{
	struct rlimit_wish w = { 0 };
	for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
		if (strcmp(resources[i].name, name) == 0) {
			w.name = resources[i].name;
			w.resource = resources[i].resource;
		}
	if (!w.name)
		return ERR_NOENT(e, "'%.32s' is not a limit: nofile, nproc, core, … wanted", name);
	const size_t n = strcspn(value, ":");
	const char *hard = value[n] ? value + n + 1 : value;
	if (!parse_one(value, n, &w.soft) || !parse_one(hard, value[n] ? strlen(hard) : n, &w.hard))
		return ERR_BAD(e,
			"limit %s '%.64s': SOFT or SOFT:HARD wanted, numbers or unlimited", w.name,
			value);
	if (w.soft > w.hard)
		return ERR_BAD(
			e, "limit %s '%s': the soft limit is above the hard one", w.name, value);
	*ret = w;
	return 0;
}

static rlim_t to_rlim(uint64_t v)
{
	return v == RLIMIT_UNLIMITED ? RLIM_INFINITY : (rlim_t)v;
}

static uint64_t from_rlim(rlim_t v)
{
	return v == RLIM_INFINITY ? RLIMIT_UNLIMITED : v;
}

/* The highest hard limit that may be set. */
static int ceiling(int resource, bool may_raise, uint64_t *ret, struct err *e)
{
	char text[32];
	struct caps held;
	struct rlimit now;
	uint64_t files;
	int r = caps_get(&held, e);
	if (r < 0)
		return r;
	*ret = RLIMIT_UNLIMITED;
	if (!may_raise || !(held.effective & CAP_BIT(SYS_RESOURCE))) {
		if (getrlimit(resource, &now) < 0)
			return ERR_SYS(e, "read limits");
		*ret = from_rlim(now.rlim_max);
	}
	if (resource == RLIMIT_NOFILE &&
		io_read_line(AT_FDCWD, "/proc/sys/fs/nr_open", text, sizeof text, e) >= 0 &&
		parse_u64(text, 1, INT64_MAX, &files) && files < *ret)
		*ret = files;
	return 0;
}

int rlimit_clamp(struct rlimit_wish *wish, bool may_raise, struct err *e)
{
	uint64_t most;
	int r = ceiling(wish->resource, may_raise, &most, e);
	if (r < 0)
		return r;
	const bool lowered = wish->hard > most;
	wish->hard = lowered ? most : wish->hard;
	if (wish->soft > wish->hard)
		wish->soft = wish->hard;
	return lowered;
}

int rlimit_apply(const struct rlimit_wish *wish, struct err *e)
{
	struct rlimit now, limit = { to_rlim(wish->soft), to_rlim(wish->hard) };
	if (setrlimit(wish->resource, &limit) == 0)
		return 0;
	if (errno != EPERM || getrlimit(wish->resource, &now) < 0)
		return ERR_SYS(e, "set limit %s", wish->name);
	dbg("limit %s may not be raised", wish->name);
	limit.rlim_max = now.rlim_max;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(wish->resource, &limit) < 0 ? ERR_SYS(e, "set limit %s", wish->name) : 0;
}
