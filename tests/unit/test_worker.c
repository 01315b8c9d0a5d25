/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "stage0/worker.h"
#include "tests/unit/unit.h"

static char program[] = "/tmp/rkt-test-worker-XXXXXX";
static char answer[9];
static struct err e;

static int run_worker(const struct worker_call *c)
{
	struct worker w = WORKER_INIT;
	int r = worker_start(c, &w, &e);
	return r < 0 ? r : worker_finish(&w, &e);
}

/* Runs a shell script as the worker; what it writes to descriptor 4 ends in *out. */
static int call(const char *script, struct str *out)
{
	e = ERR_INIT;
	memset(answer, 0, sizeof answer);
	int fd = mkostemp(program, O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0755), 0);
	static const char head[] = "#!/bin/sh\nrequest=$(dd bs=100 count=1 <&3 2>/dev/null)\n";
	ck_assert_int_eq(io_write_all(fd, head, sizeof head - 1, &e), 0);
	ck_assert_int_eq(io_write_all(fd, script, strlen(script), &e), 0);
	close(fd);
	_clean_(fd) int log = memfd_create("log", MFD_CLOEXEC);
	const struct worker_call c = {
		.program = program,
		.fds = { log, -1, log, -1 },
		.request = "request",
		.request_size = 7,
		.answer = answer,
		.answer_size = 8,
		.timeout_s = 2,
	};
	int r = run_worker(&c);
	unlink(program);
	memcpy(program + sizeof program - 7, "XXXXXX", 6);
	lseek(log, 0, SEEK_SET);
	struct err ignored = ERR_INIT;
	if (out)
		ck_assert_int_eq(io_read_fd(log, "log", out, &ignored), 0);
	return r;
}

START_TEST(answers)
{
	ck_assert_msg(call("printf 12345678 >&3\n", NULL) == 0, "%s", unit_message(&e));
	ck_assert_str_eq(answer, "12345678");
}
END_TEST

START_TEST(request_arrives)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
	ck_assert_int_eq(call("printf %s \"$request\" >&4; printf 12345678 >&3\n", &out), 0);
	ck_assert_str_eq(str_text(&out), "request");
}
END_TEST

START_TEST(nothing_is_inherited)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
	_clean_(fd) int stray = open("/", O_RDONLY | O_DIRECTORY); /* without CLOEXEC */
	_clean_(fd) int high = fcntl(stray, F_DUPFD, 700);
	setenv("SECRET", "1", 1);
	ck_assert_int_ge(high, 0);
	ck_assert_int_eq(call("for n in 0 1 2 3 4 5 6 7 8 9 700; do\n"
			      "[ -e /proc/$$/fd/$n ] && echo $n; done >&4\n"
			      "echo $SECRET >&4; printf 12345678 >&3\n",
				 &out),
		0);
	/* Descriptor 5 was left out of the call; 10 is the shell's own. */
	ck_assert_str_eq(str_text(&out), "0\n1\n2\n3\n4\n6\n\n");
}
END_TEST

/* Kernels before 5.9 have no close_range. */
START_TEST(nothing_is_inherited_without_close_range)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof filter / sizeof *filter, filter };
	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p), 0);
	nothing_is_inherited_fn(0);
}
END_TEST

/* Also those that the C library keeps for itself. */
START_TEST(signals_are_as_new)
{
	const struct {
		void (*handler)(int);
		unsigned long rest[4];
	} action = { .handler = SIG_IGN };
	static const int ignored[] = { SIGPIPE, SIGUSR1, 32, 33, 34 };
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		ck_assert_int_eq(syscall(SYS_rt_sigaction, ignored[i], &action, NULL, 8), 0);
	_clean_(str) struct str out = STR_INIT(STR_MAX_LINE);
	const char *script = "exec 1>&4; printf 12345678 >&3; exec grep SigIgn /proc/self/status\n";
	ck_assert_msg(call(script, &out) == 0, "%s", unit_message(&e));
	ck_assert_ptr_nonnull(strstr(str_text(&out), "SigIgn:\t0000000000000000\n"));
}
END_TEST

static const struct {
	const char *script, *says;
	int r;
} bad[] = {
	{ "printf 1234567 >&3\n", "answered 7 bytes instead of 8", -EPROTO },
	{ "printf 123456789 >&3\n", "answered 9 bytes instead of 8", -EPROTO },
	{ "exit 3\n", "ended with status 3", -EPROTO },
	{ "exec 3>&-; exit 4\n", "ended with status 4", -EPROTO },
	{ "kill -9 $$\n", "killed by signal 9", -EPROTO },
	{ "exec sleep 100\n", "longer than 2 seconds", -ETIME },
	{ "trap '' TERM INT HUP; while :; do sleep 1; done\n", "longer than 2 seconds", -ETIME },
};

START_TEST(bad_workers)
{
	time_t start = time(NULL);
	int r = call(bad[_i].script, NULL);
	ck_assert_int_eq(r, bad[_i].r);
	ck_assert_msg(strstr(unit_message(&e), bad[_i].says), "says '%s'", unit_message(&e));
	ck_assert_int_eq(e.kind, ERR_PEER);
	ck_assert_int_lt(time(NULL) - start, 10);
}
END_TEST

/* It answers and stays: the parent does not wait for ever. */
START_TEST(lingering)
{
	time_t start = time(NULL);
	ck_assert_int_eq(call("printf 12345678 >&3; exec sleep 100\n", NULL), 0);
	ck_assert_int_lt(time(NULL) - start, 10);
}
END_TEST

/* A supervisor may start rkt with SIGCHLD ignored: nothing is left to wait for then. */
START_TEST(sigchld_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	ck_assert_msg(call("printf 12345678 >&3\n", NULL) == 0, "%s", unit_message(&e));
	ck_assert_int_eq(call("exit 3\n", NULL), -EPROTO);
}
END_TEST

START_TEST(no_program)
{
	const struct worker_call c = { .program = "/nonexistent",
		.fds = { -1, -1, -1, -1 },
		.request = "x",
		.request_size = 1,
		.answer = answer,
		.answer_size = 8,
		.timeout_s = 2 };
	ck_assert_int_eq(run_worker(&c), -EPROTO);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "could not be started"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case(NULL, NULL);
	tcase_add_test(t, answers);
	tcase_add_test(t, request_arrives);
	tcase_add_test(t, nothing_is_inherited);
	tcase_add_test(t, signals_are_as_new);
	tcase_add_test(t, nothing_is_inherited_without_close_range);
	tcase_add_loop_test(t, bad_workers, 0, sizeof bad / sizeof *bad);
	tcase_add_test(t, lingering);
	tcase_add_test(t, sigchld_ignored);
	tcase_add_test(t, no_program);
	return unit_end("worker", t);
}
