/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/cgroup_limits.h"

#include <errno.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "lib/base/parse.h"
#include "lib/fs/io.h"

enum {
	CPU_PERIOD_US = 100000,
	CPU_PERIOD_LONG_US = 1000000, /* the longest that there is */
	CPU_QUOTA_MIN_US = 1000,      /* the kernel refuses less, in any period */
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	SHARES_DEFAULT = 1024,
	WEIGHT_DEFAULT = 100,
	WEIGHT_MAX = 10000,
	PIDS_MAX = 4194304, /* the kernel refuses more */
};

unsigned cgroup_limits_need(const struct cgroup_limits *l)
{
	return (l->memory != 0U) << CONTROLLER_MEMORY | (l->cpu_milli != 0U) << CONTROLLER_CPU |
	       (l->pids != 0U) << CONTROLLER_PIDS |
	       (l->block_bandwidth || l->block_iops) << CONTROLLER_IO;
}

unsigned cgroup_limits_like(const struct cgroup_limits *l)
{
	return (l->memory_request != 0U) << CONTROLLER_MEMORY | (l->cpu_shares != 0U)
									<< CONTROLLER_CPU;
}

static uint64_t clamp(uint64_t v, uint64_t min, uint64_t max)
{
	return v < min ? min : v > max ? max : v;
}

static uint64_t in_proportion(uint64_t shares)
{
	shares = clamp(shares, SHARES_MIN, SHARES_MAX);
	return (shares * WEIGHT_DEFAULT + SHARES_DEFAULT / 2) / SHARES_DEFAULT;
}

uint64_t cgroup_weight(uint64_t shares)
{
	return clamp(in_proportion(shares), 1, WEIGHT_MAX);
}

bool cgroup_weight_fits(uint64_t shares)
{
	return in_proportion(shares) == cgroup_weight(shares);
}

uint64_t cgroup_shares(uint64_t milli)
{
	return clamp(clamp(milli, 0, INT32_MAX) * SHARES_DEFAULT / 1000, SHARES_MIN, SHARES_MAX);
}

static int set_knob(int dirfd, const char *knob, uint64_t value, struct err *e)
{
	char text[24];
	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	return io_write_knob(dirfd, knob, text, e);
}

static int write_memory(int dirfd, bool v2, const struct cgroup_limits *l, struct err *e)
{
	int r = 0;
	if (l->memory)
		r = set_knob(dirfd, v2 ? "memory.max" : "memory.limit_in_bytes", l->memory, e);
	if (r >= 0 && l->memory_request)
		r = set_knob(dirfd, v2 ? "memory.low" : "memory.soft_limit_in_bytes",
			l->memory_request, e);
	return r;
}

/* Of version 1: what the nearest group above that has a limit has, which is the lowest of those
 * above; false: none has one. */
static bool quota_above(int dirfd, uint64_t *ret_quota, uint64_t *ret_period)
{
	static const char ups[] = "../../../../../../../../../../../../../../../../";
	char path[sizeof ups + 32], line[24];
	for (int up = 3; up < (int)sizeof ups; up += 3) {
		struct err ignored = ERR_INIT;
		snprintf(path, sizeof path, "%.*scpu.cfs_quota_us", up, ups);
		if (io_read_line(dirfd, path, line, sizeof line, &ignored) < 0)
			return false; /* past the root */
		if (!parse_u64(line, 1, INT64_MAX, ret_quota))
			continue; /* -1 */
		snprintf(path, sizeof path, "%.*scpu.cfs_period_us", up, ups);
		return io_read_line(dirfd, path, line, sizeof line, &ignored) >= 0 &&
		       parse_u64(line, 1, INT64_MAX, ret_period);
	}
	return false;
}

static int write_quota_v1(int dirfd, uint64_t quota, uint64_t period, struct err *e)
{
	int r = set_knob(dirfd, "cpu.cfs_period_us", period, e);
	if (r < 0 || (r = set_knob(dirfd, "cpu.cfs_quota_us", quota, e)) != -EINVAL)
		return r;
	/* More than a group above has is refused, where version 2 just does not give it. */
	if (!quota_above(dirfd, &quota, &period))
		return r;
	*e = ERR_INIT;
	r = set_knob(dirfd, "cpu.cfs_period_us", period, e);
	return r < 0 ? r : set_knob(dirfd, "cpu.cfs_quota_us", quota, e);
}

