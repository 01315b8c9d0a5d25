/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/isolators.h"

#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/parse.h"
#include "lib/fs/io.h"
#include "lib/sys/caps.h"
#include "lib/sys/filter_list.h"
#include "lib/sys/lsm.h"
#include "lib/sys/rlimits.h"
#include "lib/sys/sysctl.h"

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

static int check_rlimits(const struct isolator *iso, struct err *e)
{
	struct rlimit_wish ignored;
	int r = 0;
	for (size_t i = 0; i < iso->rlimits.n && r >= 0; i++)
		r = rlimit_parse(iso->rlimits.v[i].name, iso->rlimits.v[i].value, &ignored, e);
	return r;
}

static int check_selinux(const struct isolator *iso, struct err *e)
{
	_clean_(arena) struct arena a = ARENA_INIT;
	return lsm_selinux_check(isolator_selinux_text(iso, &a), e);
}

static int check_apparmor(const struct isolator *iso, struct err *e)
{
	return lsm_apparmor_check(iso->profile, e);
}

static int check_sysctls(const struct isolator *iso, struct err *e)
{
	enum sysctl_space ignored;
	int r = 0;
	for (size_t i = 0; i < iso->sysctl.n && r >= 0; i++)
		r = sysctl_check(iso->sysctl.v[i].name, iso->sysctl.v[i].value, &ignored, e);
	return r;
}

static int (*const checks[_ISO_MAX])(const struct isolator *, struct err *) = {
	[ISO_CAPS_RETAIN] = check_caps,
	[ISO_CAPS_REMOVE] = check_caps,
	[ISO_SECCOMP_RETAIN] = check_seccomp,
	[ISO_SECCOMP_REMOVE] = check_seccomp,
	[ISO_RLIMITS] = check_rlimits,
	[ISO_SELINUX_CONTEXT] = check_selinux,
	[ISO_APPARMOR_PROFILE] = check_apparmor,
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
	int r = app ? isolators_check_limits(&app->isolators, e) : 0;
	return app && r >= 0 ? check(&app->isolators, e) : r;
}

/* Each reaches the host's files or kernel from within a pod that has the host's users. */
static const uint64_t as_good_as_root = CAP_BIT(SYS_ADMIN) | CAP_BIT(SYS_PTRACE) |
					CAP_BIT(SYS_MODULE) | CAP_BIT(SYS_RAWIO) |
					CAP_BIT(DAC_READ_SEARCH) | CAP_BIT(BPF);

int isolators_check_image(const struct app *app, struct err *e)
{
	const struct isolator *iso = app ? isolator_find(&app->isolators, ISO_CAPS_RETAIN) : NULL;
	struct err unknown = ERR_INIT; /* which isolators_check() tells of */
	uint64_t mask = 0;
	if (!iso || caps_parse(iso->set.names.v, iso->set.names.n, &mask, &unknown) < 0)
		return 0;
	mask &= as_good_as_root;
	if (!mask)
		return 0;
	const char *name = cap_name((unsigned)__builtin_ctzll(mask));
	return ERR_DENY(e,
		"the image asks for %s, which is as good as root of the host: --caps-retain=%s,... "
		"grants it, --private-users makes it harmless",
		name, name);
}

static bool names_limit(const struct strlist *texts, const char *name)
{
	const size_t n = strlen(name);
	for (size_t i = 0; i < texts->n; i++)
		if (strncmp(texts->v[i], name, n) == 0 && texts->v[i][n] == '=')
			return true;
	return false;
}

static int check_image_rlimit(const struct nv *nv, struct err *e)
{
	struct rlimit_wish wish;
	struct err unknown = ERR_INIT; /* which isolators_check() tells of */
	if (rlimit_parse(nv->name, nv->value, &wish, &unknown) < 0)
		return 0;
	int r = rlimit_clamp(&wish, false, e);
	return r <= 0 ? r
		      : ERR_DENY(e,
				"the image asks for the limit %s of '%.64s', above %llu, which is "
				"rkt's own: --rlimit=%s=... grants it",
				nv->name, nv->value, (unsigned long long)wish.hard, nv->name);
}

