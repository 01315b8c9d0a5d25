/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/sysctl.h"

#include <sched.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>

#include "tests/unit/unit.h"

static struct err e;

START_TEST(names_of_namespaces)
{
	static const struct {
		const char *name;
		enum sysctl_space space;
	} good[] = {
		{ "net.ipv4.ip_forward", SYSCTL_NET },
		{ "net/ipv4/ip_forward", SYSCTL_NET },
		{ "net.ipv4.conf.eth0/100.forwarding", SYSCTL_NET },
		{ "net/ipv4/conf/eth0.100/forwarding", SYSCTL_NET },
		{ "kernel.shmmax", SYSCTL_IPC },
		{ "kernel/sem", SYSCTL_IPC },
		{ "fs.mqueue.msg_max", SYSCTL_IPC },
		{ "kernel.domainname", SYSCTL_UTS },
	};
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		enum sysctl_space space;
		ck_assert_msg(
			sysctl_check(good[i].name, "1 2", &space, &e) == 0, "%s", unit_message(&e));
		ck_assert_int_eq(space, good[i].space);
	}
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		const char *name, *value, *why;
	} bad[] = {
		{ "kernel.core_pattern", "x", "of no namespace" },
		{ "kernel/core_pattern", "x", "of no namespace" },
		{ "kernel.shmmaxx", "1", "of no namespace" },
		{ "kernel.shmmax.x", "1", "of no namespace" },
		{ "vm.overcommit_memory", "1", "of no namespace" },
		{ "fs.mqueue", "1", "of no namespace" },
		{ "net", "1", "of no namespace" },
		{ "network.x", "1", "of no namespace" },
		{ "kernel.hostname", "x", "--hostname" },
		{ "net/../kernel/core_pattern", "x", "not a name" },
		{ "net.ipv4.//.//.kernel.core_pattern", "x", "not a name" },
		{ "net..ipv4", "1", "not a name" },
		{ "net/./ipv4", "1", "not a name" },
		{ "/net/ipv4", "1", "not a name" },
		{ ".net", "1", "not a name" },
		{ "net.", "1", "not a name" },
		{ "", "1", "not a name" },
		{ "net.ipv4.x=1", "1", "not a name" },
		{ "net.ipv4.x+kernel.y", "1", "not a name" },
		{ "net.ipv4.x", "1\nx", "one line" },
		{ "net.ipv4.x", "1+kernel.core_pattern=|/bin/x", "one line" },
		{ "net.ipv4.x", "\x1b[2J", "one line" },
		{ "net.ipv4.x", "", "characters" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		enum sysctl_space space;
		ck_assert_msg(sysctl_check(bad[i].name, bad[i].value, &space, &e) < 0,
			"accepted: %s", bad[i].name);
		ck_assert_msg(strstr(unit_message(&e), bad[i].why) != NULL, "%s: %s", bad[i].name,
			unit_message(&e));
		ck_assert_int_lt(sysctl_write(bad[i].name, bad[i].value, &e), 0);
	}
	char name[300] = "net.";
	memset(name + 4, 'x', sizeof name - 5);
	enum sysctl_space space;
	ck_assert_int_lt(sysctl_check(name, "1", &space, &e), 0);
}
END_TEST

/* The namespace has it, and nobody else. */
START_TEST(is_in_force)
{
	ck_assert_int_eq(unshare(CLONE_NEWIPC), 0);
	ck_assert_msg(sysctl_write("kernel.shmmni", "1", &e) == 0, "%s", unit_message(&e));
	ck_assert_int_ge(shmget(IPC_PRIVATE, 4096, 0600), 0);
	ck_assert_int_lt(shmget(IPC_PRIVATE, 4096, 0600), 0);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_lt(sysctl_write("net.ipv4.no_such_thing", "1", &e), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "sysctl 'net.ipv4.no_such_thing'"));
}
END_TEST

UNIT_MAIN("sysctl", &names_of_namespaces, &refusals, &is_in_force)
