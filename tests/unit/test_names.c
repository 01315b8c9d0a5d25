/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/store/internal.h"

enum { MANY = 80, NEW = 1000 };

static char scratch[] = "/tmp/rkt-test-names-XXXXXX";
static struct store store = { .dirfd = -1 };
static struct arena arena;
static struct err e;

static const char *id_of(unsigned i)
{
	char hex[HEX_SIZE + 1];
	snprintf(hex, sizeof hex, "%0*x", HEX_SIZE, i);
	return arena_printf(&arena, ID_PREFIX "%s", hex);
}

static void put(unsigned i, const char *name)
{
	const struct image image = {
		.id = id_of(i), .name = name, .version = "1", .imported_ns = 1000 + i
	};
	ck_assert_int_eq(record_write(&store, &image, false, &e), 0);
}

/* The image of that name, UINT_MAX when there is none. */
static unsigned found(const char *name)
{
	struct image image;
	unsigned i;
	e = ERR_INIT;
	if (store_resolve(&store, name, &arena, &image, &e) < 0)
		return UINT_MAX;
	ck_assert_int_eq(sscanf(image.id + strlen(ID_PREFIX), "%x", &i), 1);
	return i;
}

/* Until the directory of records has settled. */
static void wait_for_names(void)
{
	for (int i = 0; i < 1000 && faccessat(store.dirfd, CAS_NAMES, F_OK, 0) < 0; i++) {
		ck_assert_uint_eq(found("example.com/app-7"), 7);
		usleep(50000);
	}
	ck_assert_int_eq(faccessat(store.dirfd, CAS_NAMES, F_OK, 0), 0);
}

static void begin(void)
{
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(store_open(&store, scratch, &e), 0);
	for (unsigned i = 0; i < MANY; i++)
		put(i, arena_printf(&arena, "example.com/app-%u", i));
}

static void end(void)
{
	store_close(&store);
	ck_assert_int_eq(rmtree_at(AT_FDCWD, scratch, &e), 0);
	arena_release(&arena);
}

/* The file, with one text in the place of another as long, or cut after the first. */
static void spoil(const char *text, const char *other)
{
	_clean_(str) struct str bytes = STR_INIT(1 << 20);
	ck_assert_int_eq(io_read_file(store.dirfd, CAS_NAMES, &bytes, &e), 0);
	char *at = strstr(bytes.buf, text);
	ck_assert_ptr_nonnull(at);
	size_t n = bytes.len;
	if (other)
		memcpy(at, other, strlen(text));
	else
		n = (size_t)(at - bytes.buf) + strlen(text);
	_clean_(fd) int fd = openat(store.dirfd, CAS_NAMES, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_eq(io_write_all(fd, bytes.buf, n, &e), 0);
}

START_TEST(names_are_found_and_follow_the_records)
{
	begin();
	wait_for_names();
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_uint_eq(found(arena_printf(&arena, "example.com/app-%u", i)), i);
	ck_assert_uint_eq(found("example.com/app"), UINT_MAX);
	ck_assert_uint_eq(found("app-7"), UINT_MAX);
	/* The last one imported, at once. */
	put(NEW, "example.com/app-7");
	ck_assert_uint_eq(found("example.com/app-7"), NEW);
	ck_assert_int_eq(unlinkat(store.dirfd, place(CAS_IMAGE, id_of(NEW) + 7).path, 0), 0);
	ck_assert_uint_eq(found("example.com/app-7"), 7);
	end();
}
END_TEST

START_TEST(a_file_that_was_spoilt_makes_no_difference)
{
	begin();
	wait_for_names();
	/* A record is read before it is believed. */
	spoil("app-11\n", "app-12\n");
	ck_assert_uint_eq(found("example.com/app-11"), 11);
	ck_assert_uint_eq(found("example.com/app-12"), 12);
	/* A power cut leaves zeros, or a part. */
	spoil(" example.com/app-12\n", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
	ck_assert_uint_eq(found("example.com/app-12"), 12);
	/* It was made anew. */
	spoil(" example.com/app-13\n", NULL);
	ck_assert_uint_eq(found("example.com/app-50"), 50);
	end();
}
END_TEST

UNIT_MAIN("names", &names_are_found_and_follow_the_records,
	&a_file_that_was_spoilt_makes_no_difference)
