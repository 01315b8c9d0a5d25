/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/docker.h"

#include "cmd/progress.h"
#include "cmd/remote.h"
#include "lib/base/log.h"
#include "stage0/registry/registry.h"

static void show(void *ctx, const struct registry_layer *v, size_t n, bool done)
{
	struct progress_layers *p = ctx;
	struct progress_bar bars[OCI_LAYERS_MAX];
	for (size_t i = 0; i < n; i++)
		bars[i] = (struct progress_bar){ .name = v[i].hex,
			.bytes = v[i].bytes,
			.total = v[i].total,
			.note = v[i].elsewhere ? "another rkt downloads it" : NULL };
	progress_layers_show(p, bars, n, done);
}

static int pull(struct session *s, const struct registry_ref *ref, struct image *ret, struct err *e)
{
	unsigned insecure = s->cli->insecure;
	const struct remote remote = { .store = &s->store,
		.auths = &s->config.auths,
		.allow_http = insecure & INSECURE_HTTP,
		.no_tls_check = insecure & INSECURE_TLS,
		.insecure = insecure & INSECURE_IMAGE,
		.signature_fd = -1 };
	const struct import_options import = { .insecure = true, .source = ref->text };
	struct progress_layers progress = progress_layers_begin(s->cli->quiet);
	const struct registry_pull p = {
		.o = { .remote = &remote, .docker_auths = &s->config.docker_auths },
		.import = &import,
		.progress = show,
		.ctx = &progress,
	};
	int r = session_check_trust(s, e);
	return r < 0 ? r : registry_pull(&p, ref, &s->cli->arena, ret, e);
}

static int fetch(struct session *s, const char *text, const char *signature, struct image *ret,
	struct err *e)
{
	const char *policy = pull_policy(s->cli);
	struct registry_ref ref;
	int r = registry_ref_parse(text, &s->cli->arena, &ref, e);
	if (r < 0)
		return r;
	if (signature)
		return ERR_BAD(e,
			"--signature is for images of appc: those of registries have their "
			"signatures with them");
	if (!str_eq(policy, "update")) {
		r = registry_stored(&s->store, &ref, &s->cli->arena, ret, e);
		if (r >= 0)
			dbg("image: using image from local store for '%s'", ref.text);
		if (r >= 0)
			return r;
		if (str_eq(policy, "never"))
			return ERR_NOENT(
				e, "it is not in the store, and nothing else may be asked");
	}
	return pull(s, &ref, ret, e);
}

int docker_image(
	struct session *s, const char *ref, const char *signature, struct image *ret, struct err *e)
{
	int r = fetch(s, ref, signature, ret, e);
	return r < 0 ? err_wrap(e, r, "image '%s'", ref) : r;
}
