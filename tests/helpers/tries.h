/* SPDX-License-Identifier: Apache-2.0 */
/* tries: what a confined app must not get. For testapp.c alone. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long try_mount(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}
static long try_remount(void)
{
	return mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
}
static long try_umount(void)
{
	return umount2("/proc/sys", MNT_DETACH);
}
static long try_unshare_user(void)
{
	return unshare(CLONE_NEWUSER);
}
static long try_unshare_net(void)
{
	return unshare(CLONE_NEWNET);
}
static long try_setns(void)
{
	int fd = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	return setns(fd, 0);
}
static long try_pivot_root(void)
{
	return syscall(SYS_pivot_root, "/", "/");
}
static long try_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}
static long try_keyctl(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
}
static long try_reboot(void)
{
	return syscall(SYS_reboot, 0, 0, 0, NULL);
}
static long try_swapon(void)
{
	return syscall(SYS_swapon, "/", 0);
}
static long try_kexec(void)
{
	return syscall(SYS_kexec_load, 0, 0, NULL, 0);
}
static long try_init_module(void)
{
	return syscall(SYS_init_module, NULL, 0, "");
}
static long try_settime(void)
{
	return syscall(SYS_clock_settime, CLOCK_REALTIME, NULL);
}
static long try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static long try_perf(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}
static long try_userfaultfd(void)
{
	return syscall(SYS_userfaultfd, 0);
}
static long try_handle(void)
{
	return syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, 0);
}
static long try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL);
}
static long try_chroot(void)
{
	return chroot("/");
}
static long try_setuid(void)
{
	return syscall(SYS_setuid, 0);
}
static long try_getpid(void)
{
	return getpid();
}
static long try_sethostname(void)
{
	return sethostname("x", 1);
}
static long try_personality(void)
{
	return personality(PER_LINUX32);
}
static long try_raw(void)
{
	return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
static long try_core_pattern(void)
{
	return open("/proc/sys/kernel/core_pattern", O_WRONLY | O_CLOEXEC);
}
static long try_sysrq(void)
{
	return open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
}
static long try_kcore(void)
{
	char c;
	int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, &c, 1) == 1)
		return 0;
	errno = ENODATA;
	return -1;
}

static const struct {
	const char *name;
	long (*fn)(void);
} tries[] = { { "mount", try_mount }, { "remount", try_remount }, { "umount", try_umount },
	{ "unshare-user", try_unshare_user }, { "unshare-net", try_unshare_net },
	{ "setns", try_setns }, { "pivot_root", try_pivot_root }, { "bpf", try_bpf },
	{ "keyctl", try_keyctl }, { "reboot", try_reboot }, { "swapon", try_swapon },
	{ "kexec", try_kexec }, { "init_module", try_init_module }, { "settime", try_settime },
	{ "ptrace", try_ptrace }, { "perf", try_perf }, { "userfaultfd", try_userfaultfd },
	{ "open_by_handle", try_handle }, { "io_uring", try_io_uring }, { "chroot", try_chroot },
	{ "setuid", try_setuid }, { "getpid", try_getpid }, { "sethostname", try_sethostname },
	{ "personality", try_personality }, { "raw-socket", try_raw },
	{ "core_pattern", try_core_pattern }, { "sysrq", try_sysrq }, { "kcore", try_kcore } };
