/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage1/load.h"
#include "tests/unit/unit.h"

#define UUID "076292e6-54c4-4cc8-9fa7-679c5f7dcfd3"
#define STUB                                                                                     \
	"127.0.0.1 localhost localhost.domain localhost4 localhost4.localdomain4 rkt-" UUID "\n" \
	"::1 localhost localhost.domain localhost6 localhost6.localdomain6\n"

static char base[64];
static struct err e;
static struct stage1_pod pod;
static struct stage1_run run;

/* In a mount namespace of our own, with an empty /etc: the host's files are what a test says. */
static void setup(void)
{
	e = ERR_INIT;
	run = (struct stage1_run){ .uuid = UUID };
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(mount("tmpfs", "/etc", "tmpfs", 0, "mode=0755"), 0);
	snprintf(base, sizeof base, "/tmp/etc.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(mount("tmpfs", base, "tmpfs", 0, "mode=0755"), 0);
	ck_assert_int_eq(chdir(base), 0);
	ck_assert_int_eq(mkdir("stage1", 0755) | mkdir("stage1/rootfs", 0755) |
				 mkdir("stage1/rootfs/rkt", 0755),
		0);
	pod = (struct stage1_pod){ .dirfd = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC) };
	pod.facts.hostname = "rkt-" UUID;
	pod.facts.volumes_dir = arena_printf(&pod.arena, "%s/sharedVolumes", base);
}

static void teardown(void)
{
	arena_release(&pod.arena);
	close(pod.dirfd);
	ck_assert_int_eq(chdir("/"), 0);
	umount2(base, MNT_DETACH);
	rmdir(base);
}

static void put(const char *path, const char *text)
{
	ck_assert_int_eq(io_write_new(AT_FDCWD, path, text, strlen(text), 0644, &e), 0);
}

static void expect(const char *path, const char *text)
{
	_clean_(str) struct str s = STR_INIT(STR_MAX_LINE);
	ck_assert_ptr_nonnull(path);
	ck_assert_int_eq(path[0], '/');
	ck_assert_int_eq(io_read_file(AT_FDCWD, path, &s, &e), 0);
	ck_assert_str_eq(str_text(&s), text);
}

START_TEST(default_is_a_stub_and_no_resolver)
{
	put("/etc/hosts", "10.0.0.1 secret\n");
	put("/etc/resolv.conf", "nameserver 10.0.0.1\n");
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	expect(pod.facts.hosts_file, STUB);
	ck_assert(!pod.facts.hosts_replace);
	ck_assert_ptr_null(pod.facts.resolv_file);
}
END_TEST

START_TEST(host_network_sees_the_hosts_names)
{
	put("/etc/hosts", "10.0.0.1 printer\n");
	put("/etc/upstream", "nameserver 10.0.0.2\n");
	ck_assert_int_eq(symlink("upstream", "/etc/resolv.conf"), 0); /* as systemd-resolved's */
	pod.facts.host_network = true;
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	expect(pod.facts.hosts_file, "10.0.0.1 printer\n");
	expect(pod.facts.resolv_file, "nameserver 10.0.0.2\n");
	ck_assert(!pod.facts.hosts_replace && !pod.facts.resolv_replace);
}
END_TEST

START_TEST(host_network_on_a_host_without_files)
{
	pod.facts.host_network = true;
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	expect(pod.facts.hosts_file, STUB);
	ck_assert_ptr_null(pod.facts.resolv_file);
}
END_TEST

START_TEST(host_mode_replaces)
{
	put("/etc/hosts", "10.0.0.1 printer\n");
	put("/etc/resolv.conf", "nameserver 10.0.0.2\n");
	run.dns_hosts = run.dns_resolv = "host";
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	expect(pod.facts.hosts_file, "10.0.0.1 printer\n");
	expect(pod.facts.resolv_file, "nameserver 10.0.0.2\n");
	ck_assert(pod.facts.hosts_replace && pod.facts.resolv_replace);
}
END_TEST

