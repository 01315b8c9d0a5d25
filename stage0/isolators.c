/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/isolators.h"

#include "lib/base/cleanup.h"
#include "lib/sys/caps.h"
#include "lib/sys/filter_list.h"

static int check_caps(const struct isolator *iso, struct err *e)
{
	uint64_t ignored;
	return caps_parse(iso->set.names.v, iso->set.names.n, &ignored, e);
}

static int check_seccomp(const struct isolator *iso, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	const struct filter_list list = { iso->kind == ISO_SECCOMP_RETAIN, iso->set.names.v,
		iso->set.names.n, iso->set.errno_name };
	struct sock_fprog ignored;
	return filter_compile(&list, &a, &ignored, e);
}

static int (*const checks[_ISO_MAX])(const struct isolator *, struct err *) = {
	[ISO_CAPS_RETAIN] = check_caps,
	[ISO_CAPS_REMOVE] = check_caps,
	[ISO_SECCOMP_RETAIN] = check_seccomp,
	[ISO_SECCOMP_REMOVE] = check_seccomp,
};

static int check(const struct isolators *l, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct isolator *iso = &l->v[i];
		int r = (unsigned)iso->kind < _ISO_MAX && checks[iso->kind]
				? checks[iso->kind](iso, e)
				: 0;
		if (r < 0)
			return err_wrap(e, r, "isolator '%s'", iso->name);
	}
	return 0;
}

int isolators_check_app(const struct app *app, struct err *e)
{
	return app ? check(&app->isolators, e) : 0;
}

int isolators_check(const struct pod_manifest *m, struct err *e)
{
	int r = check(&m->isolators, e);
	for (size_t i = 0; i < m->n_apps && r >= 0; i++)
		if ((r = isolators_check_app(m->apps[i].app, e)) < 0)
			err_wrap(e, r, "app '%s'", m->apps[i].name);
	return r;
}
