/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testapp: the payload of test images. One static program that looks at its surroundings from
 * inside and prints them, or misbehaves as it is told.
 *
 *	testapp COMMAND [ARG...] [+ COMMAND [ARG...]]...
 *
 * Commands run one after the other; the first that fails ends the program with status 1, and
 * `exit N` ends it with N. `testapp` alone lists the commands. What would hurt a host (`try`,
 * `forks`) is refused outside of a pod, where AC_APP_NAME is not set.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/helpers/tries.h"

extern char **environ;

static int fail(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	return 1;
}

static int in_pod(void)
{
	if (getenv("AC_APP_NAME"))
		return 1;
	puts("testapp: refused: not in a pod");
	return 0;
}

static long number(const char *s)
{
	return s ? strtol(s, NULL, 10) : 0;
}

/* --- saying ------------------------------------------------------------------------------------
 */

static int do_exit(char **a)
{
	fflush(stdout);
	_exit((int)number(a[0]));
}

static int do_echo(char **a)
{
	for (; *a; a++)
		printf("%s%s", *a, a[1] ? " " : "");
	putchar('\n');
	return 0;
}

static int do_stderr(char **a)
{
	fprintf(stderr, "%s\n", a[0] ? a[0] : "");
	return 0;
}

static int do_args(char **a)
{
	for (; *a; a++)
		printf("[%s]\n", *a);
	return 0;
}

static int do_env(char **a)
{
	if (a[0]) {
		const char *v = getenv(a[0]);
		printf("%s=%s\n", a[0], v ? v : "(unset)");
		return 0;
	}
	for (char **e = environ; *e; e++)
		printf("%s\n", *e);
	return 0;
}

static int do_spam(char **a)
{
	char block[4096];
	memset(block, 'x', sizeof block);
	block[sizeof block - 1] = '\n';
	for (long left = number(a[0]); left > 0; left -= (long)sizeof block)
		fwrite(block, 1, left < (long)sizeof block ? (size_t)left : sizeof block, stdout);
	return 0;
}

static int do_read(char **a)
{
	char line[4096];
	(void)a;
	printf("read %s", fgets(line, sizeof line, stdin) ? line : "end of file\n");
	return 0;
}

/* --- looking -----------------------------------------------------------------------------------
 */

static int do_cwd(char **a)
{
	char path[4096];
	(void)a;
	if (!getcwd(path, sizeof path))
		return fail("getcwd");
	puts(path);
	return 0;
}

static int do_ids(char **a)
{
	uid_t r, e, s;
	gid_t gr, ge, gs, groups[64];
	(void)a;
	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	int n = getgroups(64, groups);
	printf("uid=%u,%u,%u gid=%u,%u,%u groups=", r, e, s, gr, ge, gs);
	for (int i = 0; i < n; i++)
		printf("%s%u", i ? "," : "", groups[i]);
	putchar('\n');
	return 0;
}

static int copy_out(const char *path, const char *const *prefixes)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return fail(path);
	char line[8192];
	while (fgets(line, sizeof line, f)) {
		bool wanted = !prefixes;
		for (size_t i = 0; prefixes && prefixes[i]; i++)
			wanted |= !strncmp(line, prefixes[i], strlen(prefixes[i]));
		if (wanted)
			fputs(line, stdout);
	}
	int bad = ferror(f);
	fclose(f);
	return bad ? fail(path) : 0;
}

static int do_caps(char **a)
{
	static const char *const rows[] = { "Cap", "NoNewPrivs", "Seccomp:", NULL };
	(void)a;
	return copy_out("/proc/self/status", rows);
}

static int do_cat(char **a)
{
	int bad = 0;
	for (; *a; a++)
		bad |= copy_out(*a, NULL);
	return bad;
}

static int do_mounts(char **a)
{
	(void)a;
	return copy_out("/proc/self/mountinfo", NULL);
}

static int do_limits(char **a)
{
	(void)a;
	return copy_out("/proc/self/limits", NULL);
}

static int do_cgroup(char **a)
{
	(void)a;
	return copy_out("/proc/self/cgroup", NULL);
}

static int by_name(const struct dirent **x, const struct dirent **y)
{
	return strcmp((*x)->d_name, (*y)->d_name);
}