START_TEST(host_mode_needs_the_hosts_file)
{
	run.dns_resolv = "host";
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.msg, "'/etc/resolv.conf'"));
}
END_TEST

START_TEST(host_file_that_is_none)
{
	run.dns_hosts = "host";
	ck_assert_int_eq(mkfifo("/etc/hosts", 0644), 0);
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), -EINVAL); /* and does not wait */
	unlink("/etc/hosts");
	put("/etc/hosts", "");
	ck_assert_int_eq(truncate("/etc/hosts", STR_MAX_LINE + 1), 0);
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), -EFBIG);
}
END_TEST

START_TEST(stage0_mode_takes_what_stage0_made)
{
	run.dns_hosts = run.dns_resolv = "stage0";
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), -ENOENT);
	ck_assert_int_eq(
		mkdir("stage1/rootfs/rkt/etc", 0755) | mkdir("stage1/rootfs/etc", 0755), 0);
	put("stage1/rootfs/etc/rkt-hosts", "of rkt's stage0\n");
	put("stage1/rootfs/etc/rkt-resolv.conf", "of rkt's stage0\n");
	put("stage1/rootfs/rkt/etc/rkt-hosts", "of ours\n");
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	expect(pod.facts.hosts_file, "of ours\n");
	expect(pod.facts.resolv_file, "of rkt's stage0\n");
	ck_assert(pod.facts.hosts_replace && pod.facts.resolv_replace);
}
END_TEST

START_TEST(stage0_mode_refuses_links)
{
	run.dns_hosts = "stage0";
	ck_assert_int_eq(mkdir("stage1/rootfs/rkt/etc", 0755), 0);
	put("/etc/secret", "secret\n");
	ck_assert_int_eq(symlink("/etc/secret", "stage1/rootfs/rkt/etc/rkt-hosts"), 0);
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), -ENOENT);
}
END_TEST

START_TEST(none_and_unknown_modes)
{
	put("/etc/resolv.conf", "nameserver 10.0.0.2\n");
	pod.facts.host_network = true;
	run.dns_resolv = "none";
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	ck_assert_ptr_null(pod.facts.resolv_file);
	run.dns_resolv = "dunno";
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), -EINVAL);
	run.dns_resolv = NULL;
	run.dns_hosts = "none"; /* which rkt has for resolv only */
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), -EINVAL);
}
END_TEST

START_TEST(apps_can_read_it_whatever_the_umask)
{
	umask(077);
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	struct stat st;
	ck_assert_int_eq(stat(pod.facts.hosts_file, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0644);
}
END_TEST

START_TEST(written_again_but_never_through_a_link)
{
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	pod.facts.hostname = "other";
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), 0);
	ck_assert_int_eq(unlink("stage1/rootfs/rkt/etc/hosts"), 0);
	put("/etc/victim", "untouched");
	ck_assert_int_eq(symlink("/etc/victim", "stage1/rootfs/rkt/etc/hosts"), 0);
	ck_assert_int_eq(stage1_write_etc(&run, &pod, &e), -ELOOP);
	expect("/etc/victim", "untouched");
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, default_is_a_stub_and_no_resolver);
	tcase_add_test(t, host_network_sees_the_hosts_names);
	tcase_add_test(t, host_network_on_a_host_without_files);
	tcase_add_test(t, host_mode_replaces);
	tcase_add_test(t, host_mode_needs_the_hosts_file);
	tcase_add_test(t, host_file_that_is_none);
	tcase_add_test(t, stage0_mode_takes_what_stage0_made);
	tcase_add_test(t, stage0_mode_refuses_links);
	tcase_add_test(t, none_and_unknown_modes);
	tcase_add_test(t, apps_can_read_it_whatever_the_umask);
	tcase_add_test(t, written_again_but_never_through_a_link);
	return unit_end("etc", t);
}
