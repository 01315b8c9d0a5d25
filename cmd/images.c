/* SPDX-License-Identifier: Apache-2.0 */
/* rkt fetch, image rm, gc, cat-manifest, extract, render, export, verify. */
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "cmd/depends.h"
#include "cmd/docker.h"
#include "cmd/outfile.h"
#include "cmd/reference.h"
#include "cmd/remote.h"
#include "cmd/session.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "stage0/registry/registry.h"
#include "stage0/trust/accept.h"

#define NS 1000000000LL

typedef int (*image_fn)(struct session *s, const char *ref, struct err *e);

/* An image of the store by its id, its name, or what a registry was asked for. */
static int stored(struct session *s, const char *ref, struct image *ret, struct err *e)
{
	int r = reference_plain(ref, &s->cli->arena, &ref, e);
	if (r < 0)
		return r;
	return registry_is_ref(ref) ? docker_stored(s, ref, ret, e)
				    : session_stored(s, ref, ret, e);
}

/* Does `fn` to every image that the arguments name, past those that fail. */
static int each_image(struct session *s, image_fn fn)
{
	const struct strlist *args = &s->cli->args;
	int status = EXIT_OK;
	for (size_t i = 0; i < args->n; i++) {
		struct err e = ERR_INIT;
		if (fn(s, args->v[i], &e) < 0) {
			cli_report(s->cli, &e);
			status = EXIT_ERROR;
		}
	}
	return status;
}

static int print_id(struct session *s, const char *id)
{
	printf("%s\n", id_text(&s->cli->arena, id, s->cli->full ? ID_FULL : ID_SHORT));
	return 0;
}

static int fetch_one(struct session *s, const char *ref, struct err *e)
{
	struct image image;
	struct image_manifest *m;
	struct treeref tree;
	const char *together;
	struct arena *a = &s->cli->arena;
	int r = session_image(s, ref, s->cli->signature, &image, e);
	if (r < 0)
		return r;
	if (s->store.member)
		return print_id(s, image.id);
	/* Rendered now, so that the first pod need not wait for it. */
	r = store_tree(&s->store, image.id, &tree, e);
	if (r >= 0) {
		treeref_release(&tree);
		r = store_manifest(&s->store, image.id, a, &m, e);
	}
	if (r >= 0)
		r = session_tree(s, &image, m, pull_policy(s->cli), &together, e);
	if (r < 0)
		return err_wrap(e, r, "image '%s'", ref);
	return print_id(s, image.id);
}

int cmd_fetch(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	if (cli->signature && cli->args.n > 1)
		return ERR_BAD(e, "--signature is of one image: fetch one at a time");
	if (!cli->pull_policy)
		cli->pull_policy = "update";
	int r = session_open(&s, cli, WITH_STORE, e);
	if (r < 0)
		return r;
	int status = each_image(&s, fetch_one);
	if (s.downloaded && !cli->quiet)
		fputs("fetch: downloaded; root's next command that uses it verifies and unpacks "
		      "it\n",
			stderr);
	return status;
}

static int rm_one(struct session *s, const char *ref, struct err *e)
{
	struct image image;
	int r = stored(s, ref, &image, e);
	if (r < 0)
		return r;
	r = store_remove(&s->store, image.id, pods_use_tree, &s->pods, e);
	if (r < 0)
		return err_wrap(e, r, "image '%s'", ref);
	printf("successfully removed aci for image: \"%s\"\n",
		id_text(&s->cli->arena, image.id, ID_FULL));
	return 0;
}

int cmd_image_rm(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	int r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
	if (r < 0)
		return r;
	int status = EXIT_OK;
	size_t removed = 0;
	for (size_t i = 0; i < cli->args.n; i++) {
		struct err one = ERR_INIT;
		r = rm_one(&s, cli->args.v[i], &one);
		if (r < 0)
			cli_report(cli, &one);
		/* What is not there needs no removing: no failure, as in rkt. */
		if (r < 0 && r != -ENOENT)
			status = EXIT_ERROR;
		removed += r >= 0;
	}
	if (removed)
		fprintf(stderr, "rm: %zu image(s) successfully removed\n", removed);
	return status;
}

