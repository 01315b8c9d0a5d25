/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/flocks.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/mnt.h"

#define LOCKS "/proc/locks"

/* More than the kernel's own bound on processes, each with a lock. */
enum { MAX_LOCKS = 1 << 22 };

/* The next word, and past the blanks behind it; "" at the end. */
static char *next_word(char **at)
{
	char *word = *at, *end = word + strcspn(word, " \n");
	*at = end + strspn(end, " \n");
	*end = '\0';
	return word;
}

/* "08:01:393221": both halves of the device in hexadecimal digits, the inode in decimal ones. */
static bool parse_file(char *word, struct flock_line *ret)
{
	uint64_t major, minor;
	const char *first = strsep(&word, ":"), *second = strsep(&word, ":");
	if (!second || !word || !parse_hex_u64(first, strlen(first), &major) ||
		!parse_hex_u64(second, strlen(second), &minor) || major > UINT32_MAX ||
		minor > UINT32_MAX || !parse_u64(word, 0, UINT64_MAX, &ret->inode))
		return false;
	ret->device = makedev((unsigned)major, (unsigned)minor);
	return true;
}

/* "1: FLOCK  ADVISORY  WRITE 1234 08:01:393221 0 EOF"; before FLOCK "->" when it is waited for.
 * Of a file that nobody knows, "<none>:0" stands there. */
bool flock_line_parse(char *line, struct flock_line *ret)
{
	struct flock_line l = { 0 };
	const char *number = next_word(&line), *kind = next_word(&line);
	const bool waits = strcmp(kind, "->") == 0;
	if (waits)
		kind = next_word(&line);
	(void)next_word(&line); /* ADVISORY */
	const char *type = next_word(&line);
	(void)next_word(&line); /* the process */
	char *file = next_word(&line);
	if (!strchr(number, ':') || !*file)
		return false;
	if (strcmp(kind, "FLOCK") == 0 && strcmp(type, "WRITE") == 0 && !waits)
		l.held = parse_file(file, &l);
	*ret = l;
	return true;
}

/* As the kernel's lists name it. */
static int device_of(int dirfd, dev_t *ret, struct err *e)
{
	struct stat st;
	struct mnt_facts facts;
	int r = mnt_facts(dirfd, &facts, e);
	if (r == 0 && fstat(dirfd, &st) < 0)
		return ERR_SYS(e, "stat");
	if (r >= 0)
		*ret = r ? facts.device : st.st_dev;
	return r;
}

static void add(struct flocks *l, uint64_t inode)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->inodes = xrealloc(l->inodes, l->cap, sizeof *l->inodes);
	}
	l->inodes[l->n++] = inode;
}

static int scan_line(void *ctx, char *line, struct err *e)
{
	struct flocks *l = ctx;
	struct flock_line one;
	if (!flock_line_parse(line, &one))
		return ERR_BAD(e, "'" LOCKS "' has a line that is none");
	if (one.held && one.device == l->device)
		add(l, one.inode);
	return l->n == MAX_LOCKS;
}

int flocks_load(struct flocks *ret, int dirfd, struct err *e)
{
	_clean_(flocks) struct flocks l = { .device = ret->device };
	int r = l.device ? 0 : device_of(dirfd, &l.device, e);
	if (r < 0 || (r = io_each_line(LOCKS, scan_line, &l, e)) < 0)
		return r;
	flocks_cleanup(ret);
	*ret = l;
	l = FLOCKS_INIT;
	return 0;
}

bool flocks_has(const struct flocks *l, uint64_t inode)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->inodes[i] == inode)
			return true;
	return false;
}
