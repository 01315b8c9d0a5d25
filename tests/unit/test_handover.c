/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/abi/handover.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "tests/unit/unit.h"

#define UUID "076292e6-54c4-4cc8-9fa7-679c5f7dcfd3"

static struct err e;
static struct strv args;

/* All arguments, each in brackets. */
static const char *joined(void)
{
	static struct str out = STR_INIT(STR_MAX_LINE);
	str_clear(&out);
	for (size_t i = 0; i < args.n; i++)
		str_addf(&out, "[%s]", args.v[i]);
	return str_text(&out);
}

#define GOLDEN(encode, object, expected)                                               \
	do {                                                                           \
		strv_release(&args);                                                   \
		ck_assert_msg(encode(object, &args, &e) == 0, "%s", unit_message(&e)); \
		ck_assert_str_eq(joined(), expected);                                  \
	} while (0)

static struct stage1_run everything(void)
{
	return (struct stage1_run){ .interface = 6,
		.debug = true,
		.net = "host",
		.mds_token = "tok=en",
		.interactive = true,
		.local_config = "/etc/rkt",
		.private_users = "65536:65536",
		.is_mutable = true,
		.hostname = "box",
		.disable_capabilities_restriction = true,
		.disable_paths = true,
		.disable_seccomp = true,
		.dns_resolv = "stage0",
		.dns_hosts = "host",
		.ipc = "parent",
		.uuid = UUID };
}

START_TEST(run_golden)
{
	struct stage1_run run = {
		.interface = 1, .net = "default", .local_config = "/etc/rkt", .uuid = UUID
	};
	GOLDEN(stage1_run_encode, &run, "[--net=default][--local-config=/etc/rkt][" UUID "]");
	run = everything();
	GOLDEN(stage1_run_encode, &run,
		"[--debug][--net=host][--interactive][--private-users=65536:65536]"
		"[--mds-token=tok=en][--local-config=/etc/rkt][--hostname=box]"
		"[--dns-conf-mode=resolv=stage0,hosts=host][--disable-capabilities-restriction]"
		"[--disable-paths][--disable-seccomp][--mutable][--ipc=parent][" UUID "]");
}
END_TEST

/* What the absence of a flag says already is not sent, so that old images keep working. */
START_TEST(defaults_are_not_sent)
{
	struct stage1_run run = { .interface = 1,
		.net = "none",
		.dns_resolv = "default",
		.dns_hosts = "default",
		.ipc = "auto",
		.uuid = UUID };
	GOLDEN(stage1_run_encode, &run, "[--net=none][" UUID "]");
	run.interface = 6;
	GOLDEN(stage1_run_encode, &run, "[--net=none][--ipc=auto][" UUID "]");
	run.dns_hosts = "stage0";
	run.dns_resolv = NULL;
	GOLDEN(stage1_run_encode, &run,
		"[--net=none][--dns-conf-mode=resolv=default,hosts=stage0][--ipc=auto][" UUID "]");
}
END_TEST

START_TEST(newer_flags_need_newer_images)
{
	static const struct {
		const char *flag;
		unsigned since;
		struct stage1_run run;
	} rows[] = {
		{ "--hostname", 2, { .hostname = "x" } },
		{ "--disable-capabilities-restriction", 3,
			{ .disable_capabilities_restriction = true } },
		{ "--disable-paths", 3, { .disable_paths = true } },
		{ "--disable-seccomp", 3, { .disable_seccomp = true } },
		{ "--dns-conf-mode", 4, { .dns_resolv = "none" } },
		{ "--dns-conf-mode", 4, { .dns_hosts = "host" } },
		{ "--ipc", 6, { .ipc = "private" } },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stage1_run run = rows[i].run;
		run.uuid = UUID;
		for (run.interface = 1; run.interface <= STAGE1_INTERFACE_MAX; run.interface++) {
			int r = stage1_run_encode(&run, &args, &e);
			ck_assert_msg(r == (run.interface < rows[i].since ? -EINVAL : 0),
				"%s with version %u", rows[i].flag, run.interface);
			if (r < 0)
				ck_assert_ptr_nonnull(strstr(e.msg, rows[i].flag));
		}
	}
	struct stage1_run run = { .uuid = UUID, .interface = 0 };
	ck_assert_int_eq(stage1_run_encode(&run, &args, &e), -EINVAL);
	run.interface = STAGE1_INTERFACE_MAX + 1;
	ck_assert_int_eq(stage1_run_encode(&run, &args, &e), -EINVAL);
}
END_TEST

