/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/isolator.h"

#include <string.h>

#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/json/jenc.h"

/* With less the kernel kills a process before it executes anything: its stack, page tables and
 * the first pages of a small program are more. */
enum { MEMORY_MIN = 256 * 1024 };
/* In a pod's group rkt itself may have to stand, where it shares a service with nobody: with
 * version 2 of control groups half of this was too little. */
enum { POD_MEMORY_MIN = 1024 * 1024 };

/* --- quantities ------------------------------------------------------------------------------- */

static const struct {
	const char *suffix;
	int64_t unit; /* in thousandths */
} quantity_units[] = {
	{ "m", 1 },
	{ "", 1000 },
	{ "k", 1000000 },
	{ "K", 1000000 },
	{ "M", 1000000000 },
	{ "G", 1000000000000 },
	{ "T", 1000000000000000 },
	{ "P", 1000000000000000000 },
	{ "Ki", 1000LL << 10 },
	{ "Mi", 1000LL << 20 },
	{ "Gi", 1000LL << 30 },
	{ "Ti", 1000LL << 40 },
	{ "Pi", 1000LL << 50 },
};
/* Too large for thousandths in 64 bits. */
static const struct {
	const char *suffix;
	__int128 unit;
} huge_units[] = {
	{ "E", (__int128)1000000000000000000 * 1000 },
	{ "Ei", (__int128)1000 << 60 },
};

/* The suffix's value in thousandths, 0 when it is none. */
static __int128 unit_of(const char *suffix)
{
	for (size_t i = 0; i < sizeof quantity_units / sizeof *quantity_units; i++)
		if (strcmp(suffix, quantity_units[i].suffix) == 0)
			return quantity_units[i].unit;
	for (size_t i = 0; i < sizeof huge_units / sizeof *huge_units; i++)
		if (strcmp(suffix, huge_units[i].suffix) == 0)
			return huge_units[i].unit;
	return 0;
}

enum { QUANTITY_DIGITS = 18 }; /* of the number, and the largest exponent: 10^36 < 2^127 */

/* "12.5", ".5" or "5." at *s as mantissa / scale; moves past it. */
static bool read_decimal(const char **s, __int128 *mantissa, __int128 *scale)
{
	size_t digits = 0;
	bool point = false;
	*mantissa = 0;
	*scale = 1;
	for (;; ++*s) {
		if (**s == '.' && !point) {
			point = true;
			continue;
		}
		if (**s < '0' || **s > '9')
			break;
		if (++digits > QUANTITY_DIGITS)
			return false;
		*mantissa = *mantissa * 10 + (**s - '0');
		if (point)
			*scale *= 10;
	}
	return digits;
}

/* "e3", "E-2": in thousandths what a suffix is worth, as unit / scale. */
static bool read_exponent(const char *s, __int128 *unit, __int128 *scale)
{
	int64_t exponent;
	if ((*s != 'e' && *s != 'E') || !s[1])
		return false;
	s += 1 + (s[1] == '+' && s[2] != '-');
	if (!parse_i64(s, -QUANTITY_DIGITS, QUANTITY_DIGITS, &exponent))
		return false;
	*unit = 1000;
	for (; exponent > 0; exponent--)
		*unit *= 10;
	for (; exponent < 0; exponent++)
		*scale *= 10;
	return true;
}

int quantity_parse(
	const char *text, bool milli, struct arena *a, struct quantity *ret, struct err *e)
{
	__int128 mantissa, scale, unit;
	const char *p = text;
	if (!read_decimal(&p, &mantissa, &scale) ||
		((unit = unit_of(p)) == 0 && !read_exponent(p, &unit, &scale)))
		return ERR_BAD(e,
			"'%.64s' is not a quantity: a number with a suffix m, K, M, G, T, P, E, "
			"Ki, Mi, Gi, Ti, Pi, Ei, an exponent like e3, or none",
			text);
	/* Whole units are not counted in thousandths without need: the product shall fit. */
	if (!milli && unit % 1000 == 0)
		unit /= 1000;
	else if (!milli)
		scale *= 1000;
	__int128 value;
	bool fits = !__builtin_mul_overflow(mantissa, unit, &value);
	value = fits ? value / scale + (value % scale != 0) : 0;
	if (!fits || value > INT64_MAX)
		return ERR_BAD(e, "quantity '%.64s' is too large", text);
	*ret = (struct quantity){
		.set = true, .value = (int64_t)value, .text = arena_strdup(a, text)
	};
	return 0;
}

