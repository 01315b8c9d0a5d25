/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names: finding an image by its name without opening the records of all others.
 *
 *	rkt names 1 <inode> <change time>	of cas/image, when all its records were read
 *	<hex> <name>				of each of them
 *	end
 *
 * cas/names is made of the records, when there are many, and is only a hint: the records that it
 * leads to are read and believed, not it. A record is published and removed by a rename or unlink
 * in cas/image, which changes the directory's change time, and that cannot be set back: then the
 * file counts no more, and is made again by the next who has to read all records. The clock of
 * change times ticks, some filesystems' once a second: a directory that has changed just now may
 * change again without being seen to, so it is left to settle first. Nothing waits for the disk: a
 * file that a power cut left half empty has no end, or a zero byte.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage0/store/internal.h"

enum {
	WORTH = 64,  /* with fewer records there is nothing to gain */
	SETTLED = 2, /* seconds */
	NAMES_MAX = 64 << 20,
	HEAD_MAX = 128,
};
#define END "\nend\n"

/* The first line that is right now; false: there is nothing to be known. */
static bool first_line(struct store *s, struct str *out, time_t *ret_changed)
{
	struct stat st;
	if (fstatat(s->dirfd, CAS_IMAGE, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	str_addf(out, "rkt names 1 %llu %lld.%09ld\n", (unsigned long long)st.st_ino,
		(long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	*ret_changed = st.st_ctim.tv_sec;
	return str_ok(out);
}

static bool is_current(const struct str *bytes, const struct str *head)
{
	const char *text = str_text(bytes);
	return bytes->len > head->len && memcmp(text, str_text(head), head->len) == 0 &&
	       str_ends(text, END) && strlen(text) == bytes->len;
}

/* False: nobody knows. */
static bool look_up(struct store *s, const char *name, struct arena *a, struct strlist *ret)
{
	_clean_(str) struct str bytes = STR_INIT(NAMES_MAX), head = STR_INIT(HEAD_MAX),
				line = STR_INIT(STR_MAX_LINE);
	struct err ignored = ERR_INIT;
	time_t changed;
	if (io_read_file(s->dirfd, CAS_NAMES, &bytes, &ignored) < 0 ||
		!first_line(s, &head, &changed) || !is_current(&bytes, &head))
		return false;
	str_addf(&line, " %s\n", name);
	if (!str_ok(&line))
		return false;
	const char *text = str_text(&bytes), *p = text;
	while ((p = strstr(p, str_text(&line)))) {
		if (p - text > HEX_SIZE && p[-HEX_SIZE - 1] == '\n')
			strlist_add(a, ret, arena_strndup(a, p - HEX_SIZE, HEX_SIZE));
		p++;
	}
	return true;
}

/* Names that the file's form cannot hold are not appc's: then there is no file. */
static bool write_names(const struct images *all, struct str *out)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!str_is_one_line(all->v[i].name) || strchr(all->v[i].name, ' '))
			return false;
		str_addf(out, "%s %s\n", all->v[i].id + strlen(ID_PREFIX), all->v[i].name);
	}
	str_add(out, &END[1]);
	return str_ok(out);
}

/* Whoever may not write leaves it to others. */
static void make(struct store *s)
{
	_clean_(str) struct str out = STR_INIT(NAMES_MAX);
	_clean_(arena) struct arena a = ARENA_INIT;
	struct record_scan scan;
	struct err ignored = ERR_INIT;
	time_t changed;
	if (!first_line(s, &out, &changed) || time(NULL) - changed < SETTLED ||
		faccessat(s->dirfd, ".", W_OK, AT_EACCESS) < 0)
		return;
	if (records_scan(s, NULL, &a, &scan, &ignored) < 0 || scan.damaged ||
		!write_names(&scan.images, &out))
		return;
	(void)tmp_write(s, ".", CAS_NAMES, &out, false, &ignored);
}

int records_named(
	struct store *s, const char *name, struct arena *a, struct images *ret, struct err *e)
{
	struct record_scan scan;
	struct strlist hex = { 0 };
	bool known = look_up(s, name, a, &hex);
	if (known) {
		records_read(s, &hex, a, ret);
		for (size_t i = 0; i < ret->n; i++)
			if (strcmp(ret->v[i].name, name) == 0)
				return 0;
	}
	/* That there is none, only the records can say. */
	int r = records_scan(s, name, a, &scan, e);
	if (r < 0)
		return r;
	if (!known && scan.seen >= WORTH)
		make(s);
	*ret = scan.images;
	return 0;
}
