/* SPDX-License-Identifier: Apache-2.0 */
/* What images are called: a line that names one, in every form that there is, then a template of a
 * page for discovery. */
#include "cmd/reference.h"
#include "lib/spec/docker_ref.h"
#include "lib/spec/oci.h"
#include "stage0/remote/discovery.h"
#include "stage0/trust/keystore.h"
#include "tests/fuzz/scratch.h"

static void url_holds(const char *url)
{
	FUZZ_HOLDS(strlen(url) < FETCH_URL_SIZE);
}

static void appc(const char *name, const char *template, struct arena *a)
{
	struct fetch_metas metas = { .n = 1 };
	struct wanted w = { 0 };
	struct endpoint at;
	struct err e = ERR_INIT;
	size_t labels = 0;
	if (store_parse_name(name, a, &w.name, &w.labels, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
		return;
	}
	FUZZ_HOLDS(!strchr(w.name, ','));
	const char *url = template_render(template, &w, "aci", a, &labels);
	if (url)
		url_holds(url);
	if (simple_endpoint("https", &w, a, &at)) {
		url_holds(at.aci);
		FUZZ_HOLDS(!strncmp(at.aci, "https://", 8) && !strpbrk(at.aci + 8, " ?#\\@\n\""));
	}
	snprintf(metas.v[0].prefix, sizeof metas.v[0].prefix, "%.100s", w.name);
	snprintf(metas.v[0].template, sizeof metas.v[0].template, "%.900s", template);
	if (metas_best(&metas, &w, a, &at)) {
		FUZZ_HOLDS(!strncmp(at.aci, "http", 4) && !strncmp(at.asc, "http", 4));
		url_holds(at.asc);
	}
}

/* In full it means itself. */
static void docker(const char *text, struct arena *a)
{
	struct docker_ref ref, again;
	if (!docker_ref_parse(text, a, &ref))
		return;
	FUZZ_HOLDS(*ref.name && strlen(ref.name) <= DOCKER_REF_NAME_MAX);
	FUZZ_HOLDS(!strpbrk(ref.name, " @?#%\\\n") && !strstr(ref.name, "//"));
	FUZZ_HOLDS(ref.tag || ref.digest);
	FUZZ_HOLDS(!ref.tag || strlen(ref.tag) <= DOCKER_REF_TAG_MAX);
	const char *full = arena_printf(a, "%s%s%s%s%s", ref.name, ref.tag ? ":" : "",
		ref.tag ? ref.tag : "", ref.digest ? "@" : "", ref.digest ? ref.digest : "");
	FUZZ_HOLDS(docker_ref_parse(full, a, &again));
	FUZZ_HOLDS(!strcmp(again.name, ref.name) && str_eq(again.tag, ref.tag));
	FUZZ_HOLDS(str_eq(again.digest, ref.digest));
	FUZZ_HOLDS(!strcmp(docker_ref_canonical(ref.name, a), ref.name));
}

static void prefixes(const char *name, const char *prefix)
{
	if (!prefix_valid(prefix))
		return;
	_clean_(mem) char *walked = xasprintf("/%s/", prefix);
	FUZZ_HOLDS(!strstr(walked, "/../") && !strstr(walked, "/./") && !strstr(walked, "//"));
	FUZZ_HOLDS(prefix_covers(prefix, prefix));
	size_t n = strlen(prefix);
	bool covered = !strncmp(name, prefix, n) && (!name[n] || name[n] == '/');
	FUZZ_HOLDS(prefix_covers(prefix, name) == covered);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	_clean_(mem) char *text = fuzz_text(data, size);
	char *rest = text;
	const char *name = scratch_line(&rest), *plain = NULL, *tag = NULL;
	struct err e = ERR_INIT;
	rest[strcspn(rest, "\n")] = '\0';
	if (reference_plain(name, &a, &plain, &e) == 0)
		FUZZ_HOLDS(plain && (plain == name || !strncmp(name, "cimd:", 5)));
	else
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
	appc(plain ? plain : name, rest, &a);
	docker(name, &a);
	prefixes(name, rest);
	if (oci_reference_name(name, &a, &plain, &tag))
		FUZZ_HOLDS(ac_identifier_valid(plain) && *tag);
	return 0;
}
