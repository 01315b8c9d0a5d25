/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/sys/blockdev.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "lib/sys/mountinfo.h"

enum { MOUNTS_MAX = 4 * 1024 * 1024, FIELD_DEVICE = 2 };

/* Word `n` of a line that ends at `end`. */
static size_t word_at(const char *line, const char *end, int n, const char **ret)
{
	for (; n > 0 && line < end; n--) {
		line = memchr(line, ' ', (size_t)(end - line));
		line = line ? line + 1 : end;
	}
	const char *stop = memchr(line, ' ', (size_t)(end - line));
	*ret = line;
	return (size_t)((stop ? stop : end) - line);
}

bool blockdev_source(const char *mountinfo, dev_t dev, char *ret, size_t size)
{
	for (const char *line = mountinfo, *end; *line; line = *end ? end + 1 : end) {
		char number[32];
		const char *word, *tail;
		dev_t found;
		end = strchrnul(line, '\n');
		size_t n = word_at(line, end, FIELD_DEVICE, &word);
		if (n >= sizeof number)
			continue;
		memcpy(number, word, n);
		number[n] = '\0';
		if (!mountinfo_device(number, &found) || found != dev)
			continue;
		/* "… - TYPE SOURCE OPTIONS" */
		tail = memmem(word, (size_t)(end - word), " - ", 3);
		n = tail ? word_at(tail + 3, end, 1, &word) : 0;
		if (n < 5 || n >= size || memcmp(word, "/dev/", 5) != 0)
			continue;
		memcpy(ret, word, n);
		ret[n] = '\0';
		return true;
	}
	return false;
}

/* A file system with a device number that is no disk's (btrfs): what was it mounted from? */
static int by_source(dev_t dev, dev_t *ret, struct err *e)
{
	char path[1024];
	struct stat st;
	_clean_(str) struct str mounts = STR_INIT(MOUNTS_MAX);
	int r = io_read_file(AT_FDCWD, "/proc/self/mountinfo", &mounts, e);
	if (r < 0)
		return r;
	if (!blockdev_source(str_text(&mounts), dev, path, sizeof path) || stat(path, &st) < 0 ||
		!S_ISBLK(st.st_mode))
		return 0;
	*ret = st.st_rdev;
	return 1;
}

int blockdev_behind(dev_t dev, dev_t *ret, struct err *e)
{
	char path[96], text[32];
	struct stat st;
	if (major(dev) == 0) {
		int r = by_source(dev, &dev, e);
		if (r <= 0)
			return r;
	}
	snprintf(path, sizeof path, "/sys/dev/block/%u:%u", major(dev), minor(dev));
	if (stat(path, &st) < 0)
		return 0;
	snprintf(path, sizeof path, "/sys/dev/block/%u:%u/partition", major(dev), minor(dev));
	if (stat(path, &st) < 0) {
		*ret = dev;
		return 1;
	}
	snprintf(path, sizeof path, "/sys/dev/block/%u:%u/../dev", major(dev), minor(dev));
	int r = io_read_line(AT_FDCWD, path, text, sizeof text, e);
	if (r < 0)
		return r;
	if (!mountinfo_device(text, ret))
		return ERR_BAD(e, "'%s' holds no device number", path);
	return 1;
}