/* --- values ----------------------------------------------------------------------------------- */

static int decode_quantity(struct jctx *c, const struct json *v, const struct jpath *at, bool milli,
	struct quantity *q)
{
	if (v->type != JSON_STRING && v->type != JSON_NUMBER)
		return jdec_error(c, at, "expected string, found %s", json_type_name(v->type));
	int r = quantity_parse(v->text, milli, c->arena, q, c->err);
	if (r >= 0)
		return 0;
	char why[sizeof c->err->msg];
	memcpy(why, c->err->msg, sizeof why);
	return jdec_error(c, at, "%s", why);
}

static int decode_milli(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	return decode_quantity(c, v, at, true, target);
}

static int decode_units(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	return decode_quantity(c, v, at, false, target);
}

#define IN(field) offsetof(struct isolator, field)

static const struct jfield cpu_fields[] = {
	{ "default", J_BOOL, IN(resource.is_default) },
	{ "request", J_CUSTOM, IN(resource.request), .decode = decode_milli },
	{ "limit", J_CUSTOM, IN(resource.limit), .decode = decode_milli },
	{ 0 },
};
static const struct jfield resource_fields[] = {
	{ "default", J_BOOL, IN(resource.is_default) },
	{ "request", J_CUSTOM, IN(resource.request), .decode = decode_units },
	{ "limit", J_CUSTOM, IN(resource.limit), .decode = decode_units },
	{ 0 },
};
static const struct jfield set_fields[] = {
	{ "set", J_STRING_ARRAY, IN(set.names), J_REQUIRED },
	{ 0 },
};
static const struct jfield seccomp_fields[] = {
	{ "set", J_STRING_ARRAY, IN(set.names), J_REQUIRED },
	{ "errno", J_STRING, IN(set.errno_name) },
	{ 0 },
};
static const struct jfield selinux_fields[] = {
	{ "user", J_STRING, IN(selinux.user), J_REQUIRED },
	{ "role", J_STRING, IN(selinux.role), J_REQUIRED },
	{ "type", J_STRING, IN(selinux.type), J_REQUIRED },
	{ "level", J_STRING, IN(selinux.level), J_REQUIRED },
	{ 0 },
};
/* Values that are no objects: decoded as the member "value" of the isolator itself. */
static const struct jfield number_fields[] = {
	{ "value", J_I64, IN(number), J_REQUIRED },
	{ 0 },
};
static const struct jfield flag_fields[] = {
	{ "value", J_BOOL, IN(flag), J_REQUIRED },
	{ 0 },
};
static const struct jfield profile_fields[] = {
	{ "value", J_STRING, IN(profile), J_REQUIRED, .check = check_not_empty },
	{ 0 },
};
static const struct jfield sysctl_fields[] = {
	{ "value", J_CUSTOM, IN(sysctl), J_REQUIRED, .decode = string_map_decode },
	{ 0 },
};

static const struct jfield rlimits_fields[] = {
	{ "value", J_CUSTOM, IN(rlimits), J_REQUIRED, .decode = string_map_decode },
	{ 0 },
};

static int check_own_resource(struct jctx *c, const struct jpath *at, const struct isolator *iso)
{
	const struct quantity *request = &iso->resource.request, *limit = &iso->resource.limit;
	if (iso->resource.is_default)
		return jdec_error(c, at, "'default' must be false");
	if (request->set && limit->set && limit->value < request->value)
		return jdec_error(c, at, "the limit %.32s is below the request %.32s", limit->text,
			request->text);
	return 0;
}

/* The kernel divides processors, not processes, by request. */
static int check_pids(struct jctx *c, const struct jpath *at, const struct isolator *iso)
{
	if (iso->resource.request.set)
		return jdec_error(c, at, "'request' is not supported here");
	return check_own_resource(c, at, iso);
}

/* Of all devices or interfaces. */
static int check_shared_resource(struct jctx *c, const struct jpath *at, const struct isolator *iso)
{
	if (!iso->resource.is_default)
		return jdec_error(c, at, "'default' must be true");
	if (iso->resource.request.set)
		return jdec_error(c, at, "'request' is not supported here");
	return 0;
}