static int do_ls(char **a)
{
	struct dirent **names;
	const char *dir = a[0] ? a[0] : "/";
	int n = scandir(dir, &names, NULL, by_name);
	if (n < 0)
		return fail(dir);
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i]->d_name, ".") && strcmp(names[i]->d_name, ".."))
			puts(names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}

static const char *file_type(mode_t m)
{
	static const struct {
		mode_t type;
		const char *name;
	} types[] = { { S_IFREG, "file" }, { S_IFDIR, "dir" }, { S_IFLNK, "link" },
		{ S_IFCHR, "char" }, { S_IFBLK, "block" }, { S_IFIFO, "fifo" },
		{ S_IFSOCK, "socket" } };
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if ((m & S_IFMT) == types[i].type)
			return types[i].name;
	return "?";
}

static int do_stat(char **a)
{
	for (; *a; a++) {
		struct stat st;
		if (lstat(*a, &st) < 0) {
			fail(*a);
			continue;
		}
		printf("%s: %s %04o %u:%u", *a, file_type(st.st_mode), st.st_mode & 07777,
			st.st_uid, st.st_gid);
		if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			printf(" %u,%u", major(st.st_rdev), minor(st.st_rdev));
		if (S_ISREG(st.st_mode))
			printf(" %lld", (long long)st.st_size);
		putchar('\n');
	}
	return 0;
}

static int do_readlink(char **a)
{
	char to[4096];
	ssize_t n = readlink(a[0], to, sizeof to - 1);
	if (n < 0)
		return fail(a[0]);
	printf("%.*s\n", (int)n, to);
	return 0;
}

/* Every open descriptor but the one that lists them. */
static int do_fds(char **a)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	(void)a;
	if (!d)
		return fail("/proc/self/fd");
	while ((e = readdir(d))) {
		char to[4096];
		ssize_t n = readlinkat(dirfd(d), e->d_name, to, sizeof to - 1);
		if (n >= 0 && number(e->d_name) != dirfd(d))
			printf("%s -> %.*s\n", e->d_name, (int)n, to);
	}
	closedir(d);
	return 0;
}

static int do_tty(char **a)
{
	struct winsize w = { 0 };
	(void)a;
	printf("stdin %d stdout %d stderr %d\n", isatty(0), isatty(1), isatty(2));
	if (!ioctl(0, TIOCGWINSZ, &w))
		printf("size %ux%u\n", w.ws_row, w.ws_col);
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	printf("controlling terminal: %s\n", fd < 0 ? strerror(errno) : "yes");
	if (fd >= 0)
		close(fd);
	return 0;
}

static int do_pids(char **a)
{
	struct dirent **names;
	int n = scandir("/proc", &names, NULL, by_name);
	(void)a;
	if (n < 0)
		return fail("/proc");
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] >= '0' && names[i]->d_name[0] <= '9')
			puts(names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}

static int do_pid(char **a)
{
	(void)a;
	printf("pid=%d ppid=%d sid=%d pgid=%d\n", getpid(), getppid(), getsid(0), getpgid(0));
	return 0;
}

static int do_ns(char **a)
{
	for (; *a; a++) {
		char path[64], to[64];
		snprintf(path, sizeof path, "/proc/self/ns/%s", *a);
		ssize_t n = readlink(path, to, sizeof to - 1);
		if (n < 0)
			return fail(path);
		printf("%.*s\n", (int)n, to);
	}
	return 0;
}

/* What a process inherits and /proc does not tell of. */
static int do_inherited(char **a)
{
	char session[256] = "";
	const mode_t mask = umask(0);
	(void)a;
	umask(mask);
	printf("securebits %#x umask %03o priority %d scheduler %d io %#lx personality %#x\n",
		(unsigned)prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), (unsigned)mask,
		getpriority(PRIO_PROCESS, 0), sched_getscheduler(0), syscall(SYS_ioprio_get, 1, 0),
		(unsigned)personality(0xffffffff));
	cpu_set_t cpus;
	printf("processors %d\n",
		sched_getaffinity(0, sizeof cpus, &cpus) < 0 ? -1 : CPU_COUNT(&cpus));
	/* KEYCTL_DESCRIBE of KEY_SPEC_SESSION_KEYRING: without its number, which is never the same.
	 */
	if (syscall(SYS_keyctl, 6, -3, session, sizeof session - 1, 0) < 0)
		printf("keyring: %s\n", strerror(errno));
	else
		printf("keyring %s\n", session);
	return 0;
}

