/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/fs/rmtree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/sys/compat.h"

/* Directories are descended into MAX_DEPTH levels, one descriptor each. What lies deeper is renamed
 * into the top directory, where the next pass finds it at level one: however deep a tree is, memory
 * and descriptors are those of MAX_DEPTH levels. */
enum { MAX_DEPTH = 40, MAX_TRIES = 20 };

struct rm {
	int top;	     /* the directory into which deep ones are moved */
	uint64_t nonce;	     /* of their names there */
	unsigned long moved; /* so far */
	unsigned long progress;
	struct err *e; /* the first error */
	int result;
};

static void failed(struct rm *c, int num, const char *what, const char *name)
{
	if (c->result < 0)
		return;
	c->result = num == EXDEV ? ERR_NUM(c->e, EBUSY, "'%s' is a mount point", name)
				 : ERR_NUM(c->e, num, "%s '%s'", what, name);
}

/* The id of the mount that fd lies on, or -1 where the filesystem has no handles. */
static int mount_id(int fd)
{
	struct file_handle h = { .handle_bytes = 0 };
	int id = -1;
	if (name_to_handle_at(fd, "", &h, &id, AT_EMPTY_PATH) < 0 && errno != EOVERFLOW)
		return -1;
	return id;
}

/* Kernels without openat2: the same refusal of other mounts, by comparison. */
static int open_same_mount(int at, const char *name, int flags)
{
	int fd = openat(at, name, flags);
	if (fd < 0)
		return -1;
	struct stat here, there;
	if (fstat(at, &here) < 0 || fstat(fd, &there) < 0 || here.st_dev != there.st_dev ||
		mount_id(at) != mount_id(fd)) {
		close(fd);
		errno = EXDEV;
		return -1;
	}
	return fd;
}

