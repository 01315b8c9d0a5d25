/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The column is gone through in a child, which becomes cat(1) of /proc/self/status: what the kernel
 * says of the app is compared with what was planned.
 */
#include "stage2/apply.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/path.h"
#include "lib/sys/caps.h"
#include "stage2/exec.h"
#include "tests/unit/unit.h"

static struct err e;
static struct ident id;
static struct app_plan plan = { .name = "test", .cwd = "/", .oom_score_adj = INT64_MIN };
static char output[65536];
static int exit_status;

static void set_argv(const char *const *argv)
{
	strv_release(&plan.argv);
	for (; *argv; argv++)
		strv_add(&plan.argv, *argv);
	if (!plan.envv.n)
		strv_add(&plan.envv, "PATH=/nowhere:/usr/bin:/bin");
}
#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

/* Becomes the program in a child; what it prints, or the error, is in `output`. */
static void run(const char *const *argv)
{
	int p[2];
	set_argv(argv);
	ck_assert_int_eq(pipe(p), 0);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(p[1], STDOUT_FILENO);
		int status = 0;
		e = ERR_INIT;
		app_apply(&plan, &id, &status, &e);
		dprintf(STDOUT_FILENO, "%s", unit_message(&e));
		_exit(status);
	}
	close(p[1]);
	struct err ignored = ERR_INIT;
	ssize_t n = io_read_full(p[0], output, sizeof output - 1, &ignored);
	ck_assert_int_ge(n, 0);
	output[n] = '\0';
	close(p[0]);
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The rest of the line of `output` that begins with label. */
static const char *line(const char *label)
{
	static char text[512];
	const char *at = strstr(output, label);
	ck_assert_msg(at != NULL, "no '%s' in: %s", label, output);
	at += strlen(label);
	snprintf(text, sizeof text, "%.*s", (int)strcspn(at, "\n"), at);
	return text;
}

static uint64_t set(const char *label)
{
	uint64_t v = 0;
	ck_assert_int_eq(sscanf(line(label), "%" SCNx64, &v), 1);
	return v;
}

static uint64_t held(void)
{
	struct caps caps;
	ck_assert_int_eq(caps_get(&caps, &e), 0);
	return caps.permitted;
}

static void check_ids(const char *uids, const char *gids, const char *groups)
{
	ck_assert_str_eq(line("\nUid:\t"), uids);
	ck_assert_str_eq(line("\nGid:\t"), gids);
	ck_assert_str_eq(line("\nGroups:\t"), groups);
}

static void check_caps(uint64_t inh, uint64_t prm, uint64_t bnd, uint64_t amb)
{
	ck_assert_uint_eq(set("CapInh:"), inh);
	ck_assert_uint_eq(set("CapPrm:"), prm);
	ck_assert_uint_eq(set("CapEff:"), prm);
	ck_assert_uint_eq(set("CapBnd:"), bnd);
	ck_assert_uint_eq(set("CapAmb:"), amb);
}

START_TEST(root_has_the_defaults)
{
	plan.cred.caps = CAPS_APPC;
	plan.filter = FILTER_DEFAULT;
	RUN("/bin/cat", "/proc/self/status");
	check_ids("0\t0\t0\t0", "0\t0\t0\t0", "0 ");
	check_caps(0, CAPS_APPC, CAPS_APPC, 0);
	ck_assert_str_eq(line("\nNoNewPrivs:\t"), "0");
	ck_assert_str_eq(line("\nSeccomp:\t"), "2");
	ck_assert_str_eq(line("\nUmask:\t"), "0022");
}
END_TEST

START_TEST(others_have_none)
{
	static uint32_t gids[] = { 7, 9 };
	plan.cred = (struct cred_plan){
		.caps = CAPS_APPC, .supplementary_gids = gids, .n_supplementary_gids = 2
	};
	plan.filter = FILTER_DEFAULT;
	id = (struct ident){ .uid = 1000, .gid = 1001 };
	RUN("/bin/cat", "/proc/self/status");
	check_ids("1000\t1000\t1000\t1000", "1001\t1001\t1001\t1001", "7 9 1001 ");
	check_caps(0, 0, CAPS_APPC, 0);
}
END_TEST

START_TEST(others_have_what_was_retained)
{
	const uint64_t caps = CAP_BIT(NET_BIND_SERVICE) | CAP_BIT(KILL);
	plan.cred = (struct cred_plan){ .caps = caps, .ambient = true, .no_new_privs = _i };
	plan.filter = FILTER_DEFAULT;
	id = (struct ident){ .uid = 1000, .gid = 1000 };
	RUN("/bin/cat", "/proc/self/status");
	check_ids("1000\t1000\t1000\t1000", "1000\t1000\t1000\t1000", "1000 ");
	check_caps(caps, caps, caps, caps);
	ck_assert_str_eq(line("\nNoNewPrivs:\t"), _i ? "1" : "0");
	ck_assert_str_eq(line("\nSeccomp:\t"), "2");
}
END_TEST