static int do_uname(char **a)
{
	struct utsname u;
	(void)a;
	uname(&u);
	printf("%s\n", u.nodename);
	return 0;
}

static int do_ifs(char **a)
{
	struct ifaddrs *all, *i;
	(void)a;
	if (getifaddrs(&all) < 0)
		return fail("getifaddrs");
	for (i = all; i; i = i->ifa_next) {
		char text[INET6_ADDRSTRLEN] = "";
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
			continue;
		inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, text,
			sizeof text);
		printf("%s %s %s\n", i->ifa_name, text, i->ifa_flags & IFF_UP ? "up" : "down");
	}
	freeifaddrs(all);
	return 0;
}

static int do_signals(char **a)
{
	static const char *const rows[] = { "Sig", "Shd", NULL };
	(void)a;
	mode_t mask = umask(0);
	printf("umask %04o\n", mask);
	umask(mask);
	return copy_out("/proc/self/status", rows);
}

/* --- acting ------------------------------------------------------------------------------------
 */

static int do_sleep(char **a)
{
	struct timespec t = { .tv_sec = number(a[0]) };
	const char *dot = a[0] ? strchr(a[0], '.') : NULL;
	if (dot)
		t.tv_nsec = number(dot + 1) * (strlen(dot + 1) == 1 ? 100000000L : 10000000L);
	fflush(stdout);
	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
	return 0;
}

static int do_write(char **a)
{
	FILE *f = fopen(a[0], "we");
	if (!f || fputs(a[1] ? a[1] : "", f) < 0 || fclose(f))
		return fail(a[0]);
	return 0;
}

static int do_fill(char **a)
{
	char block[65536] = { 1 };
	int fd = open(a[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(a[0]);
	for (long left = number(a[1]); left > 0; left -= (long)sizeof block)
		if (write(fd, block, sizeof block) < 0)
			return fail(a[0]);
	return close(fd) ? fail(a[0]) : 0;
}

static int do_mkdir(char **a)
{
	return mkdir(a[0], 0755) ? fail(a[0]) : 0;
}

static int do_rm(char **a)
{
	return unlink(a[0]) ? fail(a[0]) : 0;
}

static int do_chown(char **a)
{
	return chown(a[0], (uid_t)number(a[1]), (gid_t)number(a[1])) ? fail(a[0]) : 0;
}

static int do_waitfile(char **a)
{
	fflush(stdout);
	while (access(a[0], F_OK))
		usleep(10000);
	return 0;
}

static int do_kill(char **a)
{
	fflush(stdout);
	kill(getpid(), (int)number(a[0]));
	return 0;
}

/* kill-pid PID SIG: somebody else, pid 1 of the pod for one. */
static int do_kill_pid(char **a)
{
	return kill((pid_t)number(a[0]), (int)number(a[1])) ? fail("kill") : 0;
}

static volatile sig_atomic_t told;
static void on_signal(int sig)
{
	told = sig;
}

static int do_on_term(char **a)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigaction(SIGTERM, &sa, NULL);
	puts("waiting");
	fflush(stdout);
	while (!told)
		usleep(5000);
	puts("got TERM");
	fflush(stdout);
	_exit((int)number(a[0]));
}

static int do_ignore_term(char **a)
{
	(void)a;
	signal(SIGTERM, SIG_IGN);
	return 0;
}

/* Children of a dead parent: pid 1 of the pod gets them. */
static int do_orphans(char **a)
{
	for (long i = number(a[0]); i > 0; i--) {
		pid_t p = fork();
		if (p < 0)
			return fail("fork");
		if (p == 0) {
			if (fork() == 0)
				usleep((useconds_t)(number(a[1]) * 1000));
			_exit(0);
		}
		waitpid(p, NULL, 0);
	}
	return 0;
}

static int do_forks(char **a)
{
	long n = 0, max = number(a[0]);
	if (!in_pod())
		return 99;
	for (; n < max; n++) {
		pid_t p = fork();
		if (p < 0)
			break;
		if (p == 0) {
			pause();
			_exit(0);
		}
	}
	printf("forked %ld: %s\n", n, n < max ? strerror(errno) : "all");
	fflush(stdout);
	kill(0, SIGKILL);
	return 0;
}

static int do_alloc(char **a)
{
	size_t n = (size_t)number(a[0]) << 20;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return fail("mmap");
	for (size_t i = 0; i < n; i += 4096)
		p[i] = 1;
	printf("allocated %s MiB\n", a[0]);
	return 0;
}

static double now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Spins for some wall seconds; prints the percentage of a core that it got. */
static int do_cpu(char **a)
{
	double start = now(CLOCK_MONOTONIC), used = now(CLOCK_PROCESS_CPUTIME_ID);
	double end = start + (double)number(a[0]);
	while (now(CLOCK_MONOTONIC) < end)
		;
	used = now(CLOCK_PROCESS_CPUTIME_ID) - used;
	printf("cpu %d\n", (int)(used * 100 / (now(CLOCK_MONOTONIC) - start)));
	return 0;
}

/* direct FILE COUNT KIB: writes COUNT blocks past the page cache; prints KiB and blocks a second.
 */
static int do_direct(char **a)
{
	size_t size = (size_t)number(a[2]) * 1024;
	long count = number(a[1]);
	int fd = open(a[0], O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
	char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || block == MAP_FAILED)
		return fail(a[0]);
	double start = now(CLOCK_MONOTONIC);
	for (long i = 0; i < count; i++)
		if (pwrite(fd, block, size, (off_t)size * i) != (ssize_t)size)
			return fail("write");
	double took = now(CLOCK_MONOTONIC) - start;
	printf("direct %.0f %.0f\n", (double)(count * number(a[2])) / took, (double)count / took);
	return close(fd) ? fail(a[0]) : 0;
}

static struct sockaddr_in loopback(const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)number(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return at;
}

/* Serves one connection on the loopback: says hello, prints what it is told. */
static int do_listen(char **a)
{
	struct sockaddr_in at = loopback(a[0]);
	int one = 1, s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
	char buf[256];
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(s, (struct sockaddr *)&at, sizeof at) || listen(s, 4))
		return fail("listen");
	c = accept(s, NULL, NULL);
	if (c < 0)
		return fail("accept");
	(void)!write(c, "hello\n", 6);
	ssize_t n = read(c, buf, sizeof buf);
	printf("server heard %.*s", n > 0 ? (int)n : 0, buf);
	close(c);
	close(s);
	return 0;
}

