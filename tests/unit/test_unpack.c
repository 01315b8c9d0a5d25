/* SPDX-License-Identifier: Apache-2.0 */
#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/unpack/codec.h"
#include "stage0/unpack/copy.h"
#include "stage0/unpack/job.h"
#include "tests/unit/unit.h"

#define MANIFEST \
	"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"example.com/a\"}"

enum { BLOCK = 512, OUTPUT_MAX = 64 << 20 };

static char dir[] = "/tmp/rkt-test-unpack-XXXXXX";
static struct unpack_answer answer;

/* --- archives by hand ------------------------------------------------------------------------- */

static void octal(char *field, size_t size, unsigned long long v)
{
	for (size_t i = size - 1; i-- > 0; v >>= 3)
		field[i] = (char)('0' + (v & 7));
}

static void pad(struct str *t)
{
	static const char zeros[BLOCK];
	str_addn(t, zeros, (BLOCK - t->len % BLOCK) % BLOCK);
}

/* One header: ustar, with the size that is said, whatever follows. */
static void header(struct str *t, const char *name, char type, const char *link, size_t size)
{
	char h[BLOCK] = { 0 };
	memcpy(h, name, strnlen(name, 100));
	octal(h + 100, 8, type == '5' ? 0755 : 0644);
	octal(h + 108, 8, 0);
	octal(h + 116, 8, 0);
	octal(h + 124, 12, size);
	octal(h + 136, 12, 1000000000);
	memset(h + 148, ' ', 8);
	h[156] = type;
	if (link)
		memcpy(h + 157, link, strnlen(link, 100));
	memcpy(h + 257,
		"ustar\0"
		"00",
		8);
	octal(h + 329, 8, 1);
	octal(h + 337, 8, 3);
	unsigned sum = 0;
	for (size_t i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	octal(h + 148, 7, sum);
	str_addn(t, h, sizeof h);
}

static void file(struct str *t, const char *name, const char *content)
{
	header(t, name, '0', NULL, strlen(content));
	str_add(t, content);
	pad(t);
}

static void pax_record(struct str *records, const char *key, const char *value)
{
	/* The length counts its own digits. */
	size_t n = strlen(key) + strlen(value) + 3, digits = 1;
	for (size_t power = 10; n + digits >= power; power *= 10)
		digits++;
	str_addf(records, "%zu %s=%s\n", n + digits, key, value);
}

static void pax_header(struct str *t, const struct str *records)
{
	header(t, "pax", 'x', NULL, records->len);
	str_addn(t, records->buf, records->len);
	pad(t);
}

static void pax(struct str *t, const char *key, const char *value)
{
	_clean_(str) struct str records = STR_INIT(STR_MAX_LINE);
	pax_record(&records, key, value);
	pax_header(t, &records);
}

static void finish(struct str *t)
{
	static const char zeros[2 * BLOCK];
	str_addn(t, zeros, sizeof zeros);
}

static void start(struct str *t)
{
	file(t, "manifest", MANIFEST);
	header(t, "rootfs/", '5', NULL, 0);
}

/* --- running ---------------------------------------------------------------------------------- */

static int input_of(const void *bytes, size_t n)
{
	struct err e = ERR_INIT;
	int fd = memfd_create("archive", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_write_all(fd, bytes, n, &e), 0);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static int job(enum unpack_mode mode, const void *bytes, size_t n, unsigned flags)
{
	struct err e = ERR_INIT;
	ck_assert_int_eq(job_prepare(&e), 0);
	struct unpack_request q = {
		.mode = mode, .flags = flags, .max_bytes = 8 << 20, .max_entries = 1000
	};
	_clean_(fd) int in = input_of(bytes, n);
	_clean_(fd) int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct job_fds fds = { in, top, -1 };
	umask(0);
	job_run(&q, &fds, &answer);
	return answer.result;
}

static const char *message(void)
{
	return unit_message(&answer.err);
}

static void fresh(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void gone(void)
{
	struct err e = ERR_INIT;
	ck_assert_int_eq(rmtree_at(AT_FDCWD, dir, &e), 0);
}

static void inside(const char *path, struct stat *st)
{
	_clean_(fd) int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_msg(fstatat(top, path, st, AT_SYMLINK_NOFOLLOW) == 0, "'%s' is missing", path);
}

/* --- bad input: each is one clear error ------------------------------------------------------- */

static void no_manifest(struct str *t)
{
	header(t, "rootfs/", '5', NULL, 0);
}
static void no_rootfs(struct str *t)
{
	file(t, "manifest", MANIFEST);
}
static void two_manifests(struct str *t)
{
	start(t);
	file(t, "manifest", MANIFEST);
}
static void two_manifests_by_dots(struct str *t)
{
	start(t);
	file(t, "./manifest", MANIFEST);
}
static void manifest_not_json(struct str *t)
{
	file(t, "manifest", "hello");
}
static void manifest_is_link(struct str *t)
{
	header(t, "manifest", '2', "/etc/passwd", 0);
}
static void manifest_is_directory(struct str *t)
{
	header(t, "manifest/", '5', NULL, 0);
}
static void manifest_of_one_gigabyte(struct str *t)
{
	header(t, "manifest", '0', NULL, 5 << 20);
}
static void huge_file(struct str *t)
{
	start(t);
	header(t, "rootfs/f", '0', NULL, 1ULL << 32);
}
static void up(struct str *t)
{
	start(t);
	file(t, "rootfs/../../x", "x");
}
static void absolute(struct str *t)
{
	start(t);
	file(t, "/rootfs/x", "x");
}
static void elsewhere(struct str *t)
{
	start(t);
	file(t, "other", "x");
}
static void dot_is_symlink(struct str *t)
{
	header(t, ".", '2', "/", 0);
	start(t);
}
static void rootfs_is_symlink(struct str *t)
{
	file(t, "manifest", MANIFEST);
	header(t, "rootfs", '2', "/", 0);
}
static void rootfs_dot_is_symlink(struct str *t)
{
	start(t);
	header(t, "rootfs/.", '2', "/", 0);
}
static void through_symlink(struct str *t)
{
	start(t);
	header(t, "rootfs/l", '2', "/tmp", 0);
	file(t, "rootfs/l/x", "x");
}
static void over_symlink(struct str *t)
{
	start(t);
	header(t, "rootfs/l", '2', "/tmp/x", 0);
	file(t, "rootfs/l", "x");
}
static void directory_over_symlink(struct str *t)
{
	start(t);
	header(t, "rootfs/l", '2', "/tmp", 0);
	header(t, "rootfs/l/", '5', NULL, 0);
}
static void hardlink_out(struct str *t)
{
	start(t);
	header(t, "rootfs/l", '1', "../../etc/passwd", 0);
}
static void hardlink_absolute(struct str *t)
{
	start(t);
	header(t, "rootfs/l", '1', "/etc/passwd", 0);
}
static void hardlink_to_manifest(struct str *t)
{
	start(t);
	header(t, "rootfs/l", '1', "manifest", 0);
}
static void hardlink_to_nothing(struct str *t)
{
	start(t);
	header(t, "rootfs/l", '1', "rootfs/later", 0);
}
static void hardlink_to_directory(struct str *t)
{
	start(t);
	header(t, "rootfs/d/", '5', NULL, 0);
	header(t, "rootfs/l", '1', "rootfs/d", 0);
}
static void hardlink_through_symlink(struct str *t)
{
	start(t);
	header(t, "rootfs/s", '2', "/etc", 0);
	header(t, "rootfs/l", '1', "rootfs/s/passwd", 0);
}
static void duplicate_file(struct str *t)
{
	start(t);
	file(t, "rootfs/f", "1");
	file(t, "rootfs/f", "2");
}
static void duplicate_directory(struct str *t)
{
	start(t);
	header(t, "rootfs/d/", '5', NULL, 0);
	header(t, "rootfs/./d", '5', NULL, 0);
}
static void file_over_directory(struct str *t)
{
	start(t);
	header(t, "rootfs/d/", '5', NULL, 0);
	file(t, "rootfs/d", "x");
}
static void too_many(struct str *t)
{
	start(t);
	for (int i = 0; i < 1100; i++) {
		char name[32];
		snprintf(name, sizeof name, "rootfs/%d", i);
		file(t, name, "");
	}
}
static void too_deep(struct str *t)
{
	char path[1500] = "rootfs";
	for (size_t i = 6; i + 2 < 700; i += 2)
		memcpy(path + i, "/d", 3);
	start(t);
	pax(t, "path", path);
	file(t, "x", "x");
}
static void name_too_long(struct str *t)
{
	char path[500] = "rootfs/";
	memset(path + 7, 'n', 300);
	start(t);
	pax(t, "path", path);
	file(t, "x", "x");
}
static void owner_out_of_range(struct str *t)
{
	start(t);
	pax(t, "uid", "4294967296");
	file(t, "rootfs/x", "x");
}
static void sparse_bomb(struct str *t)
{
	start(t);
	pax(t, "GNU.sparse.realsize", "1099511627776");
	file(t, "rootfs/x", "x");
}
/* Holes cost nothing here, but whoever copies them. */
static void sparse_bomb_of_parts(struct str *t)
{
	start(t);
	for (int i = 0; i < 2; i++) {
		pax(t, "GNU.sparse.realsize", "5000000");
		file(t, i ? "rootfs/x" : "rootfs/y", "x");
	}
}
static void sparse_map_bomb(struct str *t)
{
	start(t);
	_clean_(str) struct str records = STR_INIT(STR_MAX_LINE);
	pax_record(&records, "GNU.sparse.major", "1");
	pax_record(&records, "GNU.sparse.minor", "0");
	pax_header(t, &records);
	file(t, "rootfs/x", "99999999999\n1\n1\n");
}
static void not_tar(struct str *t)
{
	for (int i = 0; i < 200; i++)
		str_add(t, "this is not a tar archive at all. ");
}
static void nothing(struct str *t)
{
	(void)t;
}

static const struct {
	const char *what;
	void (*make)(struct str *t);
	const char *says;
} bad[] = {
	{ "no manifest", no_manifest, "no 'manifest'" },
	{ "no rootfs", no_rootfs, "no 'rootfs'" },
	{ "two manifests", two_manifests, "duplicate entry 'manifest'" },
	{ "two manifests, spelled differently", two_manifests_by_dots,
		"duplicate entry 'manifest'" },
	{ "manifest not JSON", manifest_not_json, "'manifest': " },
	{ "manifest a link", manifest_is_link, "not a regular file" },
	{ "manifest a directory", manifest_is_directory, "not a regular file" },
	{ "manifest huge", manifest_of_one_gigabyte, "larger than" },
	{ "file huge", huge_file, "larger than" },
	{ "..", up, "contains '..'" },
	{ "absolute", absolute, "is absolute" },
	{ "elsewhere", elsewhere, "neither 'manifest' nor below 'rootfs'" },
	{ ". as symlink", dot_is_symlink, "not a directory" },
	{ "rootfs as symlink", rootfs_is_symlink, "not a directory" },
	{ "rootfs/. as symlink", rootfs_dot_is_symlink, "not a directory" },
	{ "through a symlink", through_symlink, "'rootfs/l' is not a directory" },
	{ "over a symlink", over_symlink, "duplicate entry" },
	{ "directory over a symlink", directory_over_symlink, "duplicate entry" },
	{ "hard link out by ..", hardlink_out, "contains '..'" },
	{ "hard link absolute", hardlink_absolute, "is absolute" },
	{ "hard link to manifest", hardlink_to_manifest, "leads out of the root" },
	{ "hard link to nothing", hardlink_to_nothing, "no earlier file" },
	{ "hard link to directory", hardlink_to_directory, "no earlier file" },
	{ "hard link through a symlink", hardlink_through_symlink, "not a directory" },
	{ "duplicate file", duplicate_file, "duplicate entry" },
	{ "duplicate directory", duplicate_directory, "duplicate entry" },
	{ "file over directory", file_over_directory, "duplicate entry" },
	{ "too many entries", too_many, "more than 1000 entries" },
	{ "too deep", too_deep, "too long or too deep" },
	{ "name too long", name_too_long, "too long or too deep" },
	{ "owner out of range", owner_out_of_range, "out of range" },
	{ "sparse bomb", sparse_bomb, "larger than" },
	{ "sparse bomb of parts", sparse_bomb_of_parts, "larger than 8388608 bytes together" },
	{ "sparse map bomb", sparse_map_bomb, "" },
	{ "not a tar", not_tar, "not a sound tar archive" },
	{ "nothing", nothing, "" },
};

START_TEST(bad_input)
{
	_clean_(str) struct str t = STR_INIT(OUTPUT_MAX);
	struct stat before, after;
	ck_assert_int_eq(stat("/etc/passwd", &before), 0);
	bad[_i].make(&t);
	if (t.len)
		finish(&t);
	fresh();
	int r = job(UNPACK_TREE, str_text(&t), t.len, 0);
	gone();
	ck_assert_msg(r < 0, "%s: was accepted", bad[_i].what);
	ck_assert_msg(strstr(message(), bad[_i].says), "%s: says '%s'", bad[_i].what, message());
	ck_assert_msg(*message(), "%s: says nothing", bad[_i].what);
	ck_assert_int_eq(stat("/etc/passwd", &after), 0);
	ck_assert_int_eq(before.st_nlink, after.st_nlink);
}
END_TEST

/* Cut anywhere, it is refused, and nothing hangs. */
START_TEST(truncated)
{
	_clean_(str) struct str t = STR_INIT(OUTPUT_MAX);
	start(&t);
	file(&t, "rootfs/f", "content");
	finish(&t);
	for (size_t n = 0; n < t.len - BLOCK; n += 128) {
		char name[] = "/tmp/rkt-test-unpack-XXXXXX";
		memcpy(dir, name, sizeof name);
		fresh();
		int r = job(UNPACK_TREE, t.buf, n, 0);
		gone();
		ck_assert_msg(r < 0, "accepted when cut at %zu of %zu", n, t.len);
	}
}
END_TEST

/* --- good input ------------------------------------------------------------------------------- */

START_TEST(names_are_escaped)
{
	_clean_(str) struct str t = STR_INIT(OUTPUT_MAX);
	start(&t);
	file(&t, "rootfs/a\nb\033[31m", "1");
	file(&t, "rootfs/a\nb\033[31m", "2");
	finish(&t);
	fresh();
	ck_assert_int_lt(job(UNPACK_TREE, t.buf, t.len, 0), 0);
	gone();
	ck_assert_ptr_null(strpbrk(message(), "\n\033"));
	ck_assert_ptr_nonnull(strstr(message(), "duplicate entry"));
}
END_TEST

START_TEST(kinds)
{
	_clean_(str) struct str t = STR_INIT(OUTPUT_MAX);
	struct stat st, other;
	header(&t, "./", '5', NULL, 0);
	file(&t, "./manifest", MANIFEST);
	file(&t, "rootfs/implicit//dir/f", "content");
	header(&t, "rootfs/implicit/", '5', NULL, 0);
	header(&t, "rootfs/hard", '1', "./rootfs/implicit/dir/f", 0);
	header(&t, "rootfs/soft", '2', "/../../etc/passwd", 0);
	header(&t, "rootfs/char", '3', NULL, 0);
	header(&t, "rootfs/fifo", '6', NULL, 0);
	_clean_(str) struct str records = STR_INIT(STR_MAX_LINE);
	pax_record(&records, "path", "rootfs/\xc3\xa4");
	pax_record(&records, "SCHILY.xattr.trusted.overlay.opaque", "y");
	pax_header(&t, &records);
	file(&t, "x", "x");
	finish(&t);
	fresh();
	int r = job(UNPACK_TREE, t.buf, t.len, 0);
	ck_assert_msg(r == 0, "%s", message());
	inside("rootfs/implicit", &st);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1000000000);
	ck_assert_int_eq(st.st_mode & 07777, 0755);
	inside("rootfs/hard", &st);
	inside("rootfs/implicit/dir/f", &other);
	ck_assert_int_eq(st.st_ino, other.st_ino);
	ck_assert_int_eq(st.st_size, 7);
	inside("rootfs/soft", &st);
	ck_assert(S_ISLNK(st.st_mode));
	inside("rootfs/char", &st);
	ck_assert(S_ISCHR(st.st_mode));
	ck_assert_uint_eq(st.st_rdev, 0x103);
	inside("rootfs/fifo", &st);
	ck_assert(S_ISFIFO(st.st_mode));
	inside("rootfs/\xc3\xa4", &st);

	r = job(UNPACK_COMPARE, t.buf, t.len, 0);
	ck_assert_msg(r == 0 && answer.differences == 0, "%s", message());
	gone();
}
END_TEST

/* What each mutation of the tree is called. */
static const struct {
	const char *command, *says;
} mutations[] = {
	{ "echo x >>$D/rootfs/f", "the size of" },
	{ "printf c0ntent >$D/rootfs/f; touch -d @1000000000 $D/rootfs/f", "the content of" },
	{ "chmod 600 $D/rootfs/f", "the mode of" },
	{ "chown 1:1 $D/rootfs/f", "the owner of" },
	{ "rm $D/rootfs/f", "the presence of" },
	{ "touch $D/rootfs/f", "the time of" },
	{ "touch $D/rootfs/d/new; touch -d @1000000000 $D/rootfs/d", "the number of entries" },
	{ "rm -r $D/rootfs/d; ln -s / $D/rootfs/d", "the type of" },
	{ "ln -sfn /x $D/rootfs/s; touch -h -d @1000000000 $D/rootfs/s $D/rootfs",
		"the target of" },
};

START_TEST(differences)
{
	_clean_(str) struct str t = STR_INIT(OUTPUT_MAX);
	start(&t);
	file(&t, "rootfs/f", "content");
	header(&t, "rootfs/d/", '5', NULL, 0);
	header(&t, "rootfs/s", '2', "/y", 0);
	finish(&t);
	fresh();
	ck_assert_int_eq(job(UNPACK_TREE, t.buf, t.len, 0), 0);
	ck_assert_int_eq(job(UNPACK_COMPARE, t.buf, t.len, 0), 0);
	ck_assert_uint_eq(answer.differences, 0);
	setenv("D", dir, 1);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", mutations[_i].command, (char *)NULL);
		_exit(1);
	}
	int status;
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(job(UNPACK_COMPARE, t.buf, t.len, 0), 0);
	gone();
	ck_assert_uint_gt(answer.differences, 0);
	bool parent_first = strstr(message(), "'rootfs' differs") != NULL;
	ck_assert_msg(parent_first || strstr(message(), mutations[_i].says), "'%s' says '%s'",
		mutations[_i].command, message());
}
END_TEST

/* --- decompressors ---------------------------------------------------------------------------- */

static size_t deflate_gzip(const void *in, size_t n, char *out, size_t max)
{
	z_stream z = { 0 };
	deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
	union {
		const void *in;
		Bytef *next;
	} p = { .in = in };
	z.next_in = p.next;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)max;
	ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t size = z.total_out;
	deflateEnd(&z);
	return size;
}

