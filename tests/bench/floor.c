/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor: the least that the kernel has to do to start one isolated app from an image that is
 * unpacked already: new pid, mount, uts, ipc, cgroup and net namespaces, the loopback, one overlay,
 * proc, sysfs, a dev with six nodes, pivot_root, exec, and waiting for the status. It is what start
 * latency is compared with; nothing that isolates an app as this does can be faster.
 *
 *	floor LOWER_DIR SCRATCH_DIR PROGRAM [ARG...]
 */
#include <err.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(long result, const char *what)
{
	if (result < 0)
		err(111, "%s", what);
}

static void loopback_up(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	must(fd, "socket");
	must(ioctl(fd, SIOCSIFFLAGS, &lo), "lo");
	close(fd);
}

static void make_devices(void)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} nodes[] = { { "dev/null", 1, 3 }, { "dev/zero", 1, 5 }, { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 } };
	must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID, "mode=755"), "dev");
	for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++)
		must(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
			nodes[i].path);
}

/* pid 1 of the new namespaces; becomes the app. */
static _Noreturn void child(const char *merged, const char *options, char **argv)
{
	const unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	must(mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL), "slave");
	must(mount("overlay", merged, "overlay", 0, options), "overlay");
	must(chdir(merged), merged);
	must(mount("proc", "proc", "proc", safe, NULL), "proc");
	must(mount("sysfs", "sys", "sysfs", safe | MS_RDONLY, NULL), "sysfs");
	make_devices();
	loopback_up();
	must(sethostname("floor", 5), "sethostname");
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount");
	must(chdir("/"), "chdir /");
	execv(argv[0], argv);
	err(127, "%s", argv[0]);
}

int main(int argc, char **argv)
{
	const unsigned long flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC |
				    CLONE_NEWCGROUP | CLONE_NEWNET;
	char merged[512], options[2048], path[512];
	if (argc < 4)
		errx(2, "usage: floor LOWER_DIR SCRATCH_DIR PROGRAM [ARG...]");
	static const char *const made[] = { "", "/u", "/w", "/m" };
	for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
		snprintf(path, sizeof path, "%s%s", argv[2], made[i]);
		mkdir(path, 0755);
	}
	snprintf(merged, sizeof merged, "%s/m", argv[2]);
	snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/u,workdir=%s/w", argv[1],
		argv[2], argv[2]);
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
	must(pid, "clone");
	if (pid == 0)
		child(merged, options, argv + 3);
	int status;
	must(waitpid((pid_t)pid, &status, 0), "wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
