/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroup_limits: what one group may use, and how that is written into files of version 1 or 2 (the
 * kernel's Documentation/admin-guide/{cgroup-v2.rst,cgroup-v1/}).
 *
 *	                 version 2             version 1
 *	memory           memory.max            memory.limit_in_bytes
 *	memory_request   memory.low            memory.soft_limit_in_bytes
 *	cpu_milli        cpu.max               cpu.cfs_quota_us, cpu.cfs_period_us
 *	cpu_shares       cpu.weight            cpu.shares
 *	pids             pids.max              pids.max
 *	block_bandwidth  io.max: rbps wbps     blkio.throttle.{read,write}_bps_device
 *	block_iops       io.max: riops wiops   blkio.throttle.{read,write}_iops_device
 *
 * Not written: memory.high, which slows a process down at its limit instead of ending it, so that
 * a leak would hang; and swap, of which a group may use what the machine has.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* Controllers: bit N of a set. */
enum cgroup_controller {
	CONTROLLER_MEMORY,
	CONTROLLER_CPU,
	CONTROLLER_PIDS,
	CONTROLLER_IO, /* version 1: blkio */
	_CONTROLLER_MAX
};

struct cgroup_limits {			 /* 0: none */
	uint64_t memory, memory_request; /* bytes */
	uint64_t cpu_milli;		 /* thousandths of a processor */
	uint64_t cpu_shares;		 /* 2 to 262144, 1024 being what others have */
	uint64_t pids;			 /* processes and threads */
	uint64_t block_bandwidth;	 /* bytes a second of each device, reading and writing */
	uint64_t block_iops;		 /* operations a second, likewise */
	/* Whole disks that the two before are of; none: they limit nothing. */
	const dev_t *devices;
	size_t n_devices;
	/* Of an app: the two are the pod's. Version 1 bounds no group together with those below it,
	 * so that such apps share the pod's own group there. */
	bool block_of_pod;
};

/* The controllers that must be there for the limits, and those that requests (memory_request,
 * cpu_shares) would like to have: the latter only shift who waits for whom. */
unsigned cgroup_limits_need(const struct cgroup_limits *l);
unsigned cgroup_limits_like(const struct cgroup_limits *l);

/* Writes what is of this controller into the group that dirfd is. */
int cgroup_limits_write(int dirfd, enum cgroup_controller controller, bool v2,
	const struct cgroup_limits *l, struct err *e);

/* cpu.shares of version 1 as cpu.weight: in proportion, 1024 being 100, as systemd has it. */
uint64_t cgroup_weight(uint64_t shares);
/* Not where the proportion would be below 1 or above 10000, which is as far as weights go. */
bool cgroup_weight_fits(uint64_t shares);
/* A request of processor time as shares: 1000 being 1024, as Kubernetes has it. */
uint64_t cgroup_shares(uint64_t milli);