static size_t squeeze(const char *format, const void *in, size_t n, char *out, size_t max)
{
	union {
		const void *in;
		char *p;
	} from = { .in = in };
	if (strcmp(format, "gzip") == 0 || strcmp(format, "gzip by zlib") == 0)
		return deflate_gzip(in, n, out, max);
	if (strcmp(format, "bzip2") == 0) {
		unsigned size = (unsigned)max;
		ck_assert_int_eq(
			BZ2_bzBuffToBuffCompress(out, &size, from.p, (unsigned)n, 9, 0, 0), 0);
		return size;
	}
	if (strcmp(format, "xz") == 0) {
		size_t size = 0;
		ck_assert_int_eq(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, in, n,
					 (uint8_t *)out, &size, max),
			LZMA_OK);
		return size;
	}
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	size_t size = ZSTD_compress2(c, out, max, in, n);
	ZSTD_freeCCtx(c);
	ck_assert(!ZSTD_isError(size));
	return size;
}

static const struct {
	const char *format;
	unsigned flags;
} formats[] = { { "gzip", 0 }, { "gzip by zlib", UNPACK_NO_ISAL }, { "bzip2", 0 }, { "xz", 0 },
	{ "zstd", 0 } };

/* An image with enough bytes of every kind to cross buffers. */
static void large(struct str *t)
{
	static char noise[3 << 20];
	uint64_t x = 88172645463325252ULL;
	for (size_t i = 0; i < sizeof noise; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		noise[i] = i & 0x10000 ? 'a' : (char)('a' + (x & 63));
	}
	start(t);
	header(t, "rootfs/noise", '0', NULL, sizeof noise);
	str_addn(t, noise, sizeof noise);
	pad(t);
	finish(t);
}