static int check_image_score(const struct app *app, struct err *e)
{
	const struct isolator *iso = isolator_find(&app->isolators, ISO_OOM_SCORE_ADJ);
	char text[16];
	int64_t own;
	if (!iso)
		return 0;
	int r = io_read_line(AT_FDCWD, "/proc/self/oom_score_adj", text, sizeof text, e);
	if (r < 0 || !parse_i64(text, -1000, 1000, &own) || iso->number >= own)
		return r;
	return ERR_DENY(e,
		"the image asks for an OOM score of %lld, below %lld, which is rkt's own: "
		"--oom-score-adj=%lld grants it",
		(long long)iso->number, (long long)own, (long long)iso->number);
}

int isolators_check_image_limits(
	const struct app *app, const struct strlist *rlimits, bool score, struct err *e)
{
	const struct isolator *iso = app ? isolator_find(&app->isolators, ISO_RLIMITS) : NULL;
	int r = app && !score ? check_image_score(app, e) : 0;
	for (size_t i = 0; iso && i < iso->rlimits.n && r >= 0; i++)
		if (!names_limit(rlimits, iso->rlimits.v[i].name))
			r = check_image_rlimit(&iso->rlimits.v[i], e);
	return r;
}

int isolators_check(const struct pod_manifest *m, struct err *e)
{
	const struct isolator *sysctls = isolator_find(&m->isolators, ISO_SYSCTL);
	int r = check(&m->isolators, e);
	if (r >= 0 && sysctls && (r = check_sysctls(sysctls, e)) < 0)
		err_wrap(e, r, "isolator '%s'", sysctls->name);
	for (size_t i = 0; i < m->n_apps && r >= 0; i++)
		if ((r = isolators_check_app(m->apps[i].app, e)) < 0)
			err_wrap(e, r, "app '%s'", m->apps[i].name);
	return r;
}

int isolators_check_spaces(
	const struct pod_manifest *m, bool host_network, bool host_ipc, struct err *e)
{
	const struct isolator *iso = isolator_find(&m->isolators, ISO_SYSCTL);
	for (size_t i = 0; iso && i < iso->sysctl.n; i++) {
		const char *name = iso->sysctl.v[i].name;
		enum sysctl_space space;
		int r = sysctl_check(name, iso->sysctl.v[i].value, &space, e);
		if (r < 0)
			return err_wrap(e, r, "isolator '%s'", iso->name);
		if (space == SYSCTL_NET && host_network)
			return ERR_DENY(
				e, "sysctl '%s' would be the host's, with --net=host", name);
		if (space == SYSCTL_IPC && host_ipc)
			return ERR_DENY(
				e, "sysctl '%s' would be the host's, with --ipc=parent", name);
	}
	return 0;
}

static int set_pairs(struct arena *a, struct nvlist *l, const struct strlist *texts,
	const char *flag, const char *form, struct err *e)
{
	for (size_t i = 0; i < texts->n; i++) {
		const char *text = texts->v[i], *eq = strchr(text, '=');
		if (!eq || eq == text || !utf8_valid(text))
			return ERR_BAD(e, "--%s '%s': %s wanted", flag, text, form);
		nv_set(a, l, arena_strndup(a, text, (size_t)(eq - text)), arena_strdup(a, eq + 1));
	}
	return 0;
}

int isolators_set_sysctls(
	struct arena *a, struct isolators *l, const struct strlist *texts, struct err *e)
{
	const struct isolator *old = isolator_find(l, ISO_SYSCTL);
	struct isolator iso = { .kind = ISO_SYSCTL };
	if (!texts->n)
		return 0;
	if (old)
		nv_copy(a, &iso.sysctl, &old->sysctl);
	int r = set_pairs(a, &iso.sysctl, texts, "sysctl", "NAME=VALUE", e);
	if (r >= 0 && (r = check_sysctls(&iso, e)) < 0)
		err_wrap(e, r, "--sysctl");
	if (r >= 0)
		isolator_set(a, l, &iso);
	return r;
}

int isolators_set_rlimits(
	struct arena *a, struct isolators *l, const struct strlist *texts, struct err *e)
{
	const struct isolator *old = isolator_find(l, ISO_RLIMITS);
	struct isolator iso = { .kind = ISO_RLIMITS };
	if (!texts->n)
		return 0;
	if (old)
		nv_copy(a, &iso.rlimits, &old->rlimits);
	int r = set_pairs(a, &iso.rlimits, texts, "rlimit", "NAME=SOFT[:HARD]", e);
	if (r >= 0 && (r = check_rlimits(&iso, e)) < 0)
		err_wrap(e, r, "--rlimit");
	if (r >= 0)
		isolator_set(a, l, &iso);
	return r;
}
