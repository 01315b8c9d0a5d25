/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sets of system calls that seccomp isolators name. What they hold: @systemd is what
 * `systemd-analyze syscall-filter` of systemd 252 prints; the blacklists are those that Docker's
 * documentation gives reasons for; the whitelists are the default filter's, where Docker also lets
 * apps trace each other.
 */
#include "lib/sys/filter_list.h"

#include "lib/sys/filter.h"

static const char blacklist[] =
	"acct add_key adjtimex bpf clock_adjtime clock_settime create_module delete_module "
	"finit_module get_kernel_syms get_mempolicy init_module ioperm iopl kcmp kexec_file_load "
	"kexec_load keyctl lookup_dcookie mbind mount move_pages name_to_handle_at nfsservctl "
	"open_by_handle_at perf_event_open pivot_root process_vm_readv process_vm_writev ptrace "
	"query_module quotactl reboot request_key set_mempolicy setns settimeofday stime swapon "
	"swapoff sysfs _sysctl umount umount2 unshare uselib userfaultfd ustat vm86 vm86old "
	/* younger than the documentation: the same, by other names */
	"clock_adjtime64 clock_settime64 fsconfig fsmount fsopen fspick io_uring_enter "
	"io_uring_register io_uring_setup mount_setattr move_mount open_tree pidfd_getfd "
	"process_madvise quotactl_fd set_mempolicy_home_node";

/* NULL: see filter_set_calls(). */
static const struct {
	const char *name, *calls;
} sets[] = {
	{ "@appc.io/all", "" },
	{ "@appc.io/empty", "" },
	{ "@rkt/default-whitelist", NULL },
	{ "@rkt/default-blacklist", blacklist },
	{ "@docker/default-whitelist",
		"@rkt/default-whitelist ptrace process_vm_readv process_vm_writev" },
	{ "@docker/default-blacklist", blacklist },
	{ "@systemd/clock", "adjtimex clock_adjtime clock_adjtime64 clock_settime clock_settime64 "
			    "settimeofday" },
	{ "@systemd/default-whitelist",
		"arch_prctl brk cacheflush clock_getres clock_getres_time64 clock_gettime "
		"clock_gettime64 clock_nanosleep clock_nanosleep_time64 execve exit exit_group "
		"futex futex_time64 futex_waitv get_robust_list get_thread_area getegid getegid32 "
		"geteuid geteuid32 getgid getgid32 getgroups getgroups32 getpgid getpgrp getpid "
		"getppid getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getsid "
		"gettid gettimeofday getuid getuid32 membarrier mmap mmap2 mprotect munmap "
		"nanosleep pause prlimit64 restart_syscall riscv_flush_icache rseq rt_sigreturn "
		"sched_getaffinity sched_yield set_robust_list set_thread_area set_tid_address "
		"set_tls sigreturn time ugetrlimit" },
	{ "@systemd/mount", "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount "
			    "open_tree pivot_root umount umount2" },
	{ "@systemd/network-io",
		"accept accept4 bind connect getpeername getsockname getsockopt listen recv "
		"recvfrom recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt "
		"shutdown socket socketcall socketpair" },
	{ "@systemd/obsolete",
		"_sysctl afs_syscall bdflush break create_module ftime get_kernel_syms getpmsg "
		"gtty idle lock mpx prof profil putpmsg query_module security sgetmask ssetmask "
		"stime stty sysfs tuxcall ulimit uselib ustat vserver" },
	{ "@systemd/privileged",
		"@systemd/clock @systemd/raw-io chown chown32 fchown fchown32 fchownat lchown "
		"lchown32 delete_module finit_module init_module kexec_file_load kexec_load reboot "
		"swapoff swapon _sysctl acct bpf capset chroot fanotify_init fanotify_mark "
		"nfsservctl open_by_handle_at pivot_root quotactl quotactl_fd setdomainname "
		"setfsuid setfsuid32 setgroups setgroups32 sethostname setresuid setresuid32 "
		"setreuid setreuid32 setuid setuid32 vhangup" },
	{ "@systemd/process",
		"capget clone clone3 execveat fork getrusage kill pidfd_open pidfd_send_signal "
		"prctl rt_sigqueueinfo rt_tgsigqueueinfo setns swapcontext tgkill times tkill "
		"unshare vfork wait4 waitid waitpid" },
	{ "@systemd/raw-io", "ioperm iopl pciconfig_iobase pciconfig_read pciconfig_write "
			     "s390_pci_mmio_read s390_pci_mmio_write" },
};
enum { N_SETS = sizeof sets / sizeof *sets };

const char *filter_set_name(size_t i)
{
	return i < N_SETS ? sets[i].name : NULL;
}

const char *filter_set_calls(size_t i)
{
	return sets[i].calls ? sets[i].calls : filter_default_names();
}