static void check_squeezed(const char *bytes, size_t n, unsigned flags, const uint8_t *digest)
{
	fresh();
	int r = job(UNPACK_TREE, bytes, n, flags);
	gone();
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
	ck_assert_msg(r == 0, "%s", message());
	ck_assert_mem_eq(answer.digest, digest, UNPACK_DIGEST_SIZE);
	ck_assert_uint_eq(answer.input_bytes, n);
}

static void refuse_squeezed(const char *bytes, size_t n, unsigned flags, const char *what)
{
	fresh();
	int r = job(UNPACK_TREE, bytes, n, flags);
	gone();
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
	ck_assert_msg(r < 0, "accepted: %s", what);
	ck_assert_msg(*message(), "no reason: %s", what);
}

START_TEST(compressed)
{
	const char *format = formats[_i].format;
	unsigned flags = formats[_i].flags;
	_clean_(str) struct str t = STR_INIT(OUTPUT_MAX);
	large(&t);
	size_t max = 2 * t.len + 4096;
	_clean_(mem) char *out = xmalloc(max);
	uint8_t digest[UNPACK_DIGEST_SIZE];
	fresh();
	ck_assert_int_eq(job(UNPACK_TREE, t.buf, t.len, 0), 0);
	gone();
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
	memcpy(digest, answer.digest, sizeof digest);

	size_t n = squeeze(format, t.buf, t.len, out, max);
	check_squeezed(out, n, flags, digest);
	memset(out + n, 0, 64); /* padding is harmless */
	check_squeezed(out, n + 64, flags, digest);

	/* Two members, cut at an odd place, are one archive. */
	size_t half = t.len / 2 + 77, first = squeeze(format, t.buf, half, out, max);
	size_t second = squeeze(format, t.buf + half, t.len - half, out + first, max - first);
	check_squeezed(out, first + second, flags, digest);

	n = squeeze(format, t.buf, t.len, out, max);
	refuse_squeezed(out, n - 1, flags, "one byte short");
	refuse_squeezed(out, n - 9, flags, "nine bytes short");
	refuse_squeezed(out, n / 2, flags, "half of it");
	refuse_squeezed(out, 8, flags, "the magic alone");
	memcpy(out + n, "garbage!", 8);
	refuse_squeezed(out, n + 8, flags, "garbage behind it");
	out[n / 2] ^= 1;
	refuse_squeezed(out, n, flags, "one bit flipped");
}
END_TEST