/* Opens a directory that is no link and no other mount; EXDEV says that it is one. */
static int open_here(int at, const char *name, int flags)
{
	struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_DIRECTORY | O_NOFOLLOW |
							      O_CLOEXEC),
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS };
	int fd = sys_openat2(at, name, &how);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = open_same_mount(at, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

/* The owner may have taken every right from itself: who is not root gives them back first. */
static int open_dir(int at, const char *name)
{
	int fd = open_here(at, name, O_RDONLY);
	if (fd >= 0 || errno != EACCES)
		return fd;
	_clean_(fd) int path = open_here(at, name, O_PATH);
	if (path < 0)
		return -1;
	char link[64];
	snprintf(link, sizeof link, "/proc/self/fd/%d", path);
	if (chmod(link, 0700) < 0) {
		errno = EACCES;
		return -1;
	}
	return open_here(at, name, O_RDONLY);
}

/* Takes the attributes away that keep a file from being removed, which an app may have set that has
 * CAP_LINUX_IMMUTABLE. Where there are none it fails. */
static int unlock_fd(int fd)
{
	const unsigned lock = FS_IMMUTABLE_FL | FS_APPEND_FL;
	unsigned flags; /* the kernel's type, whatever its number says */
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & lock))
		return -1;
	flags &= ~lock;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int unlock(int at, const char *name)
{
	struct stat st;
	int done = unlock_fd(at);
	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		(!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return done;
	_clean_(fd) int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && unlock_fd(fd) == 0 ? 0 : done;
}

static int unlink_in(int at, const char *name, int flags)
{
	if (unlinkat(at, name, flags) == 0)
		return 0;
	int num = errno;
	if ((num != EACCES || fchmod(at, 0700) < 0) && (num != EPERM || unlock(at, name) < 0)) {
		errno = num;
		return -1;
	}
	return unlinkat(at, name, flags);
}

/* Too deep to descend: on to the top with it. */
static void move_up(struct rm *c, int at, const char *name)
{
	char to[64];
	snprintf(to, sizeof to, ".rmtree-%016llx-%lu", (unsigned long long)c->nonce, c->moved++);
	int r = renameat(at, name, c->top, to);
	if (r < 0 && errno == EPERM && unlock(at, name) == 0)
		r = renameat(at, name, c->top, to);
	if (r == 0)
		c->progress++;
	else if (errno != ENOENT)
		failed(c, errno, "move", name);
}

static void remove_entry(struct rm *c, int at, const char *name, unsigned char type, int depth);

/* One look at everything in a directory. Takes fd. */
static void sweep(struct rm *c, int fd, const char *name, int depth)
{
	_clean_(dir) DIR *d = fdopendir(fd);
	if (!d) {
		failed(c, errno, "read", name);
		close(fd);
		return;
	}
	errno = 0;
	for (struct dirent *ent; (ent = readdir(d)); errno = 0)
		if (strcmp(ent->d_name, ".") != 0 && strcmp(ent->d_name, "..") != 0)
			remove_entry(c, fd, ent->d_name, ent->d_type, depth + 1);
	if (errno && errno != ENOENT)
		failed(c, errno, "read", name);
}

static void remove_dir(struct rm *c, int at, const char *name, int depth)
{
	for (;;) {
		if (unlink_in(at, name, AT_REMOVEDIR) == 0) {
			c->progress++;
			return;
		}
		if (errno == ENOENT)
			return;
		if (errno != ENOTEMPTY && errno != EEXIST) {
			failed(c, errno, "remove", name);
			return;
		}
		if (depth > MAX_DEPTH) {
			move_up(c, at, name);
			return;
		}
		int fd = open_dir(at, name);
		if (fd < 0) {
			if (errno != ENOENT)
				failed(c, errno, "open", name);
			return;
		}
		/* Some filesystems skip entries when others are removed while they are listed:
		 * look again for as long as that changes something. */
		unsigned long before = c->progress;
		sweep(c, fd, name, depth);
		if (c->progress == before) {
			if (unlinkat(at, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
				failed(c, errno, "remove", name);
			else
				c->progress++;
			return;
		}
	}
}

static void remove_entry(struct rm *c, int at, const char *name, unsigned char type, int depth)
{
	if (type != DT_DIR) {
		if (unlink_in(at, name, 0) == 0) {
			c->progress++;
			return;
		}
		if (errno == ENOENT)
			return;
		int num = errno;
		struct stat st;
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode)) {
			failed(c, num, "remove", name);
			return;
		}
	}
	remove_dir(c, at, name, depth);
}

static int rm_begin(struct rm *c, int top, struct err *e)
{
	*c = (struct rm){ .top = top, .e = e };
	if (getrandom(&c->nonce, sizeof c->nonce, 0) != (ssize_t)sizeof c->nonce)
		return ERR_SYS(e, "getrandom");
	return 0;
}

int rmtree_contents(int fd, struct err *e)
{
	struct rm c;
	int r = rm_begin(&c, fd, e);
	if (r < 0)
		return r;
	unsigned long before;
	do {
		before = c.progress;
		c.result = 0; /* what still fails in the last pass is what counts */
		int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (again < 0) /* removed by somebody else */
			return errno == ENOENT ? c.result : ERR_SYS(e, "open directory");
		sweep(&c, again, ".", 0);
	} while (c.progress != before);
	return c.result;
}

int rmtree_at(int dirfd, const char *name, struct err *e)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	int num = errno;
	_clean_(fd) int fd = open_dir(dirfd, name);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0) {
		if (errno == EXDEV)
			return ERR_NUM(e, EBUSY, "'%s' is a mount point", name);
		return ERR_NUM(
			e, errno == ENOTDIR || errno == ELOOP ? num : errno, "remove '%s'", name);
	}
	/* Another process that removes the same tree may move a deep directory to its top between
	 * our last look and rmdir. */
	for (int tries = 0;; tries++) {
		int r = rmtree_contents(fd, e);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (r < 0)
			return err_wrap(e, r, "remove '%s'", name);
		if (errno != ENOTEMPTY || tries >= MAX_TRIES)
			return ERR_SYS(e, "remove '%s'", name);
	}
}
