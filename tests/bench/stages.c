/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fetching an image cannot be faster than: each of its stages, alone and on one core.
 *
 *	stages inflate FILE…       gzip by ISA-L or zstd, to nowhere
 *	stages digest FILE…        sha256 of each
 *	stages create DIR FILE…    the files of tar archives below DIR, with owner, mode and time
 */
#include <err.h>
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { OUT = 1024 * 1024, BLOCK = 512, NAME = 4096 };

static uint8_t out[OUT];

static uint8_t *map(const char *path, size_t *ret_n)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	*ret_n = (size_t)st.st_size;
	return p;
}

static void inflate_gzip(uint8_t *in, size_t n)
{
	struct inflate_state s;
	isal_inflate_init(&s);
	s.crc_flag = ISAL_GZIP;
	s.next_in = in;
	s.avail_in = (uint32_t)n;
	do {
		s.next_out = out;
		s.avail_out = OUT;
		if (isal_inflate(&s) < 0)
			errx(1, "corrupt gzip data");
	} while (s.block_state != ISAL_BLOCK_FINISH);
}

static void inflate_zstd(uint8_t *in, size_t n)
{
	ZSTD_DCtx *d = ZSTD_createDCtx();
	ZSTD_inBuffer from = { in, n, 0 };
	while (from.pos < from.size) {
		ZSTD_outBuffer to = { out, OUT, 0 };
		if (ZSTD_isError(ZSTD_decompressStream(d, &to, &from)))
			errx(1, "corrupt zstd data");
	}
	ZSTD_freeDCtx(d);
}

static void inflate(uint8_t *in, size_t n)
{
	if (in[0] == 0x1f)
		inflate_gzip(in, n);
	else
		inflate_zstd(in, n);
}

static void digest(uint8_t *in, size_t n)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	if (!EVP_Digest(in, n, md, NULL, EVP_sha256(), NULL))
		errx(1, "sha256");
}

static void check(int r, const char *name)
{
	if (r < 0)
		err(1, "%s", name);
}

static void create_one(int top, char type, const char *name, const char *target, mode_t mode,
	const uint8_t *data, size_t n)
{
	const struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	if (type == '5') {
		(void)mkdirat(top, name, 0700); /* several archives have it */
		check(fchownat(top, name, 0, 0, AT_SYMLINK_NOFOLLOW), name);
		check(fchmodat(top, name, mode, 0), name);
	} else if (type == '2') {
		check(symlinkat(target, top, name), name);
		check(fchownat(top, name, 0, 0, AT_SYMLINK_NOFOLLOW), name);
		check(utimensat(top, name, times, AT_SYMLINK_NOFOLLOW), name);
	} else {
		int fd = openat(top, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		check(fd, name);
		if (write(fd, data, n) != (ssize_t)n)
			err(1, "write '%s'", name);
		check(fchown(fd, 0, 0), name);
		check(fchmod(fd, mode), name);
		check(futimens(fd, times), name);
		close(fd);
	}
}

/* ustar headers with GNU's long names, as tests/bench/image.py writes them. */
static void create(int top, const uint8_t *in, size_t n)
{
	char name[NAME] = "", target[NAME] = "";
	for (size_t at = 0; at + BLOCK <= n && in[at];) {
		const char *h = (const char *)in + at;
		char octal[13] = "", type = h[156];
		memcpy(octal, h + 124, 12);
		size_t size = strtoul(octal, NULL, 8);
		const uint8_t *data = in + at + BLOCK;
		at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
		if (type == 'L' || type == 'K') {
			memcpy(type == 'L' ? name : target, data, size < NAME ? size : NAME - 1);
			continue;
		}
		if (!*name)
			memcpy(name, h, 100);
		if (!*target)
			memcpy(target, h + 157, 100);
		size_t len = strlen(name);
		if (len && name[len - 1] == '/')
			name[len - 1] = '\0';
		create_one(top, type, name, target, (mode_t)strtoul(h + 100, NULL, 8), data, size);
		memset(name, 0, sizeof name);
		memset(target, 0, sizeof target);
	}
}

int main(int argc, char **argv)
{
	size_t n;
	int first = argc > 2 && strcmp(argv[1], "create") == 0 ? 3 : 2, top = -1;
	if (argc <= first)
		errx(2, "usage: stages inflate|digest FILE… | create DIR FILE…");
	if (first == 3)
		check(top = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC), argv[2]);
	for (int i = first; i < argc; i++) {
		uint8_t *in = map(argv[i], &n);
		if (first == 3)
			create(top, in, n);
		else if (strcmp(argv[1], "inflate") == 0)
			inflate(in, n);
		else
			digest(in, n);
		munmap(in, n);
	}
	return 0;
}