/* Tries for up to ten seconds. */
static int do_connect(char **a)
{
	struct sockaddr_in at = loopback(a[0]);
	for (int i = 0; i < 500; i++) {
		int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (!connect(s, (struct sockaddr *)&at, sizeof at)) {
			char buf[256];
			ssize_t n = read(s, buf, sizeof buf);
			printf("client heard %.*s", n > 0 ? (int)n : 0, buf);
			(void)!write(s, "thanks\n", 7);
			close(s);
			return 0;
		}
		close(s);
		usleep(20000);
	}
	return fail("connect");
}

static int do_shm(char **a)
{
	int id = shmget((key_t)number(a[0]), 4096, IPC_CREAT | 0600);
	return id < 0 ? fail("shmget") : (printf("shm ok\n"), 0);
}

static int do_shm_there(char **a)
{
	printf("shm %s\n", shmget((key_t)number(a[0]), 0, 0) < 0 ? strerror(errno) : "there");
	return 0;
}

static int do_tiocsti(char **a)
{
	(void)a;
	printf("TIOCSTI: %s\n", ioctl(0, TIOCSTI, "x") ? strerror(errno) : "ok");
	return 0;
}

static int do_mknod(char **a)
{
	dev_t d = makedev((unsigned)number(a[1]), (unsigned)number(a[2]));
	if (mknod(a[0], S_IFCHR | 0666, d))
		return fail("mknod");
	int fd = open(a[0], O_RDWR | O_CLOEXEC);
	printf("open %s: %s\n", a[0], fd < 0 ? strerror(errno) : "ok");
	return 0;
}

static int do_exec(char **a)
{
	fflush(stdout);
	execvp(a[0], a);
	return fail(a[0]);
}

static int do_try(char **a)
{
	if (!in_pod())
		return 99;
	for (; *a; a++)
		for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
			if (!strcmp(*a, tries[i].name)) {
				long r = tries[i].fn();
				printf("%s: %s\n", *a, r < 0 ? strerror(errno) : "ok");
			}
	return 0;
}

