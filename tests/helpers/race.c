/* SPDX-License-Identifier: Apache-2.0 */
/*
 * race: the hostile side of races, which loses no time. Static: it runs in images too.
 *
 *	race swap A B STOP	exchanges A and B again and again, until the file STOP is there
 *	race plant DIR TO STOP	puts a link to TO in the place of each new entry of DIR that is
 *neither a directory nor a link, the moment that it appears race peek STOP PROGRAM	looks into
 *every process that it can see: at its program, its root, its working directory and its
 *descriptors, and traces it. Says `reached …` for what is not of its own root, or not yet its
 *equal, but for processes that are that PROGRAM.
 *	race flood STOP		sends pid 1 signals again and again, and leaves it orphans
 *	race scribble FILE STOP	writes to the middle of FILE, now one thing, now another
 *	race immutable PATH...	makes files immutable
 *	race escape PATH	leaves a changed root by a descriptor, and looks for PATH from there
 *
 * Each of the first says `go` when it begins and how often it did what it does when it ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

static int exchange(int dir, const char *a, const char *b)
{
	return (int)syscall(SYS_renameat2, dir, a, dir, b, RENAME_EXCHANGE);
}

static void go(void)
{
	puts("go");
	fflush(stdout);
}

static int done(const char *what, unsigned long n)
{
	printf("%s %lu\n", what, n);
	return 0;
}

static int swap(char **a)
{
	unsigned long n = 0;
	go();
	do
		for (int i = 0; i < 256; i++)
			n += exchange(AT_FDCWD, a[0], a[1]) == 0;
	while (access(a[2], F_OK));
	return done("swapped", n);
}

/* --- plant ------------------------------------------------------------------------------------ */

static unsigned long plant_once(DIR *d, const char *to)
{
	static unsigned long n;
	unsigned long before = n;
	rewinddir(d);
	for (struct dirent *e; (e = readdir(d));) {
		char link[32];
		if (e->d_type == DT_DIR || e->d_type == DT_LNK || e->d_name[0] == '.')
			continue;
		snprintf(link, sizeof link, ".planted%lu", n);
		if (symlinkat(to, dirfd(d), link) == 0 && exchange(dirfd(d), link, e->d_name) == 0)
			n++;
		unlinkat(dirfd(d), link, 0);
	}
	return n - before;
}

static int plant(char **a)
{
	unsigned long n = 0;
	DIR *d;
	while (!(d = opendir(a[0])))
		;
	go();
	do
		n += plant_once(d, a[1]);
	while (access(a[2], F_OK));
	closedir(d);
	return done("planted", n);
}

/* --- peek ------------------------------------------------------------------------------------- */

static struct stat own_root;
static const char *equal;
static unsigned long looks;

static void reached(const char *pid, const char *what)
{
	char path[64], exe[256] = "";
	snprintf(path, sizeof path, "/proc/%.10s/exe", pid);
	if (readlink(path, exe, sizeof exe - 1) < 0) {
		if (errno == ENOENT || errno == ESRCH)
			return; /* it has ended: an app's last moment, one of rkt's lasts */
		snprintf(exe, sizeof exe, "%s", strerror(errno));
	}
	if (!strcmp(exe, equal))
		return;
	printf("reached %s of process %s, which is %s\n", what, pid, exe);
	fflush(stdout);
}

/* Its root and working directory are on our own file system, its program too. */
static void peek_links(const char *pid)
{
	static const char *const names[] = { "root", "cwd", "exe" };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[64];
		struct stat st;
		snprintf(path, sizeof path, "/proc/%.10s/%s", pid, names[i]);
		looks++;
		if (stat(path, &st) == 0 && st.st_dev != own_root.st_dev)
			reached(pid, names[i]);
	}
}

/* Three descriptors and no more, and no directory among them. */
static void peek_fds(const char *pid)
{
	for (int fd = 0; fd < 24; fd++) {
		char path[64];
		struct stat st;
		snprintf(path, sizeof path, "/proc/%.10s/fd/%d", pid, fd);
		looks++;
		if (stat(path, &st) < 0)
			continue;
		if (fd > 2 || S_ISDIR(st.st_mode))
			reached(pid, path);
	}
}

