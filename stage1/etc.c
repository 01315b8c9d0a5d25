/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/fs/io.h"
#include "stage1/load.h"

#define ETC POD_STAGE1_ROOTFS "/" STAGE1_ETC_DIR

/* One of the two files, and what the mode of its name asks for. */
struct etc_file {
	const char *name;	 /* below /etc, of the host and of the app */
	const char *mode;	 /* host, stage0, none, default; NULL is default */
	const char *from_stage0; /* what stage0 calls the one that it made */
	const char *path;	 /* result: absolute, or NULL for none */
	bool replace;		 /* result: also where the image has its own */
};

/* The host's file, whole and bounded. It may be a link there (systemd-resolved): the host is
 * trusted, so it is followed. -ENOENT where the host has none. */
static int read_host(const struct etc_file *f, struct str *out, struct err *e)
{
	char path[64];
	snprintf(path, sizeof path, "/etc/%s", f->name);
	_clean_(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? ERR_SYS(e, "open '%s'", path) : io_read_regular(fd, path, out, e);
}

static const char *pod_path(struct stage1_pod *p, const char *relative)
{
	/* volumes_dir is the pod's directory and one component. */
	int n = (int)(path_base(p->facts.volumes_dir) - p->facts.volumes_dir);
	return arena_printf(&p->arena, "%.*s%s", n, p->facts.volumes_dir, relative);
}

static int write_own(
	struct stage1_pod *p, struct etc_file *f, const struct str *text, struct err *e)
{
	char path[sizeof ETC "/resolv.conf"];
	snprintf(path, sizeof path, ETC "/%s", f->name);
	if (mkdirat(p->dirfd, ETC, 0700) < 0 && errno != EEXIST)
		return ERR_SYS(e, "create directory '%s'", ETC);
	_clean_(fd) int fd = openat(p->dirfd, path,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0644);
	/* The mode again: the caller's umask must not keep the app from reading it. */
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return ERR_SYS(e, "create '%s'", path);
	const uint32_t root = id_range_shift(&p->facts.users, 0);
	if (root && fchown(fd, root, root) < 0)
		return ERR_SYS(e, "owner of '%s'", path);
	int r = io_write_all(fd, str_text(text), text->len, e);
	if (r < 0)
		return err_wrap(e, r, "'%s'", path);
	f->path = pod_path(p, path);
	return 0;
}

/* stage0's file: below /rkt of stage1's root, or where rkt's own stage0 writes it. */
static int find_stage0(struct stage1_pod *p, struct etc_file *f, struct err *e)
{
	static const char *const dirs[] = { ETC, POD_STAGE1_ROOTFS "/etc" };
	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		char path[64];
		struct stat st;
		snprintf(path, sizeof path, "%s/%s", dirs[i], f->from_stage0);
		if (fstatat(p->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
			const uint32_t root = id_range_shift(&p->facts.users, 0);
			if (root && fchownat(p->dirfd, path, root, root, AT_SYMLINK_NOFOLLOW) < 0)
				return ERR_SYS(e, "owner of '%s'", path);
			f->path = pod_path(p, path);
			return 0;
		}
	}
	return ERR_NOENT(e, "stage0 was to make '%s/%s' and did not", ETC, f->from_stage0);
}

static void hosts_stub(const struct stage1_pod *p, struct str *text)
{
	str_addf(text,
		"127.0.0.1 localhost localhost.domain localhost4 localhost4.localdomain4 %s\n"
		"::1 localhost localhost.domain localhost6 localhost6.localdomain6\n",
		p->facts.hostname);
}

/* Nothing was asked for: a pod in the host's network sees names as the host does, any other gets a
 * file of its own host name, and no resolver, since it has no network to reach one by. */
static int make_default(struct stage1_pod *p, struct etc_file *f, bool hosts, struct err *e)
{
	_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
	if (p->facts.host_network) {
		int r = read_host(f, &text, e);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	if (text.len == 0 && hosts)
		hosts_stub(p, &text);
	return text.len ? write_own(p, f, &text, e) : 0;
}

static int make_file(struct stage1_pod *p, struct etc_file *f, bool hosts, struct err *e)
{
	if (!f->mode || str_eq(f->mode, "default"))
		return make_default(p, f, hosts, e);
	f->replace = true;
	if (str_eq(f->mode, "stage0"))
		return find_stage0(p, f, e);
	if (str_eq(f->mode, "host")) {
		_clean_(str) struct str text = STR_INIT(STR_MAX_LINE);
		int r = read_host(f, &text, e);
		return r < 0 ? r : write_own(p, f, &text, e);
	}
	if (str_eq(f->mode, "none") && !hosts)
		return 0;
	return ERR_BAD(e, "mode '%s' is not known", f->mode);
}

int stage1_write_etc(const struct stage1_run *run, struct stage1_pod *p, struct err *e)
{
	struct etc_file hosts = {
		.name = "hosts", .mode = run->dns_hosts, .from_stage0 = STAGE1_STAGE0_HOSTS
	};
	struct etc_file resolv = {
		.name = "resolv.conf", .mode = run->dns_resolv, .from_stage0 = STAGE1_STAGE0_RESOLV
	};
	int r = make_file(p, &hosts, true, e);
	if (r < 0)
		return err_wrap(e, r, "'/etc/hosts' of the apps");
	r = make_file(p, &resolv, false, e);
	if (r < 0)
		return err_wrap(e, r, "'/etc/resolv.conf' of the apps");
	p->facts.hosts_file = hosts.path;
	p->facts.hosts_replace = hosts.replace;
	p->facts.resolv_file = resolv.path;
	p->facts.resolv_replace = resolv.replace;
	return 0;
}