/* One system call by its number, with one to three arguments: sys64, and by the other interfaces of
 * an x86_64 kernel. What is not there says ENOSYS. */
static int tell(const char *how, char **a, long r)
{
	printf("%s %s: %s\n", how, a[0], r < 0 ? strerror((int)-r) : "ok");
	return 0;
}

static long nth(char **a, int n)
{
	for (int i = 1; i < n; i++)
		if (!a[i])
			return 0;
	return number(a[n]);
}

static int do_sys64(char **a)
{
	long r = syscall(number(a[0]), nth(a, 1), nth(a, 2), nth(a, 3), 0, 0, 0);
	return tell("sys64", a, r < 0 ? -errno : r);
}

static int do_sysx32(char **a)
{
	long r = syscall(0x40000000 | number(a[0]), nth(a, 1), nth(a, 2), nth(a, 3), 0, 0, 0);
	return tell("sysx32", a, r < 0 ? -errno : r);
}

static int do_sys32(char **a)
{
	int r = -ENOSYS;
#ifdef __x86_64__
	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "0"((int)number(a[0])), "b"((int)nth(a, 1)), "c"((int)nth(a, 2)),
			 "d"((int)nth(a, 3)), "S"(0), "D"(0)
			 : "memory", "r8", "r9", "r10", "r11");
#endif
	return tell("sys32", a, r);
}

/* --- the table ---------------------------------------------------------------------------------
 */

static const struct {
	const char *name;
	int min_args;
	int (*fn)(char **args);
} commands[] = { { "exit", 1, do_exit }, { "echo", 0, do_echo }, { "stderr", 1, do_stderr },
	{ "args", 0, do_args }, { "env", 0, do_env }, { "spam", 1, do_spam },
	{ "read", 0, do_read }, { "cwd", 0, do_cwd }, { "ids", 0, do_ids }, { "caps", 0, do_caps },
	{ "cat", 1, do_cat }, { "mounts", 0, do_mounts }, { "limits", 0, do_limits },
	{ "cgroup", 0, do_cgroup }, { "ls", 0, do_ls }, { "stat", 1, do_stat },
	{ "readlink", 1, do_readlink }, { "fds", 0, do_fds }, { "tty", 0, do_tty },
	{ "pids", 0, do_pids }, { "pid", 0, do_pid }, { "ns", 1, do_ns },
	{ "hostname", 0, do_uname }, { "inherited", 0, do_inherited }, { "ifs", 0, do_ifs },
	{ "signals", 0, do_signals }, { "sleep", 1, do_sleep }, { "write", 1, do_write },
	{ "fill", 2, do_fill }, { "mkdir", 1, do_mkdir }, { "rm", 1, do_rm },
	{ "chown", 2, do_chown }, { "wait-file", 1, do_waitfile }, { "kill", 1, do_kill },
	{ "kill-pid", 2, do_kill_pid }, { "on-term", 1, do_on_term },
	{ "ignore-term", 0, do_ignore_term }, { "orphans", 2, do_orphans },
	{ "forks", 1, do_forks }, { "alloc", 1, do_alloc }, { "cpu", 1, do_cpu },
	{ "direct", 3, do_direct }, { "listen", 1, do_listen }, { "connect", 1, do_connect },
	{ "shm", 1, do_shm }, { "shm-there", 1, do_shm_there }, { "tiocsti", 0, do_tiocsti },
	{ "mknod", 3, do_mknod }, { "exec", 1, do_exec }, { "try", 1, do_try },
	{ "sys64", 1, do_sys64 }, { "sys32", 1, do_sys32 }, { "sysx32", 1, do_sysx32 } };

static int run_one(char **argv, int n_args)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (!strcmp(argv[0], commands[i].name) && n_args >= commands[i].min_args)
			return commands[i].fn(argv + 1);
	fprintf(stderr, "testapp: no command '%s' with %d arguments\n", argv[0], n_args);
	return 99;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
			puts(commands[i].name);
	for (int i = 1; i < argc;) {
		int end = i;
		while (end < argc && strcmp(argv[end], "+"))
			end++;
		argv[end] = NULL;
		int r = run_one(argv + i, end - i - 1);
		fflush(stdout);
		if (r)
			return r;
		i = end + 1;
	}
	return 0;
}