START_TEST(nothing_at_all)
{
	plan.cred = (struct cred_plan){ .no_new_privs = true };
	RUN("/bin/cat", "/proc/self/status");
	check_caps(0, 0, 0, 0);
	/* No filter but one that this program was started with. */
	ck_assert_uint_eq(set("\nSeccomp:"), (uint64_t)prctl(PR_GET_SECCOMP));
}
END_TEST

START_TEST(every_capability)
{
	plan.cred.caps = CAPS_EVERY;
	RUN("/bin/cat", "/proc/self/status");
	check_caps(0, held(), held(), 0);
}
END_TEST

/* What the caller does not hold cannot be given, and does not come back by executing. */
START_TEST(no_more_than_is_held)
{
	struct caps caps;
	ck_assert_int_eq(caps_get(&caps, &e), 0);
	caps.permitted &= ~CAP_BIT(KILL);
	caps.effective &= ~CAP_BIT(KILL);
	ck_assert_int_eq(caps_set(&caps, &e), 0);
	plan.cred.caps = CAP_BIT(KILL) | CAP_BIT(CHOWN);
	RUN("/bin/cat", "/proc/self/status");
	check_caps(0, CAP_BIT(CHOWN), CAP_BIT(CHOWN), 0);
}
END_TEST

START_TEST(signals_are_as_new)
{
	sigset_t all;
	sigfillset(&all);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	static const uint64_t ignored[4] = { 1 }; /* which the C library would not let us */
	syscall(SYS_rt_sigaction, 32, ignored, NULL, 8);
	sigprocmask(SIG_SETMASK, &all, NULL);
	RUN("/bin/cat", "/proc/self/status");
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	ck_assert_uint_eq(set("SigBlk:"), 0);
	ck_assert_uint_eq(set("SigIgn:"), 0);
	ck_assert_uint_eq(set("SigCgt:"), 0);
}
END_TEST

/* CVE-2024-21626: a descriptor of a directory of the host, left open or used as a way out. */
START_TEST(descriptors_are_closed)
{
	apply_force_close = _i;
	ck_assert_int_eq(dup2(open("/", O_RDONLY | O_DIRECTORY), 77), 77);
	ck_assert_int_eq(dup2(77, 900), 900);
	plan.report_fd = fcntl(77, F_DUPFD_CLOEXEC, 80);
	RUN("/bin/ls", "/proc/self/fd");
	ck_assert_str_eq(output, "0\n1\n2\n3\n"); /* 3: ls's own */
}
END_TEST

START_TEST(working_directory)
{
	plan.cwd = "/usr/bin/..";
	RUN("/bin/pwd");
	ck_assert_str_eq(output, "/usr\n");
	plan.cwd = "/not-there";
	RUN("/bin/pwd");
	ck_assert_int_eq(exit_status, EXIT_APP_SETUP);
	ck_assert_ptr_nonnull(strstr(output, "working directory"));
	int fd = open("/usr", O_RDONLY | O_DIRECTORY);
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	plan.cwd = path;
	plan.report_fd = fd;
	for (path_force_walk = 0; path_force_walk < 2; path_force_walk++) {
		RUN("/bin/pwd");
		ck_assert_int_eq(exit_status, EXIT_APP_SETUP);
		ck_assert_ptr_nonnull(strstr(output, "symbolic links"));
	}
}
END_TEST

START_TEST(programs_are_searched_in_path)
{
	RUN("cat", "/proc/self/status");
	ck_assert_int_eq(exit_status, 0);
	RUN("not-a-program");
	ck_assert_int_eq(exit_status, EXIT_APP_EXEC);
	ck_assert_str_eq(output, "Unable to open \"not-a-program\": No such file or directory");
}
END_TEST

static char dir[64];
static const char *write_program(const char *name, const void *bytes, size_t n, mode_t mode)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	ck_assert_int_eq(io_write_new(AT_FDCWD, path, bytes, n, 0644, &e), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
	return path;
}

static void check_program(
	const char *name, const void *bytes, size_t n, mode_t mode, const char *want)
{
	const char *path = write_program(name, bytes, n, mode);
	RUN(path);
	ck_assert_int_eq(exit_status, EXIT_APP_EXEC);
	ck_assert_msg(strstr(output, want) != NULL, "'%s' is not in '%s'", want, output);
	ck_assert_ptr_nonnull(strstr(output, path));
	unlink(path);
}