static int check_set(struct jctx *c, const struct jpath *at, const struct isolator *iso)
{
	if (iso->set.names.n == 0)
		return jdec_error(c, at, "'set' must not be empty");
	for (size_t i = 0; i < iso->set.names.n; i++)
		if (!*iso->set.names.v[i])
			return jdec_error(c, at, "'set' must not hold an empty name");
	const char *p = iso->set.errno_name;
	for (; p && *p; p++)
		if (!((*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')))
			return jdec_error(c, at, "'%.64s' is not the upper case name of an errno",
				iso->set.errno_name);
	return 0;
}

static int check_cpu_shares(struct jctx *c, const struct jpath *at, const struct isolator *iso)
{
	if (iso->number >= 2 && iso->number <= 262144)
		return 0;
	return jdec_error(c, at, "%lld is not between 2 and 262144", (long long)iso->number);
}

static int check_oom_score(struct jctx *c, const struct jpath *at, const struct isolator *iso)
{
	if (iso->number >= -1000 && iso->number <= 1000)
		return 0;
	return jdec_error(c, at, "%lld is not between -1000 and 1000", (long long)iso->number);
}

static int check_selinux(struct jctx *c, const struct jpath *at, const struct isolator *iso)
{
	const char *const parts[] = { iso->selinux.user, iso->selinux.role, iso->selinux.type };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (!*parts[i] || strchr(parts[i], ':'))
			return jdec_error(
				c, at, "'%.64s' is not a part of an SELinux context", parts[i]);
	if (!*iso->selinux.level)
		return jdec_error(c, at, "the level of an SELinux context must not be empty");
	return 0;
}

/* --- one row a kind --------------------------------------------------------------------------- */

static const struct kind {
	const char *name;
	const struct jfield *fields;
	bool object; /* the fields are those of the value; else the value is the field */
	int (*check)(struct jctx *, const struct jpath *, const struct isolator *);
	enum isolator_kind conflicts; /* ISO_UNKNOWN: with none */
} kinds[_ISO_MAX] = {
#define X(kind, text) [ISO_##kind].name = text,
	ISOLATORS(X)
#undef X
#define KIND(id, table, is_object, checker) \
	[ISO_##id].fields = table, [ISO_##id].object = is_object, [ISO_##id].check = checker
		KIND(CPU, cpu_fields, true, check_own_resource),
	KIND(MEMORY, resource_fields, true, check_own_resource),
	KIND(BLOCK_BANDWIDTH, resource_fields, true, check_shared_resource),
	KIND(BLOCK_IOPS, resource_fields, true, check_shared_resource),
	KIND(NETWORK_BANDWIDTH, resource_fields, true, check_shared_resource),
	KIND(PIDS, resource_fields, true, check_pids),
	KIND(CPU_SHARES, number_fields, false, check_cpu_shares),
	KIND(OOM_SCORE_ADJ, number_fields, false, check_oom_score),
	KIND(NO_NEW_PRIVILEGES, flag_fields, false, NULL),
	KIND(CAPS_RETAIN, set_fields, true, check_set),
	KIND(CAPS_REMOVE, set_fields, true, check_set),
	KIND(SECCOMP_RETAIN, seccomp_fields, true, check_set),
	KIND(SECCOMP_REMOVE, seccomp_fields, true, check_set),
	KIND(SELINUX_CONTEXT, selinux_fields, true, check_selinux),
	KIND(APPARMOR_PROFILE, profile_fields, false, NULL),
	KIND(SYSCTL, sysctl_fields, false, NULL),
	KIND(RLIMITS, rlimits_fields, false, NULL),
	[ISO_CAPS_REMOVE].conflicts = ISO_CAPS_RETAIN,
	[ISO_CAPS_RETAIN].conflicts = ISO_CAPS_REMOVE,
	[ISO_SECCOMP_REMOVE].conflicts = ISO_SECCOMP_RETAIN,
	[ISO_SECCOMP_RETAIN].conflicts = ISO_SECCOMP_REMOVE,
};

static enum isolator_kind kind_find(const char *name)
{
	for (int i = 1; i < _ISO_MAX; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return (enum isolator_kind)i;
	return ISO_UNKNOWN;
}

struct named_value {
	const char *name;
	const struct json *value;
};

static int keep_raw(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	(void)c;
	(void)at;
	*(const struct json **)target = v;
	return 0;
}

static const struct jfield isolator_fields[] = {
	{ "name", J_STRING, offsetof(struct named_value, name), J_REQUIRED,
		.check = check_ac_identifier },
	{ "value", J_CUSTOM, offsetof(struct named_value, value), J_REQUIRED, .decode = keep_raw },
	{ 0 },
};

static int isolator_decode(
	struct jctx *c, const struct json *v, const struct jpath *at, struct isolator *iso)
{
	struct named_value nv = { 0 };
	int r = jdec_object(c, v, at, isolator_fields, J_UNKNOWN_IGNORED, &nv);
	if (r < 0)
		return r;
	iso->kind = kind_find(nv.name);
	iso->name = nv.name;
	iso->raw = nv.value;
	if (iso->kind == ISO_UNKNOWN)
		return 0;
	const struct kind *k = &kinds[iso->kind];
	struct jpath value = { .up = at, .key = "value" };
	r = k->object ? jdec_object(c, nv.value, &value, k->fields, J_UNKNOWN_IGNORED, iso)
		      : jdec_object(c, v, at, k->fields, J_UNKNOWN_IGNORED, iso);
	if (r >= 0 && k->check)
		r = k->check(c, &value, iso);
	return r;
}

int isolators_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target)
{
	struct isolators *l = target;
	bool seen[_ISO_MAX] = { 0 };
	if (v->type != JSON_ARRAY)
		return jdec_error(c, at, "expected array, found %s", json_type_name(v->type));
	if (v->count > ISOLATORS_MAX)
		return jdec_error(c, at, "more than %d isolators", ISOLATORS_MAX);
	l->v = ARENA_ARRAY(c->arena, struct isolator, v->count);
	json_foreach (item, v) {
		struct jpath here = { .up = at, .index = l->n };
		struct isolator *iso = &l->v[l->n];
		int r = isolator_decode(c, item, &here, iso);
		if (r < 0)
			return r;
		l->n++;
		if (iso->kind == ISO_UNKNOWN)
			continue;
		enum isolator_kind other = kinds[iso->kind].conflicts;
		if (seen[iso->kind])
			return jdec_error(c, &here, "duplicate isolator '%s'", iso->name);
		if (other != ISO_UNKNOWN && seen[other])
			return jdec_error(c, &here, "isolator '%s' contradicts '%s'", iso->name,
				kinds[other].name);
		seen[iso->kind] = true;
	}
	return 0;
}

/* --- encoding --------------------------------------------------------------------------------- */

/* Null and "" where Go writes them, for want of omitempty. */
static void encode_quantity(struct jenc *j, const char *key, const struct quantity *q)
{
	jenc_key(j, key);
	if (q->set)
		jenc_string(j, q->text);
	else
		jenc_null(j);
}

static void encode_resource(struct jenc *j, const struct isolator *iso)
{
	jenc_open(j, '{');
	jenc_key(j, "default");
	jenc_bool(j, iso->resource.is_default);
	encode_quantity(j, "request", &iso->resource.request);
	encode_quantity(j, "limit", &iso->resource.limit);
	jenc_close(j, '}');
}

static void encode_caps(struct jenc *j, const struct isolator *iso)
{
	jenc_open(j, '{');
	jenc_key(j, "set");
	strlist_encode(j, &iso->set.names);
	jenc_close(j, '}');
}

static void encode_seccomp(struct jenc *j, const struct isolator *iso)
{
	jenc_open(j, '{');
	jenc_key(j, "set");
	strlist_encode(j, &iso->set.names);
	jenc_key(j, "errno");
	jenc_string(j, iso->set.errno_name ? iso->set.errno_name : "");
	jenc_close(j, '}');
}

static void encode_selinux(struct jenc *j, const struct isolator *iso)
{
	jenc_open(j, '{');
	jenc_member(j, "user", iso->selinux.user);
	jenc_member(j, "role", iso->selinux.role);
	jenc_member(j, "type", iso->selinux.type);
	jenc_member(j, "level", iso->selinux.level);
	jenc_close(j, '}');
}

static void encode_value(struct jenc *j, const struct isolator *iso)
{
	switch (iso->kind) {
	case ISO_CPU:
	case ISO_MEMORY:
	case ISO_BLOCK_BANDWIDTH:
	case ISO_BLOCK_IOPS:
	case ISO_NETWORK_BANDWIDTH:
	case ISO_PIDS: encode_resource(j, iso); break;
	case ISO_CPU_SHARES:
	case ISO_OOM_SCORE_ADJ: jenc_i64(j, iso->number); break;
	case ISO_NO_NEW_PRIVILEGES: jenc_bool(j, iso->flag); break;
	case ISO_CAPS_RETAIN:
	case ISO_CAPS_REMOVE: encode_caps(j, iso); break;
	case ISO_SECCOMP_RETAIN:
	case ISO_SECCOMP_REMOVE: encode_seccomp(j, iso); break;
	case ISO_SELINUX_CONTEXT: encode_selinux(j, iso); break;
	case ISO_APPARMOR_PROFILE: jenc_string(j, iso->profile); break;
	case ISO_SYSCTL: string_map_encode(j, &iso->sysctl); break;
	case ISO_RLIMITS: string_map_encode(j, &iso->rlimits); break;
	case ISO_UNKNOWN:
	case _ISO_MAX: jenc_null(j); break;
	}
}

void isolators_encode(struct jenc *j, const struct isolators *l)
{
	jenc_open(j, '[');
	for (size_t i = 0; i < l->n; i++) {
		const struct isolator *iso = &l->v[i];
		jenc_open(j, '{');
		jenc_key(j, "name");
		jenc_string(j, iso->kind == ISO_UNKNOWN ? iso->name : kinds[iso->kind].name);
		jenc_key(j, "value");
		if (iso->raw)
			jenc_value(j, iso->raw);
		else
			encode_value(j, iso);
		jenc_close(j, '}');
	}
	jenc_close(j, ']');
}

static bool is_resource(const struct isolator *iso)
{
	return iso->kind >= ISO_CPU && iso->kind <= ISO_PIDS;
}

const char *isolator_selinux_text(const struct isolator *iso, struct arena *a)
{
	return arena_printf(a, "%s:%s:%s:%s", iso->selinux.user, iso->selinux.role,
		iso->selinux.type, iso->selinux.level);
}

bool isolator_is_empty(const struct isolator *iso)
{
	return is_resource(iso) && !iso->resource.limit.set && !iso->resource.request.set;
}

static int check_limits(
	const struct isolators *l, int64_t least_memory, const char *flag, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct isolator *iso = &l->v[i];
		if (!is_resource(iso) || !iso->resource.limit.set)
			continue;
		if (iso->resource.limit.value <= 0)
			return ERR_BAD(e, "isolator '%s': limit '%.64s' is not above zero",
				kinds[iso->kind].name, iso->resource.limit.text);
		if (iso->kind == ISO_MEMORY && iso->resource.limit.value < least_memory)
			return ERR_BAD(e,
				"memory limit of %lld bytes too low. Try a reasonable value, such "
				"as --%s=16M",
				(long long)iso->resource.limit.value, flag);
	}
	return 0;
}

int isolators_check_limits(const struct isolators *l, struct err *e)
{
	return check_limits(l, MEMORY_MIN, "memory", e);
}

int isolators_check_pod_limits(const struct isolators *l, struct err *e)
{
	int r = check_limits(l, POD_MEMORY_MIN, "pod-memory", e);
	return r < 0 ? err_wrap(e, r, "limits of the pod") : 0;
}

const struct isolator *isolator_find(const struct isolators *l, enum isolator_kind kind)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].kind == kind)
			return &l->v[i];
	return NULL;
}

void isolator_set(struct arena *a, struct isolators *l, const struct isolator *iso)
{
	struct isolator *grown = ARENA_ARRAY(a, struct isolator, l->n + 1);
	if (l->n)
		memcpy(grown, l->v, l->n * sizeof *grown);
	size_t at = 0;
	while (at < l->n && grown[at].kind != iso->kind)
		at++;
	grown[at] = *iso;
	if (iso->kind != ISO_UNKNOWN)
		grown[at].name = kinds[iso->kind].name;
	l->v = grown;
	l->n += at == l->n;
}