START_TEST(bad_values_are_not_sent)
{
	static const struct stage1_run rows[] = {
		{ .uuid = NULL },
		{ .uuid = "x" },
		{ .uuid = "--debug" },
		{ .uuid = UUID, .net = "" },
		{ .uuid = UUID, .local_config = "etc" },
		{ .uuid = UUID, .private_users = "1" },
		{ .uuid = UUID, .private_users = "4294967295:1" },
		{ .uuid = UUID, .private_users = "0:0" },
		{ .uuid = UUID, .hostname = "" },
		{ .uuid = UUID, .dns_resolv = "what" },
		{ .uuid = UUID, .dns_hosts = "none" },
		{ .uuid = UUID, .ipc = "host" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stage1_run run = rows[i];
		run.interface = STAGE1_INTERFACE_MAX;
		ck_assert_msg(stage1_run_encode(&run, &args, &e) == -EINVAL, "row %zu was sent", i);
	}
}
END_TEST

/* Decodes what is in args, as stage1 sees it. */
static int decode_run(struct stage1_run *run)
{
	static struct strv argv; /* stays: run points there */
	strv_release(&argv);
	strv_add(&argv, "/stage1/rootfs/run");
	for (size_t i = 0; i < args.n; i++)
		strv_add(&argv, args.v[i]);
	e = ERR_INIT;
	return stage1_run_decode((int)argv.n, argv.v, run, &e);
}

START_TEST(run_round_trip)
{
	struct stage1_run run = everything(), back;
	ck_assert_int_eq(stage1_run_encode(&run, &args, &e), 0);
	ck_assert_msg(decode_run(&back) == 0, "%s", unit_message(&e));
	ck_assert(back.debug && back.interactive && back.is_mutable);
	ck_assert(back.disable_capabilities_restriction && back.disable_paths &&
		  back.disable_seccomp);
	ck_assert_str_eq(back.mds_token, "tok=en");
	back.interface = 6;
	struct str first = STR_INIT(STR_MAX_LINE);
	str_add(&first, joined());
	GOLDEN(stage1_run_encode, &back, str_text(&first));
	str_release(&first);
}
END_TEST

static int decode_line(const char *line, struct stage1_run *run)
{
	strv_release(&args);
	strv_split(&args, line, ' ');
	return decode_run(run);
}

START_TEST(run_decoding)
{
	struct stage1_run run;
	ck_assert_int_eq(decode_line(UUID, &run), 0);
	ck_assert_str_eq(run.uuid, UUID);
	ck_assert_ptr_null(run.net);
	ck_assert_ptr_null(run.ipc);
	ck_assert_str_eq(run.dns_resolv, "default");
	ck_assert_str_eq(run.dns_hosts, "default");
	ck_assert_int_eq(decode_line("--net --debug=false --interactive=T -- " UUID, &run), 0);
	ck_assert_str_eq(run.net, "default");
	ck_assert(!run.debug && run.interactive);
	ck_assert_int_eq(decode_line("--dns-conf-mode=hosts=stage0 " UUID, &run), 0);
	ck_assert_str_eq(run.dns_resolv, "default");
	ck_assert_str_eq(run.dns_hosts, "stage0");
	ck_assert_int_eq(decode_line("--dns-conf-mode=resolv=none,hosts=host " UUID, &run), 0);
	ck_assert_str_eq(run.dns_resolv, "none");
	ck_assert_str_eq(run.dns_hosts, "host");
}
END_TEST

START_TEST(run_decoding_refuses)
{
	static const char *const bad[] = { "", "--debug", UUID " " UUID, "not-a-uuid",
		"--unknown " UUID, "--unknown=1 " UUID, "-debug " UUID, "- " UUID,
		"--debug=maybe " UUID, "--debug --debug " UUID, "--net= " UUID, "--hostname " UUID,
		"--hostname= " UUID, "--local-config=x " UUID, "--ipc " UUID, "--ipc=host " UUID,
		"--private-users=1:2:3 " UUID, "--private-users=a:b " UUID, "--dns-conf-mode " UUID,
		"--dns-conf-mode=resolv " UUID, "--dns-conf-mode=resolv=x " UUID,
		"--dns-conf-mode=hosts=none " UUID, "--dns-conf-mode=resolv=none, " UUID,
		"--dns-conf-mode=,resolv=none " UUID,
		"--dns-conf-mode=resolv=none,resolv=none " UUID, UUID " --debug", "--= " UUID,
		"--force " UUID, "--deb " UUID };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct stage1_run run = { .uuid = "untouched" };
		ck_assert_msg(decode_line(bad[i], &run) == -EINVAL, "accepted '%s'", bad[i]);
		ck_assert_str_eq(run.uuid, "untouched");
	}
}
END_TEST