static int write_quota(int dirfd, bool v2, uint64_t milli, struct err *e)
{
	const uint64_t most = UINT64_C(1) << 43; /* a little more the kernel refuses */
	uint64_t period = CPU_PERIOD_US, quota = clamp(milli, 0, most) * period / 1000;
	if (quota < CPU_QUOTA_MIN_US) {
		period = CPU_PERIOD_LONG_US;
		quota = milli * period / 1000;
	}
	quota = clamp(quota, CPU_QUOTA_MIN_US, most);
	if (v2) {
		char text[48];
		snprintf(text, sizeof text, "%llu %llu", (unsigned long long)quota,
			(unsigned long long)period);
		return io_write_knob(dirfd, "cpu.max", text, e);
	}
	return write_quota_v1(dirfd, quota, period, e);
}

static int write_cpu(int dirfd, bool v2, const struct cgroup_limits *l, struct err *e)
{
	int r = l->cpu_milli ? write_quota(dirfd, v2, l->cpu_milli, e) : 0;
	if (r < 0 || !l->cpu_shares)
		return r;
	if (v2)
		return set_knob(dirfd, "cpu.weight", cgroup_weight(l->cpu_shares), e);
	return set_knob(dirfd, "cpu.shares", clamp(l->cpu_shares, SHARES_MIN, SHARES_MAX), e);
}

static int write_pids(int dirfd, bool v2, const struct cgroup_limits *l, struct err *e)
{
	(void)v2;
	return l->pids ? set_knob(dirfd, "pids.max", clamp(l->pids, 1, PIDS_MAX), e) : 0;
}

/* "MAJOR:MINOR KEYvalue", one write a key. */
static int write_device(
	int dirfd, const char *file, dev_t dev, const char *key, uint64_t value, struct err *e)
{
	char text[96];
	snprintf(text, sizeof text, "%u:%u %s%llu", major(dev), minor(dev), key,
		(unsigned long long)value);
	int r = io_write_knob(dirfd, file, text, e);
	return r < 0 ? err_wrap(e, r, "device %u:%u", major(dev), minor(dev)) : 0;
}

static int write_io(int dirfd, bool v2, const struct cgroup_limits *l, struct err *e)
{
	const struct {
		const char *file, *key;
		uint64_t value;
	} all[] = {
		{ "blkio.throttle.read_bps_device", "rbps=", l->block_bandwidth },
		{ "blkio.throttle.write_bps_device", "wbps=", l->block_bandwidth },
		{ "blkio.throttle.read_iops_device",
			"riops=", clamp(l->block_iops, 0, UINT32_MAX) },
		{ "blkio.throttle.write_iops_device",
			"wiops=", clamp(l->block_iops, 0, UINT32_MAX) },
	};
	for (size_t d = 0; d < l->n_devices; d++)
		for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
			if (!all[i].value)
				continue;
			int r = write_device(dirfd, v2 ? "io.max" : all[i].file, l->devices[d],
				v2 ? all[i].key : "", all[i].value, e);
			if (r < 0)
				return r;
		}
	return 0;
}

int cgroup_limits_write(int dirfd, enum cgroup_controller controller, bool v2,
	const struct cgroup_limits *l, struct err *e)
{
	static int (*const writers[_CONTROLLER_MAX])(
		int dirfd, bool v2, const struct cgroup_limits *l, struct err *e) = {
		[CONTROLLER_MEMORY] = write_memory,
		[CONTROLLER_CPU] = write_cpu,
		[CONTROLLER_PIDS] = write_pids,
		[CONTROLLER_IO] = write_io,
	};
	int r = writers[controller](dirfd, v2, l, e);
	return r < 0 ? err_wrap(e, r, "set limit") : 0;
}