START_TEST(what_cannot_be_executed_is_named)
{
	snprintf(dir, sizeof dir, "/tmp/test_apply.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	RUN("/foo-not-there");
	ck_assert_int_eq(exit_status, EXIT_APP_EXEC);
	ck_assert_str_eq(output, "Unable to open \"/foo-not-there\": No such file or directory");
	RUN(dir);
	ck_assert_ptr_nonnull(strstr(output, "it is not a regular file"));

	static const char script[] = "#! /no/such/interpreter -e\nexit 0\n";
	check_program("plain", "x", 1, 0644, "it is not executable");
	check_program("garbage", "x", 1, 0755, "neither a program nor a script");
	check_program("empty", "", 0, 0755, "neither a program nor a script");
	check_program("script", script, sizeof script - 1, 0755,
		"Unable to open \"/no/such/interpreter\": No such file or directory");

	static const char interpreter[] = "/lib/no-such-ld.so.9";
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr segment;
		char interpreter[sizeof interpreter];
	} elf = {
		.head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				  EV_CURRENT },
			.e_type = ET_EXEC,
			.e_version = EV_CURRENT,
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1 },
		.segment = { .p_type = PT_INTERP,
			.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
			.p_filesz = sizeof interpreter },
	};
	memcpy(elf.interpreter, interpreter, sizeof interpreter);
	elf.head.e_machine = EM_S390;
	check_program(
		"foreign", &elf, sizeof elf, 0755, "it is a program for s390x, this machine is");
	elf.head.e_machine = EM_X86_64;
#ifdef __aarch64__
	elf.head.e_machine = EM_AARCH64;
#endif
	check_program("dynamic", &elf, sizeof elf, 0755,
		"Unable to open \"/lib/no-such-ld.so.9\": No such file or directory");
	check_program("damaged", &elf, sizeof elf.head - 1, 0755, "Unable to execute");
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

static int handle(const char *script)
{
	const char *exec[] = { "/bin/sh", "-c", script, NULL };
	const struct event_handler h = { .name = "pre-start", .exec = { exec, 3 } };
	e = ERR_INIT;
	set_argv(exec);
	return app_handler(&plan, &h, &e);
}

START_TEST(handlers)
{
	plan.cred = (struct cred_plan){ .caps = CAPS_APPC, .no_new_privs = true };
	plan.filter = FILTER_DEFAULT;
	ck_assert_msg(handle("exit 0") == 0, "%s", unit_message(&e));
	ck_assert_msg(handle("test $(id -u) = 0 && grep -q 'NoNewPrivs:.0' /proc/self/status && "
			     "grep -q 'Seccomp:.2' /proc/self/status && "
			     "grep -q 'CapEff:.00000000a80425fb' /proc/self/status && "
			     "grep -q 'CapBnd:.00000000a80425fb' /proc/self/status") == 0,
		"%s", unit_message(&e));
	ck_assert_int_lt(handle("exit 3"), 0);
	ck_assert_str_eq(unit_message(&e), "event handler 'pre-start' ended with status 3");
	ck_assert_int_lt(handle("kill -9 $$"), 0);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "killed by signal 9"));
	const char *missing[] = { "/no/handler", NULL };
	const struct event_handler h = { .name = "post-stop", .exec = { missing, 1 } };
	ck_assert_int_eq(app_handler(&plan, &h, &e), -ENOENT);
	ck_assert_str_eq(unit_message(&e), "event handler 'post-stop': Unable to open "
					   "\"/no/handler\": No such file or directory");
}
END_TEST

START_TEST(oom_score)
{
	plan.cred.caps = CAPS_APPC;
	plan.oom_score_adj = 500;
	RUN("/bin/cat", "/proc/self/oom_score_adj");
	ck_assert_str_eq(output, "500\n");
}
END_TEST

START_TEST(dies_with_its_parent)
{
	plan.die_with = 1; /* whoever started this one, it is not init */
	plan.cred.caps = CAPS_APPC;
	RUN("/bin/true");
	ck_assert_int_eq(exit_status, EXIT_APP_SETUP);
	ck_assert_str_eq(output, "the parent process has died");
	plan.die_with = getpid();
	RUN("/bin/true");
	ck_assert_int_eq(exit_status, 0);
}
END_TEST

int main(void)
{
	TCase *t = unit_case(NULL, NULL);
	tcase_add_test(t, root_has_the_defaults);
	tcase_add_test(t, others_have_none);
	tcase_add_loop_test(t, others_have_what_was_retained, 0, 2);
	tcase_add_test(t, nothing_at_all);
	tcase_add_test(t, every_capability);
	tcase_add_test(t, no_more_than_is_held);
	tcase_add_test(t, signals_are_as_new);
	tcase_add_loop_test(t, descriptors_are_closed, 0, 2);
	tcase_add_test(t, working_directory);
	tcase_add_test(t, programs_are_searched_in_path);
	tcase_add_test(t, what_cannot_be_executed_is_named);
	tcase_add_test(t, handlers);
	tcase_add_test(t, oom_score);
	tcase_add_test(t, dies_with_its_parent);
	return unit_end("apply", t);
}
