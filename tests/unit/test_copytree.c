/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/copytree.h"
#include "tests/unit/unit.h"

static char base[64];
static int basefd, src, dst;
static struct err e;

static void setup(void)
{
	e = ERR_INIT;
	ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	snprintf(base, sizeof base, "/tmp/copytree.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(base));
	ck_assert_int_eq(mount("tmpfs", base, "tmpfs", 0, "mode=0755"), 0);
	basefd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(basefd, "src", 0755);
	mkdirat(basefd, "dst", 0700);
	src = openat(basefd, "src", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dst = openat(basefd, "dst", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert(src >= 0 && dst >= 0);
}

static void teardown(void)
{
	close(src);
	close(dst);
	close(basefd);
	umount2(base, MNT_DETACH);
	rmdir(base);
}

static void put(int at, const char *name, const char *text, mode_t mode)
{
	int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static struct stat look(int at, const char *name)
{
	struct stat st;
	ck_assert_int_eq(fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void copy(void)
{
	int r = copytree(src, dst, &e);
	ck_assert_msg(r == 0, "%s", e.msg);
}

static void same_bytes(const char *name)
{
	static char a[1 << 20], b[1 << 20];
	int x = openat(src, name, O_RDONLY | O_CLOEXEC),
	    y = openat(dst, name, O_RDONLY | O_CLOEXEC);
	ck_assert(x >= 0 && y >= 0);
	for (;;) {
		ssize_t n = read(x, a, sizeof a), m = read(y, b, sizeof b);
		ck_assert_int_eq(n, m);
		if (n <= 0)
			break;
		ck_assert(memcmp(a, b, (size_t)n) == 0);
	}
	close(x);
	close(y);
}

static void refuse(int nr, int num)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	ck_assert_int_eq(seccomp_rule_add(f, SCMP_ACT_ERRNO((unsigned)num), nr, 0), 0);
	ck_assert_int_eq(seccomp_load(f), 0);
	seccomp_release(f);
}

START_TEST(types_modes_owners_times)
{
	struct timespec then[2] = { { 1000000001, 2 }, { 1000000003, 4 } };
	put(src, "suid", "#!", 04755);
	ck_assert_int_eq(fchownat(src, "suid", 7, 8, 0), 0);
	ck_assert_int_eq(fchmodat(src, "suid", 04755, 0), 0);
	mkdirat(src, "dir", 0755);
	fchmodat(src, "dir", 01751, 0);
	mkfifoat(src, "fifo", 0640);
	mknodat(src, "dev", S_IFBLK | 0660, makedev(7, 200));
	mknodat(src, "sock", S_IFSOCK | 0600, 0);
	symlinkat("/../no/where", src, "link");
	fchownat(src, "link", 9, 10, AT_SYMLINK_NOFOLLOW);
	put(src, "dir/zero", "", 0);
	fchmod(src, 02710);
	const char *names[] = { "suid", "dir/zero", "dir", "fifo", "dev", "sock", "link" };
	for (size_t i = 0; i < 7; i++)
		utimensat(src, names[i], then, AT_SYMLINK_NOFOLLOW);
	futimens(src, then);
	copy();
	for (size_t i = 0; i < 7; i++) {
		struct stat a = look(src, names[i]), b = look(dst, names[i]);
		ck_assert_int_eq(a.st_mode, b.st_mode);
		ck_assert_int_eq(a.st_uid, b.st_uid);
		ck_assert_int_eq(a.st_gid, b.st_gid);
		ck_assert_uint_eq(a.st_rdev, b.st_rdev);
		ck_assert_int_eq(b.st_mtim.tv_sec, 1000000003);
		ck_assert_int_eq(b.st_mtim.tv_nsec, 4);
	}
}
END_TEST

START_TEST(top_directory)
{
	struct stat a, b;
	struct timespec then[2] = { { 5, 6 }, { 7, 8 } };
	put(src, "f", "x", 0644);
	fchown(src, 3, 4);
	fchmod(src, 02710);
	futimens(src, then);
	copy();
	fstat(src, &a);
	fstat(dst, &b);
	ck_assert_int_eq(a.st_mode, b.st_mode);
	ck_assert_int_eq(b.st_uid, 3);
	ck_assert_int_eq(b.st_gid, 4);
	ck_assert_int_eq(b.st_mtim.tv_sec, 7);
}
END_TEST

START_TEST(hard_links_stay_links)
{
	put(src, "a", "same", 0644);
	mkdirat(src, "d", 0755);
	mkdirat(src, "d/e", 0755);
	linkat(src, "a", src, "d/e/b", 0);
	linkat(src, "a", src, "c", 0);
	symlinkat("x", src, "l");
	linkat(src, "l", src, "d/l", 0);
	put(src, "single", "same", 0644);
	linkat(src, "single", basefd, "outside", 0); /* its other link is not in the tree */
	copy();
	ck_assert_uint_eq(look(dst, "a").st_ino, look(dst, "d/e/b").st_ino);
	ck_assert_uint_eq(look(dst, "a").st_ino, look(dst, "c").st_ino);
	ck_assert_uint_eq(look(dst, "a").st_nlink, 3);
	ck_assert_uint_eq(look(dst, "l").st_ino, look(dst, "d/l").st_ino);
	ck_assert_uint_eq(look(dst, "single").st_nlink, 1);
	/* Nothing of the staging directory is left. */
	struct stat st;
	fstat(dst, &st);
	ck_assert_uint_eq(st.st_nlink, 3);
}
END_TEST

START_TEST(attributes_and_capabilities)
{
	put(src, "f", "x", 0755);
	int fd = openat(src, "f", O_RDONLY | O_CLOEXEC);
	cap_t caps = cap_from_text("cap_net_raw+ep");
	ck_assert_int_eq(fsetxattr(fd, "trusted.mark", "\0\1\2", 3, 0), 0);
	ck_assert_int_eq(cap_set_fd(fd, caps), 0);
	cap_free(caps);
	close(fd);
	fchownat(src, "f", 1, 1, 0); /* clears the capability */
	fd = openat(src, "f", O_RDONLY | O_CLOEXEC);
	caps = cap_from_text("cap_net_raw+ep");
	ck_assert_int_eq(cap_set_fd(fd, caps), 0);
	cap_free(caps);
	close(fd);
	mkdirat(src, "d", 0755);
	fd = openat(src, "d", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fsetxattr(fd, "trusted.mark", "dir", 3, 0), 0);
	close(fd);
	mkfifoat(src, "p", 0600);
	char path[128];
	snprintf(path, sizeof path, "%s/src/p", base);
	ck_assert_int_eq(lsetxattr(path, "trusted.mark", "fifo", 4, 0), 0);
	copy();
	char buf[64];
	fd = openat(dst, "f", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fgetxattr(fd, "trusted.mark", buf, sizeof buf), 3);
	ck_assert(memcmp(buf, "\0\1\2", 3) == 0);
	caps = cap_get_fd(fd);
	ck_assert_ptr_nonnull(caps);
	char *text = cap_to_text(caps, NULL);
	ck_assert_ptr_nonnull(strstr(text, "cap_net_raw"));
	cap_free(text);
	cap_free(caps);
	close(fd);
	fd = openat(dst, "d", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fgetxattr(fd, "trusted.mark", buf, sizeof buf), 3);
	close(fd);
	snprintf(path, sizeof path, "%s/dst/p", base);
	ck_assert_int_eq(lgetxattr(path, "trusted.mark", buf, sizeof buf), 4);
}
END_TEST

/* 64 MiB of hole with a few bytes of data: by clone, by the kernel's copy, by hand. */
static void sparse_file(void)
{
	int fd = openat(src, "sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_eq(pwrite(fd, "begin", 5, 0), 5);
	ck_assert_int_eq(pwrite(fd, "middle", 6, 32 << 20), 6);
	ck_assert_int_eq(ftruncate(fd, 64 << 20), 0);
	close(fd);
	fd = openat(src, "dense", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	for (int i = 0; i < 300000; i++)
		ck_assert_int_eq(write(fd, &i, sizeof i), sizeof i);
	close(fd);
	put(src, "small", "tiny", 0644);
}

START_TEST(bytes_and_holes)
{
	sparse_file();
	if (_i >= 1)
		refuse(SCMP_SYS(copy_file_range), _i == 1 ? ENOSYS : EXDEV);
	copy();
	same_bytes("sparse");
	same_bytes("dense");
	same_bytes("small");
	ck_assert_int_eq(look(dst, "sparse").st_size, 64 << 20);
	ck_assert_int_lt(look(dst, "sparse").st_blocks, 1 << 10);
}
END_TEST

START_TEST(deeper_than_any_path)
{
	struct rlimit few = { 40, 40 };
	int at = openat(src, ".", O_PATH | O_CLOEXEC);
	for (int i = 0; i < 3000; i++) {
		ck_assert_int_eq(mkdirat(at, "d", 0755), 0);
		int next = openat(at, "d", O_PATH | O_CLOEXEC);
		close(at);
		at = next;
	}
	put(at, "bottom", "!", 0644);
	linkat(at, "bottom", src, "top", 0);
	close(at);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	copy();
	at = openat(dst, ".", O_PATH | O_CLOEXEC);
	for (int i = 0; i < 3000; i++) {
		int next = openat(at, "d", O_PATH | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		close(at);
		at = next;
	}
	ck_assert_uint_eq(look(at, "bottom").st_ino, look(dst, "top").st_ino);
	close(at);
}
END_TEST

START_TEST(names_of_any_bytes)
{
	char name[16];
	for (int c = 1; c < 256; c++) {
		if (c == '/' || c == '.')
			continue;
		snprintf(name, sizeof name, "%c", c);
		put(src, name, name, 0644);
	}
	put(src, "...", "", 0644);
	copy();
	for (int c = 1; c < 256; c++) {
		if (c == '/' || c == '.')
			continue;
		snprintf(name, sizeof name, "%c", c);
		same_bytes(name);
	}
	look(dst, "...");
}
END_TEST

START_TEST(follows_no_link)
{
	put(basefd, "secret", "host", 0600);
	symlinkat("../secret", src, "file");
	symlinkat("/", src, "dir");
	copy();
	ck_assert(S_ISLNK(look(dst, "file").st_mode));
	ck_assert(S_ISLNK(look(dst, "dir").st_mode));
}
END_TEST

START_TEST(what_is_there_is_not_replaced)
{
	put(src, "f", "new", 0644);
	symlinkat("../victim", dst, "f");
	ck_assert_int_eq(copytree(src, dst, &e), -EEXIST);
	struct stat st;
	ck_assert_int_ne(fstatat(basefd, "victim", &st, 0), 0);
}
END_TEST

START_TEST(full_disk_is_an_error)
{
	char path[128];
	snprintf(path, sizeof path, "%s/dst", base);
	ck_assert_int_eq(mount("tmpfs", path, "tmpfs", 0, "size=64k"), 0);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sparse_file();
	ck_assert_int_eq(copytree(src, fd, &e), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(e.msg, "No space left"));
	close(fd);
	umount2(path, MNT_DETACH);
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, types_modes_owners_times);
	tcase_add_test(t, top_directory);
	tcase_add_test(t, hard_links_stay_links);
	tcase_add_test(t, attributes_and_capabilities);
	tcase_add_loop_test(t, bytes_and_holes, 0, 3);
	tcase_add_test(t, deeper_than_any_path);
	tcase_add_test(t, names_of_any_bytes);
	tcase_add_test(t, follows_no_link);
	tcase_add_test(t, what_is_there_is_not_replaced);
	tcase_add_test(t, full_disk_is_an_error);
	return unit_end("copytree", t);
}
