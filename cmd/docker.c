/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/docker.h"

#include "cmd/judge.h"
#include "cmd/progress.h"
#include "cmd/remote.h"
#include "lib/base/log.h"
#include "stage0/registry/registry.h"

struct pulling {
	struct judge judge;
	struct progress_layers progress;
	const struct registry_ref *ref;
};

static void show(void *ctx, const struct registry_layer *v, size_t n, bool done)
{
	struct pulling *pulling = ctx;
	struct progress_layers *p = &pulling->progress;
	struct progress_bar bars[OCI_LAYERS_MAX];
	for (size_t i = 0; i < n; i++)
		bars[i] = (struct progress_bar){ .name = v[i].hex,
			.bytes = v[i].bytes,
			.total = v[i].total,
			.note = v[i].elsewhere ? "another rkt downloads it" : NULL };
	progress_layers_show(p, bars, n, done);
}

static int accept(void *ctx, struct registry *g, const struct registry_candidate *c, struct err *e)
{
	struct pulling *p = ctx;
	return judge_registry(&p->judge, g, c, e);
}

static bool usable(void *ctx, const struct image *image)
{
	struct pulling *p = ctx;
	struct err why = ERR_INIT;
	return !p->judge.signature && judge_stored(p->judge.s, p->ref, image, &why);
}

static void warn(void *ctx, const struct err *why)
{
	struct pulling *p = ctx;
	cli_report(p->judge.s->cli, why);
}

/* For a member of the group rkt: only the id of *ret. */
static int prefetch(struct session *s, const struct registry_pull *p,
	const struct registry_ref *ref, struct image *ret, struct err *e)
{
	bool here;
	*ret = (struct image){ 0 };
	int r = registry_prefetch(p, ref, &s->cli->arena, &ret->id, &here, e);
	s->downloaded |= r >= 0 && !here;
	return r;
}

static int pull(struct session *s, const struct registry_ref *ref, const char *signature,
	struct image *ret, struct err *e)
{
	unsigned insecure = s->cli->insecure;
	const struct remote remote = { .store = &s->store,
		.auths = &s->config.auths,
		.allow_http = insecure & INSECURE_HTTP,
		.no_tls_check = insecure & INSECURE_TLS,
		.insecure = insecure & INSECURE_IMAGE,
		.signature_fd = -1 };
	struct pulling pulling = { .judge = { s, signature, &remote },
		.progress = progress_layers_begin(s->cli->quiet),
		.ref = ref };
	const struct import_options import = judge_options(&pulling.judge, ref->text);
	const struct registry_pull p = {
		.o = { .remote = &remote, .docker_auths = &s->config.docker_auths },
		.import = &import,
		.accept = accept,
		.usable = usable,
		.progress = show,
		.warn = warn,
		.ctx = &pulling,
	};
	int r = s->store.member ? prefetch(s, &p, ref, ret, e)
				: registry_pull(&p, ref, &s->cli->arena, ret, e);
	s->judged |= r >= 0;
	return r;
}

static int fetch(struct session *s, const char *text, const char *signature, struct image *ret,
	struct err *e)
{
	const char *policy = pull_policy(s->cli);
	struct registry_ref ref;
	int r = registry_ref_parse(text, &s->cli->arena, &ref, e);
	if (r < 0)
		return r;
	bool never = str_eq(policy, "never");
	/* A signature that the user names is looked at by whoever fetches. */
	if (never || (!str_eq(policy, "update") && !signature)) {
		r = registry_stored(&s->store, &ref, &s->cli->arena, ret, e);
		struct err why = ERR_INIT;
		bool mine = r >= 0 && judge_stored(s, &ref, ret, &why);
		if (mine)
			dbg("image: using image from local store for '%s'", ref.text);
		if (mine)
			return r;
		if (r >= 0 && never)
			return *e = why,
			       err_wrap(e, -EPERM,
				       "it is in the store, and nothing else may be asked");
		if (never)
			return ERR_NOENT(
				e, "it is not in the store, and nothing else may be asked");
	}
	return pull(s, &ref, signature, ret, e);
}

int docker_image(
	struct session *s, const char *ref, const char *signature, struct image *ret, struct err *e)
{
	int r = fetch(s, ref, signature, ret, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", ref) : r;
}

int docker_stored(struct session *s, const char *ref, struct image *ret, struct err *e)
{
	struct registry_ref parsed;
	int r = registry_ref_parse(ref, &s->cli->arena, &parsed, e);
	if (r >= 0)
		r = registry_stored(&s->store, &parsed, &s->cli->arena, ret, e);
	if (r == -ENOENT)
		r = ERR_NOENT(e, "it is not in the store");
	return r < 0 ? err_wrap(e, r, "image '%s'", ref) : r;
}
