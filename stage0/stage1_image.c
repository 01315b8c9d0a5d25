/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/stage1_image.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/abi/handover.h"
#include "lib/abi/paths.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/parse.h"
#include "stage0/depends.h"
#include "stage0/self.h"
#include "stage0/trust/accept.h"

/* The id of the stage1-native.aci that was built with this program. Programs without one (tests)
 * import the file to learn it. */
extern const char stage1_default_id[] __attribute__((weak));

static const char default_flavor[] = "native";

static int use_id(
	struct store *s, const char *id, struct arena *a, struct stage1_image *ret, struct err *e)
{
	struct image_manifest *m;
	int r = store_manifest(s, id, a, &m, e);
	if (r < 0)
		return r;
	if (!stage1_entry(m, "run"))
		return ERR_BAD(e,
			"image '%s' is not a stage1: it has no annotation " STAGE1_ANNOTATION(
				"run"),
			m->name);
	if (depends_any(m))
		return ERR_BAD(e,
			"image '%s' depends on other images, or has a path whitelist: a stage1 has "
			"all its files itself",
			m->name);
	store_touch(s, id);
	*ret = (struct stage1_image){ .id = id, .manifest = m };
	return 0;
}

/* One that came with the program. */
static int use_own(
	struct store *s, const char *path, struct arena *a, struct stage1_image *ret, struct err *e)
{
	_clean_(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return ERR_SYS(e, "open stage1 image '%s'", path);
	const struct import_options o = { .source = path };
	const char *id;
	int r = store_import(s, fd, &o, a, &id, e);
	if (r >= 0)
		r = use_id(s, id, a, ret, e);
	return err_wrap(e, r, "stage1 image '%s'", path);
}

/* An image in the directory from which the program takes its default one came with the program. */
static bool came_with_program(const char *path)
{
	_clean_(mem) char *own = NULL;
	struct err e;
	if (self_stage1_image(default_flavor, &own, &e) < 0)
		return false;
	char real_own[PATH_MAX], real[PATH_MAX];
	if (!realpath(own, real_own) || !realpath(path, real))
		return false;
	size_t n = (size_t)(path_base(real_own) - real_own);
	return strncmp(real, real_own, n) == 0 && !strchr(real + n, '/');
}

/* What every way to a file needs. */
struct source {
	struct store *s;
	const struct keystore *ks;
	bool insecure;
	struct arena *a;
	const struct stage1_remote *remote;
};

static int use_path(
	const struct source *from, const char *path, struct stage1_image *ret, struct err *e)
{
	const char *id;
	if (came_with_program(path))
		return use_own(from->s, path, from->a, ret, e);
	const struct accept_file file = { .path = path, .insecure = from->insecure };
	int r = accept_image_file(from->s, from->ks, &file, from->a, &id, e);
	if (r >= 0)
		r = use_id(from->s, id, from->a, ret, e);
	return err_wrap(e, r, "stage1 image '%s'", path);
}

static int use_remote(
	const struct source *from, const char *what, struct stage1_image *ret, struct err *e)
{
	const char *id;
	int r = from->remote->fetch(from->remote->ctx, what, &id, e);
	if (r >= 0)
		r = use_id(from->s, id, from->a, ret, e);
	return err_wrap(e, r, "stage1 image '%s'", what);
}

static int use_url(
	const struct source *from, const char *url, struct stage1_image *ret, struct err *e)
{
	const char *path = str_after(url, "file://");
	if (!path && from->remote && (str_after(url, "https://") || str_after(url, "http://")))
		return use_remote(from, url, ret, e);
	if (!path)
		return ERR_BAD(e,
			"stage1 image '%s': only https://, http:// and file:// URLs can be read",
			url);
	if (path[0] != '/')
		return ERR_BAD(e, "stage1 image '%s': a file:// URL names an absolute path", url);
	return use_path(from, path, ret, e);
}

/* Whatever the options are: an image that calls itself a stage1 may be any image. */
static int use_ref(
	struct store *s, const char *ref, struct arena *a, struct stage1_image *ret, struct err *e)
{
	struct image image;
	int r = store_resolve_signed(s, ref, a, &image, e);
	if (r >= 0)
		r = use_id(s, image.id, a, ret, e);
	return err_wrap(e, r, "stage1 image '%s'", ref);
}

static int use_name(
	const struct source *from, const char *name, struct stage1_image *ret, struct err *e)
{
	struct err why = ERR_INIT;
	int r = use_ref(from->s, name, from->a, ret, &why);
	if (r != -ENOENT || !from->remote) {
		*e = why;
		return r;
	}
	return use_remote(from, name, ret, e);
}

static int use_from_dir(const struct source *from, const struct config *c, const char *name,
	struct stage1_image *ret, struct err *e)
{
	if (strchr(name, '/') || name[0] == '.')
		return ERR_BAD(
			e, "stage1 image '%s': --stage1-from-dir takes the name of a file", name);
	if (c->stage1_images)
		return use_path(
			from, arena_printf(from->a, "%s/%s", c->stage1_images, name), ret, e);
	_clean_(mem) char *own = NULL;
	int r = self_stage1_image(default_flavor, &own, e);
	if (r < 0)
		return r;
	return use_path(from,
		arena_printf(from->a, "%.*s%s", (int)(path_base(own) - own), own, name), ret, e);
}

static int use_default(struct store *s, struct arena *a, struct stage1_image *ret, struct err *e)
{
	if (stage1_default_id && use_id(s, stage1_default_id, a, ret, e) == 0)
		return 0;
	*e = ERR_INIT; /* not in the store yet */
	_clean_(mem) char *path = NULL;
	int r = self_stage1_image(default_flavor, &path, e);
	return r < 0 ? r : use_own(s, arena_strdup(a, path), a, ret, e);
}

static int use_configured(
	const struct source *from, const struct config *c, struct stage1_image *ret, struct err *e)
{
	if (c->stage1_name) {
		const char *ref = arena_printf(from->a, "%s:%s", c->stage1_name, c->stage1_version);
		if (!c->stage1_location)
			return use_name(from, ref, ret, e);
		int r = use_ref(from->s, ref, from->a, ret, e);
		if (r >= 0)
			return r;
		*e = ERR_INIT;
	}
	return c->stage1_location[0] == '/' ? use_path(from, c->stage1_location, ret, e)
					    : use_url(from, c->stage1_location, ret, e);
}

int stage1_image_resolve(struct store *s, const struct config *c, const struct keystore *ks,
	const struct stage1_choice *choice, bool insecure, struct arena *a,
	struct stage1_image *ret, struct err *e)
{
	const struct source from = { s, ks, insecure, a, choice->remote };
	if (choice->name)
		return use_name(&from, choice->name, ret, e);
	if (choice->hash)
		return use_ref(s, choice->hash, a, ret, e);
	if (choice->path)
		return use_path(&from, choice->path, ret, e);
	if (choice->url)
		return use_url(&from, choice->url, ret, e);
	if (choice->from_dir)
		return use_from_dir(&from, c, choice->from_dir, ret, e);
	if (c->stage1_name || c->stage1_location)
		return use_configured(&from, c, ret, e);
	return use_default(s, a, ret, e);
}

const char *stage1_entry(const struct image_manifest *m, const char *what)
{
	char key[64];
	snprintf(key, sizeof key, STAGE1_ANNOTATION("%s"), what);
	const char *path = nv_get(&m->annotations, key);
	if (!path || path[0] != '/' || strlen(path) >= PATH_MAX)
		return NULL;
	for (const char *p = path; *p; p += strcspn(p, "/")) {
		p += strspn(p, "/");
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2]))
			return NULL;
	}
	return path;
}

int stage1_interface(const struct image_manifest *m, unsigned *ret, struct err *e)
{
	const char *text = nv_get(&m->annotations, STAGE1_ANNOTATION_INTERFACE);
	uint32_t v = 1;
	if (text && !parse_u32(text, 1, 1000, &v))
		return ERR_BAD(
			e, "stage1 image '%s': '%s' is not an interface version", m->name, text);
	if (v > STAGE1_INTERFACE_MAX)
		return ERR_BAD(e,
			"stage1 image '%s' has interface version %u: this rkt knows 1 to %d",
			m->name, v, STAGE1_INTERFACE_MAX);
	*ret = v;
	return 0;
}

bool stage1_read_only(const struct image_manifest *m)
{
	return str_eq(nv_get(&m->annotations, STAGE1_ANNOTATION_READ_ONLY), "true");
}

bool stage1_reports(const struct image_manifest *m)
{
	return str_eq(nv_get(&m->annotations, STAGE1_ANNOTATION_REPORT), "true");
}

bool stage1_enters_privileged(const struct image_manifest *m)
{
	return str_eq(nv_get(&m->annotations, STAGE1_ANNOTATION_PRIVILEGED), "true");
}