START_TEST(enter)
{
	_clean_(strv) struct strv command = STRV_INIT;
	strv_split(&command, "ls -- -l", ' ');
	struct stage1_enter in = { .pid = 4711, .app = "redis", .argv = command.v }, out;
	GOLDEN(stage1_enter_encode, &in, "[--pid=4711][--appname=redis][--][ls][--][-l]");

	struct strv argv = STRV_INIT;
	strv_add(&argv, "enter");
	for (size_t i = 0; i < args.n; i++)
		strv_add(&argv, args.v[i]);
	ck_assert_int_eq(stage1_enter_decode((int)argv.n, argv.v, &out, &e), 0);
	ck_assert_int_eq(out.pid, 4711);
	ck_assert_str_eq(out.app, "redis");
	ck_assert_str_eq(out.argv[0], "ls");
	ck_assert_str_eq(out.argv[1], "--");
	ck_assert_ptr_null(out.argv[3]);
	ck_assert(!out.privileged);
	strv_release(&argv);

	in.privileged = true;
	GOLDEN(stage1_enter_encode, &in,
		"[--pid=4711][--appname=redis][--privileged][--][ls][--][-l]");
	strv_split(&argv, "enter --pid=4711 --appname=redis --privileged -- ls", ' ');
	ck_assert_int_eq(stage1_enter_decode((int)argv.n, argv.v, &out, &e), 0);
	ck_assert(out.privileged);
	strv_release(&argv);
	in.privileged = false;

	static const char *const bad[] = { "enter", "enter --pid=1 -- ls",
		"enter --appname=a -- ls", "enter --pid=1 --appname=a --",
		"enter --pid=0 --appname=a -- ls", "enter --pid=-1 --appname=a -- ls",
		"enter --pid=x --appname=a -- ls", "enter --pid=1 --appname=../a -- ls",
		"enter --pid=1 --appname=.. -- ls", "enter --pid=1 --appname= -- ls",
		"enter --pid=1 --pid=1 --appname=a -- ls", "enter --pid=1 --appname=a --x -- ls" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		strv_split(&argv, bad[i], ' ');
		ck_assert_msg(stage1_enter_decode((int)argv.n, argv.v, &out, &e) == -EINVAL,
			"accepted '%s'", bad[i]);
		strv_release(&argv);
	}
	in.argv = command.v + 3;
	ck_assert_int_eq(stage1_enter_encode(&in, &args, &e), -EINVAL);
	in = (struct stage1_enter){ .pid = 0, .app = "a", .argv = command.v };
	ck_assert_int_eq(stage1_enter_encode(&in, &args, &e), -EINVAL);
	in = (struct stage1_enter){ .pid = 1, .app = "a/b", .argv = command.v };
	ck_assert_int_eq(stage1_enter_encode(&in, &args, &e), -EINVAL);
}
END_TEST

START_TEST(gc_and_stop)
{
	struct stage1_simple s = { .interface = 6,
		.debug = true,
		.force = true,
		.local_config = "/etc/rkt",
		.uuid = UUID };
	GOLDEN(stage1_gc_encode, &s, "[--debug][--local-config=/etc/rkt][" UUID "]");
	GOLDEN(stage1_stop_encode, &s, "[--debug][--force][" UUID "]");
	s.interface = 4; /* gc's --local-config came with 5, and can be left out */
	GOLDEN(stage1_gc_encode, &s, "[--debug][" UUID "]");
	s.debug = s.force = false;
	GOLDEN(stage1_stop_encode, &s, "[" UUID "]");

	_clean_(strv) struct strv gc = STRV_INIT;
	_clean_(strv) struct strv stop = STRV_INIT;
	strv_split(&gc, "gc --debug --local-config=/x " UUID, ' ');
	strv_split(&stop, "stop --force " UUID, ' ');
	ck_assert_int_eq(stage1_gc_decode(4, gc.v, &s, &e), 0);
	ck_assert(s.debug && !s.force);
	ck_assert_str_eq(s.local_config, "/x");
	ck_assert_int_eq(stage1_stop_decode(3, stop.v, &s, &e), 0);
	ck_assert(s.force && !s.debug);
	ck_assert_ptr_null(s.local_config);
	ck_assert_int_eq(stage1_stop_decode(4, gc.v, &s, &e), -EINVAL);
	ck_assert_int_eq(stage1_gc_decode(3, stop.v, &s, &e), -EINVAL);
	ck_assert_int_eq(stage1_gc_decode(1, gc.v, &s, &e), -EINVAL);
	ck_assert_int_eq(stage1_gc_decode(0, gc.v + 4, &s, &e), -EINVAL);
}
END_TEST

START_TEST(lock_fd)
{
	static const char *const bad[] = { "", "-1", "x", "3x", "2147483648", "1000000" };
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), got = -1;
	char text[16];
	unsetenv(ENV_LOCK_FD);
	ck_assert_int_lt(stage1_lock_fd(&got, &e), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		setenv(ENV_LOCK_FD, bad[i], 1);
		ck_assert_int_lt(stage1_lock_fd(&got, &e), 0);
	}
	ck_assert_int_eq(got, -1);
	snprintf(text, sizeof text, "%d", fd);
	setenv(ENV_LOCK_FD, text, 1);
	ck_assert_int_eq(stage1_lock_fd(&got, &e), 0);
	ck_assert_int_eq(got, fd);
	close(fd);
	ck_assert_int_eq(stage1_lock_fd(&got, &e), -EBADF);
}
END_TEST

UNIT_MAIN("handover", &run_golden, &defaults_are_not_sent, &newer_flags_need_newer_images,
	&bad_values_are_not_sent, &run_round_trip, &run_decoding, &run_decoding_refuses, &enter,
	&gc_and_stop, &lock_fd)