static void say_removed(void *ctx, const char *id)
{
	(void)ctx;
	printf("successfully removed aci for image: \"%.*s\"\n", (int)strlen("sha512-") + ID_FULL,
		id);
}

int cmd_image_gc(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	int r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
	if (r >= 0)
		r = store_gc(
			&s.store, cli->grace_period / NS, pods_use_tree, &s.pods, say_removed, e);
	return r < 0 ? r : EXIT_OK;
}

int cmd_image_cat_manifest(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct image image;
	struct image_manifest *m;
	int r = session_open(&s, cli, WITH_STORE, e);
	if (r >= 0)
		r = stored(&s, cli->args.v[0], &image, e);
	if (r >= 0)
		r = store_manifest(&s.store, image.id, &cli->arena, &m, e);
	if (r < 0)
		return r;
	image_manifest_encode(m, cli->pretty_print, &out);
	printf("%s\n", str_text(&out));
	return EXIT_OK;
}

/* whole: the image must be all of what its app would see. */
static int copy_out(struct cli *cli, bool whole, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	struct image image;
	struct image_manifest *m;
	const char *tree = NULL;
	struct outdir out = OUTDIR_INIT;
	int r = session_open(&s, cli, WITH_STORE, e);
	if (r >= 0)
		r = stored(&s, cli->args.v[0], &image, e);
	if (r >= 0)
		r = store_manifest(&s.store, image.id, &cli->arena, &m, e);
	if (r >= 0 && whole)
		r = err_wrap(e, session_tree(&s, &image, m, "never", &tree, e), "image '%s'",
			cli->args.v[0]);
	if (r >= 0)
		r = outdir_create(&out, cli->args.v[1], cli->overwrite, e);
	if (r >= 0)
		r = store_extract(&s.store, tree ? tree : image.id, out.fd, cli->rootfs_only, e);
	if (r >= 0)
		r = outdir_commit(&out, e);
	outdir_discard(&out);
	return r < 0 ? r : EXIT_OK;
}

int cmd_image_extract(struct cli *cli, struct err *e)
{
	return copy_out(cli, false, e);
}

int cmd_image_render(struct cli *cli, struct err *e)
{
	return copy_out(cli, true, e);
}

int cmd_image_export(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	struct image image;
	struct outfile out = OUTFILE_INIT;
	int r = session_open(&s, cli, WITH_STORE, e);
	if (r >= 0)
		r = stored(&s, cli->args.v[0], &image, e);
	if (r >= 0)
		r = outfile_create(&out, cli->args.v[1], cli->overwrite, e);
	if (r >= 0)
		r = store_export(&s.store, image.id, out.fd, e);
	if (r >= 0)
		r = outfile_commit(&out, e);
	outfile_discard(&out);
	return r < 0 ? r : EXIT_OK;
}

/* Is whoever signed it still trusted? */
static int verify_signer(
	struct session *s, const struct image *image, const char *ref, struct err *e)
{
	const struct keystore ks = session_keystore(s);
	if (!image->verified)
		return 0;
	int r = accept_still_holds(&ks, image, &s->cli->arena, e);
	if (r < 0)
		return err_wrap(e, r, "image '%s'", ref);
	if (r == 0)
		return err_wrap(e, -EPERM, "image '%s'", ref);
	printf("signed by a trusted key: \"%s\" (%s)\n", ref, image->verified->key);
	return 0;
}

static int verify_one(struct session *s, const char *ref, struct err *e)
{
	struct image image;
	int r = stored(s, ref, &image, e);
	if (r < 0)
		return r;
	r = store_verify(&s->store, image.id, e);
	if (r >= 0) {
		int sound = session_verify_rendered(s, &image, e);
		r = sound < 0 ? sound : r & sound;
	}
	if (r < 0)
		return err_wrap(e, r, "image '%s'", ref);
	const char *id = id_text(&s->cli->arena, image.id, ID_FULL);
	if (r == 0)
		printf("tree cache verification failed for image \"%s\" (\"%s\"): repaired\n", ref,
			id);
	printf("successfully verified checksum for image: \"%s\" (\"%s\")\n", ref, id);
	return verify_signer(s, &image, ref, e);
}

int cmd_image_verify(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	int r = session_open(&s, cli, WITH_STORE, e);
	return r < 0 ? r : each_image(&s, verify_one);
}