START_TEST(zip_bomb)
{
	_clean_(mem) char *zeros = xcalloc(1, 32 << 20);
	_clean_(mem) char *out = xmalloc(1 << 20);
	_clean_(str) struct str t = STR_INIT(OUTPUT_MAX);
	start(&t);
	finish(&t);
	memcpy(zeros, t.buf, t.len); /* behind the end of a sound archive */
	size_t n = squeeze(formats[_i].format, zeros, 32 << 20, out, 1 << 20);
	fresh();
	int r = job(UNPACK_TREE, out, n, formats[_i].flags);
	gone();
	ck_assert_int_lt(r, 0);
	ck_assert_ptr_nonnull(strstr(message(), "when uncompressed"));
}
END_TEST

START_TEST(no_isal_is_zlib)
{
	static const uint8_t gzip[] = { 0x1f, 0x8b, 8, 0, 0, 0 };
	ck_assert_ptr_ne(codec_find(gzip, sizeof gzip, false), codec_find(gzip, sizeof gzip, true));
	ck_assert_str_eq(codec_find(gzip, sizeof gzip, true)->name, "gzip");
	ck_assert_str_eq(codec_find(gzip, 1, false)->name, "plain");
}
END_TEST

/* FIPS 180-2, "abc". */
START_TEST(copies_are_digested)
{
	static const uint8_t abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea };
	uint8_t digest[UNPACK_SHA256_SIZE];
	uint64_t bytes;
	char got[8] = "";
	struct err e = ERR_INIT;
	_clean_(fd) int in = input_of("abc", 3);
	_clean_(fd) int out = input_of("", 0);
	ck_assert_int_eq(copy_digest(in, out, 3, digest, &bytes, &e), 0);
	ck_assert_int_eq(memcmp(digest, abc, sizeof abc), 0);
	ck_assert_uint_eq(bytes, 3);
	ck_assert_int_eq(pread(out, got, sizeof got, 0), 3);
	ck_assert_str_eq(got, "abc");
	lseek(in, 0, SEEK_SET);
	ck_assert_int_eq(copy_digest(in, -1, 0, digest, &bytes, &e), 0);
	lseek(in, 0, SEEK_SET);
	ck_assert_int_lt(copy_digest(in, out, 2, digest, &bytes, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.msg, "more than 2 bytes"));
}
END_TEST

int main(void)
{
	TCase *t = unit_case(NULL, NULL);
	tcase_add_loop_test(t, bad_input, 0, sizeof bad / sizeof *bad);
	tcase_add_test(t, truncated);
	tcase_add_test(t, names_are_escaped);
	tcase_add_test(t, kinds);
	tcase_add_loop_test(t, differences, 0, sizeof mutations / sizeof *mutations);
	tcase_add_loop_test(t, compressed, 0, sizeof formats / sizeof *formats);
	tcase_add_loop_test(t, zip_bomb, 0, sizeof formats / sizeof *formats);
	tcase_add_test(t, no_isal_is_zlib);
	tcase_add_test(t, copies_are_digested);
	return unit_end("unpack", t);
}