/* Who can be traced must be past its last execve. */
static void peek_trace(const char *pid)
{
	pid_t p = (pid_t)strtol(pid, NULL, 10);
	int status;
	looks++;
	if (ptrace(PTRACE_SEIZE, p, NULL, NULL) < 0)
		return;
	peek_links(pid);
	/* One that has died meanwhile must be waited for, too: until then it is nobody else's. */
	(void)ptrace(PTRACE_INTERRUPT, p, NULL, NULL);
	if (waitpid(p, &status, __WALL) == p && WIFSTOPPED(status)) {
		peek_links(pid); /* while it stands still */
		peek_fds(pid);
		ptrace(PTRACE_DETACH, p, NULL, NULL);
	}
}

static int peek(char **a)
{
	pid_t me = getpid();
	equal = a[1];
	if (!getenv("AC_APP_NAME"))
		return 99;
	if (stat("/", &own_root) < 0)
		return 1;
	DIR *d = opendir("/proc");
	if (!d)
		return 1;
	go();
	do {
		rewinddir(d);
		for (struct dirent *e; (e = readdir(d));) {
			if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
				strtol(e->d_name, NULL, 10) == me)
				continue;
			peek_links(e->d_name);
			peek_fds(e->d_name);
			peek_trace(e->d_name);
		}
	} while (access(a[0], F_OK));
	closedir(d);
	return done("looked", looks);
}

/* --- flood ------------------------------------------------------------------------------------ */

static unsigned long flood_once(void)
{
	unsigned long n = 0;
	/* SIGCHLD most of all: it is the one that pid 1 waits for. */
	for (int sig = 1; sig < NSIG; sig++)
		n += (kill(1, sig) == 0) + (kill(1, SIGCHLD) == 0);
	return n;
}

/* Whose child it leaves behind is an orphan of pid 1. */
static void leave_orphan(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		(void)fork();
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
}

static int flood(char **a)
{
	enum { FLOODERS = 6 };
	unsigned long n = 0;
	go();
	for (int i = 0; i < FLOODERS; i++)
		if (fork() == 0)
			for (;;) {
				(void)flood_once();
				if (i == 0)
					leave_orphan();
			}
	do
		n += flood_once();
	while (access(a[0], F_OK));
	return done("flooded", n);
}

/* --- once ------------------------------------------------------------------------------------- */

static int immutable(char **a)
{
	for (; *a; a++) {
		int flags = FS_IMMUTABLE_FL, fd = open(*a, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) {
			printf("%s: %s\n", *a, errno == ENOTTY ? "not supported" : strerror(errno));
			return 1;
		}
		close(fd);
	}
	return 0;
}

static int escape(char **a)
{
	int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)mkdir("/below", 0755);
	if (old < 0 || chroot("/below") < 0 || fchdir(old) < 0)
		return 1;
	for (int i = 0; i < 100; i++)
		if (chdir("..") < 0)
			return 1;
	if (chroot(".") < 0)
		return 1;
	puts(access(a[0], F_OK) ? "not there" : "reached");
	return 0;
}

static int scribble(char **a)
{
	struct stat st;
	char good = 0, bad;
	unsigned long n = 0;
	int fd = open(a[0], O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || pread(fd, &good, 1, st.st_size / 2) != 1) {
		perror(a[0]);
		return 1;
	}
	bad = (char)~good;
	go();
	do
		for (int i = 0; i < 256; i++)
			n += pwrite(fd, i & 1 ? &bad : &good, 1, st.st_size / 2) == 1;
	while (access(a[1], F_OK));
	return done("wrote", n);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "scribble"))
		return scribble(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "swap"))
		return swap(argv + 2);
	if (argc == 5 && !strcmp(argv[1], "plant"))
		return plant(argv + 2);
	if (argc == 4 && !strcmp(argv[1], "peek"))
		return peek(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "flood"))
		return flood(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "immutable"))
		return immutable(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "escape"))
		return escape(argv + 2);
	fputs("usage: race swap A B STOP | plant DIR TO STOP | peek STOP PROGRAM | flood STOP "
	      "| scribble FILE STOP | immutable PATH... | escape PATH\n",
		stderr);
	return 2;
}
