/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>

#include "lib/fs/io.h"
#include "lib/json/jenc.h"
#include "lib/spec/isolator.h"
#include "tests/unit/unit.h"

static struct arena arena;
static struct err e;

static int decode(const char *text, struct isolators *ret)
{
	struct json *v;
	struct jctx c = { &arena, &e };
	struct jpath at = { .key = "isolators" };
	e = ERR_INIT;
	*ret = (struct isolators){ 0 };
	ck_assert_int_eq(json_parse(text, strlen(text), &arena, &v, &e), 0);
	return isolators_decode(&c, v, &at, ret);
}

static const char *encode(const struct isolators *l)
{
	static struct str out = STR_INIT(STR_MAX_LINE);
	str_clear(&out);
	struct jenc j = JENC_INIT(&out, false);
	isolators_encode(&j, l);
	return str_text(&out);
}

START_TEST(quantities)
{
	static const struct {
		const char *text;
		bool milli;
		int64_t value;
	} good[] = {
		{ "0", false, 0 },
		{ "128974848", false, 128974848 },
		{ "125952Ki", false, 128974848 },
		{ "123Mi", false, 128974848 },
		{ "1K", false, 1000 },
		{ "1k", false, 1000 },
		{ "2M", false, 2000000 },
		{ "3G", false, 3000000000 },
		{ "4T", false, 4000000000000 },
		{ "5P", false, 5000000000000000 },
		{ "6E", false, 6000000000000000000 },
		{ "1Gi", false, 1073741824 },
		{ "1Ti", false, 1099511627776 },
		{ "1Pi", false, 1125899906842624 },
		{ "7Ei", false, 8070450532247928832 },
		{ "1.5Gi", false, 1610612736 },
		{ "1500m", false, 2 },
		{ "0.1", false, 1 },
		{ "500m", true, 500 },
		{ "1", true, 1000 },
		{ "0.3", true, 300 },
		{ "2.5", true, 2500 },
		{ "0.0001", true, 1 },
		{ "1K", true, 1000000 },
		/* As Kubernetes has them, and so rkt: */
		{ ".5", true, 500 },
		{ "1.", true, 1000 },
		{ "1e3", false, 1000 },
		{ "1E3", false, 1000 },
		{ "1.5e+2", false, 150 },
		{ "25E-2", true, 250 },
		{ "25e-2", false, 1 },
		{ "0e18", false, 0 },
		{ "9e18", false, 9000000000000000000 },
		{ "1e-18", false, 1 },
		{ "7.99999999999999999Ei", false, 9223372036854775797 },
	};
	static const char *const bad[] = { "", "m", "Ki", "-1", "+1", ".", "1..2", "1.2.3", ".Ki",
		"1 Ki", " 1", "1ki", "1mi", "1KB", "0x10", "1KiB", "8Ei", "10E",
		"9223372036854775808", "99999999999999999999", "1Z", "\xc2\xb5", "1e", "e3", "1e+",
		"1e+-1", "1e--1", "1e1.5", "1e3K", "1e19", "10e18", "1e99999999999999999999",
		/* more than 128 bits, before they are thousandths */
		"999999999999999999Ei", "999999999999999999E", "295147905179352826Ei" };
	struct quantity q;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		ck_assert_msg(quantity_parse(good[i].text, good[i].milli, &arena, &q, &e) == 0,
			"'%s': %s", good[i].text, e.msg);
		ck_assert(q.set);
		ck_assert_msg(
			q.value == good[i].value, "'%s' is %lld", good[i].text, (long long)q.value);
		ck_assert_str_eq(q.text, good[i].text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(
			quantity_parse(bad[i], false, &arena, &q, &e) < 0, "accepted '%s'", bad[i]);
	ck_assert(quantity_parse("9223372036854776", true, &arena, &q, &e) < 0);
	ck_assert(quantity_parse("295147905179352826Ei", true, &arena, &q, &e) < 0);
}
END_TEST

#define ISO(name, value) "{\"name\":\"" name "\",\"value\":" value "}"

/* The golden file holds one isolator of each kind, one a line; without the line ends it is what the
 * encoder writes. */
static const char *every_kind(void)
{
	struct str file = STR_INIT(STR_MAX_LINE);
	char *text = arena_alloc(&arena, STR_MAX_LINE, 1), *out = text;
	ck_assert_int_eq(io_read_file(AT_FDCWD, "tests/unit/data/isolators.json", &file, &e), 0);
	for (const char *p = str_text(&file); *p; p++)
		if (*p != '\n')
			*out++ = *p;
	str_release(&file);
	return text;
}

static void check_every_kind(const struct isolators *l)
{
	ck_assert_int_eq(isolator_find(l, ISO_CPU)->resource.request.value, 250);
	ck_assert_int_eq(isolator_find(l, ISO_CPU)->resource.limit.value, 500);
	ck_assert_int_eq(isolator_find(l, ISO_MEMORY)->resource.limit.value, 1000000000);
	ck_assert(!isolator_find(l, ISO_MEMORY)->resource.request.set);
	ck_assert(isolator_find(l, ISO_BLOCK_BANDWIDTH)->resource.is_default);
	ck_assert_int_eq(isolator_find(l, ISO_BLOCK_IOPS)->resource.limit.value, 1000);
	ck_assert_ptr_nonnull(isolator_find(l, ISO_NETWORK_BANDWIDTH));
	ck_assert_int_eq(isolator_find(l, ISO_CPU_SHARES)->number, 512);
	ck_assert_int_eq(isolator_find(l, ISO_OOM_SCORE_ADJ)->number, -999);
	ck_assert(isolator_find(l, ISO_NO_NEW_PRIVILEGES)->flag);
	ck_assert(strlist_has(&isolator_find(l, ISO_CAPS_RETAIN)->set.names, "CAP_CHOWN"));
	ck_assert_ptr_null(isolator_find(l, ISO_CAPS_REMOVE));
	ck_assert_str_eq(isolator_find(l, ISO_SECCOMP_REMOVE)->set.errno_name, "ENOTSUP");
	ck_assert_str_eq(isolator_find(l, ISO_SELINUX_CONTEXT)->selinux.level, "s0:c1-s1:c2");
	ck_assert_str_eq(isolator_find(l, ISO_APPARMOR_PROFILE)->profile, "web");
	ck_assert_str_eq(nv_get(&isolator_find(l, ISO_SYSCTL)->sysctl, "net.b"), "2");
}

START_TEST(every_kind_is_typed)
{
	struct isolators l, again;
	ck_assert_msg(decode(every_kind(), &l) == 0, "%s", unit_message(&e));
	ck_assert_uint_eq(l.n, 14);
	check_every_kind(&l);
	ck_assert_int_eq(l.v[13].kind, ISO_UNKNOWN);
	ck_assert_str_eq(encode(&l), every_kind());

	/* As if flags had made them: written from the typed values alone. */
	for (size_t i = 0; i + 1 < l.n; i++)
		l.v[i].raw = NULL;
	const char *text = arena_strdup(&arena, encode(&l));
	ck_assert_msg(decode(text, &again) == 0, "%s: %s", text, unit_message(&e));
	ck_assert_uint_eq(again.n, 14);
	check_every_kind(&again);
}
END_TEST

START_TEST(forms_of_the_schema)
{
	struct isolators l = { 0 };
	struct isolator memory = { .kind = ISO_MEMORY };
	quantity_parse("128M", false, &arena, &memory.resource.request, &e);
	memory.resource.limit = memory.resource.request;
	isolator_set(&arena, &l, &memory);
	struct isolator caps = { .kind = ISO_CAPS_REMOVE };
	strlist_add(&arena, &caps.set.names, "CAP_MKNOD");
	isolator_set(&arena, &l, &caps);
	quantity_parse("1G", false, &arena, &memory.resource.limit, &e);
	isolator_set(&arena, &l, &memory);
	struct isolator seccomp = { .kind = ISO_SECCOMP_REMOVE, .set.names = caps.set.names };
	isolator_set(&arena, &l, &seccomp);
	ck_assert_uint_eq(l.n, 3);
	ck_assert_str_eq(encode(&l),
		"[{\"name\":\"resource/memory\",\"value\":{\"default\":false,\"request\":\"128M\","
		"\"limit\":\"1G\"}},{\"name\":\"os/linux/capabilities-remove-set\",\"value\":"
		"{\"set\":[\"CAP_MKNOD\"]}},{\"name\":\"os/linux/seccomp-remove-set\",\"value\":"
		"{\"set\":[\"CAP_MKNOD\"],\"errno\":\"\"}}]");
}
END_TEST

static const struct {
	const char *text, *message;
} refused[] = {
	{ "{}", "isolators: expected array, found object" },
	{ "[1]", "isolators[0]: expected object, found number" },
	{ "[{\"value\":1}]", "isolators[0].name: missing" },
	{ "[{\"name\":\"x\"}]", "isolators[0].value: missing" },
	{ "[" ISO("resource/cpu", "1") "]", "isolators[0].value: expected object, found number" },
	{ "[" ISO("resource/cpu", "{\"limit\":true}") "]",
		"isolators[0].value.limit: expected string, found boolean" },
	{ "[" ISO("resource/cpu", "{\"limit\":\"x\"}") "]",
		"isolators[0].value.limit: 'x' is not a quantity" },
	{ "[" ISO("resource/memory", "{\"default\":true}") "]",
		"isolators[0].value: 'default' must be false" },
	{ "[" ISO("resource/memory", "{\"request\":\"2M\",\"limit\":\"1Mi\"}") "]",
		"isolators[0].value: the limit 1Mi is below the request 2M" },
	{ "[" ISO("resource/block-iops", "{\"limit\":\"1\"}") "]",
		"isolators[0].value: 'default' must be true" },
	{ "[" ISO("resource/network-bandwidth", "{\"default\":true,\"request\":\"1\"}") "]",
		"isolators[0].value: 'request' is not supported here" },
	{ "[" ISO("os/linux/cpu-shares", "1") "]", "isolators[0].value: 1 is not between" },
	{ "[" ISO("os/linux/cpu-shares", "\"5\"") "]",
		"isolators[0].value: expected number, found string" },
	{ "[" ISO("os/linux/oom-score-adj", "1001") "]",
		"isolators[0].value: 1001 is not between" },
	{ "[" ISO("os/linux/no-new-privileges", "1") "]",
		"isolators[0].value: expected boolean, found number" },
	{ "[" ISO("os/linux/capabilities-retain-set", "{\"set\":[]}") "]",
		"isolators[0].value: 'set' must not be empty" },
	{ "[" ISO("os/linux/capabilities-retain-set", "{}") "]",
		"isolators[0].value.set: missing" },
	{ "[" ISO("os/linux/seccomp-retain-set", "{\"set\":[\"\"]}") "]",
		"isolators[0].value: 'set' must not hold an empty name" },
	{ "[" ISO("os/linux/seccomp-retain-set", "{\"set\":[\"read\"],\"errno\":\"enosys\"}") "]",
		"isolators[0].value: 'enosys' is not the upper case name" },
	{ "[" ISO("os/linux/selinux-context",
		  "{\"user\":\"a:b\",\"role\":\"r\",\"type\":\"t\",\"level\":\"l\"}") "]",
		"isolators[0].value: 'a:b' is not a part" },
	{ "[" ISO("os/linux/selinux-context",
		  "{\"user\":\"u\",\"role\":\"r\",\"type\":\"t\",\"level\":\"\"}") "]",
		"isolators[0].value: the level of an SELinux context must not be empty" },
	{ "[" ISO("os/linux/apparmor-profile", "\"\"") "]",
		"isolators[0].value: must not be empty" },
	{ "[" ISO("os/unix/sysctl", "{\"a\":1}") "]",
		"isolators[0].value.a: expected string, found number" },
	{ "[" ISO("os/linux/cpu-shares", "2") "," ISO("os/linux/cpu-shares", "3") "]",
		"isolators[1]: duplicate isolator 'os/linux/cpu-shares'" },
	{ "[" ISO("os/linux/capabilities-retain-set", "{\"set\":[\"A\"]}") "," ISO(
		  "os/linux/capabilities-remove-set", "{\"set\":[\"A\"]}") "]",
		"isolators[1]: isolator 'os/linux/capabilities-remove-set' contradicts "
		"'os/linux/capabilities-retain-set'" },
	{ "[" ISO("os/linux/seccomp-remove-set", "{\"set\":[\"a\"]}") "," ISO(
		  "os/linux/seccomp-retain-set", "{\"set\":[\"a\"]}") "]",
		"isolators[1]: isolator 'os/linux/seccomp-retain-set' contradicts" },
};

START_TEST(refusals)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct isolators l;
		ck_assert_msg(
			decode(refused[i].text, &l) == -EINVAL, "accepted: %s", refused[i].text);
		ck_assert_msg(strncmp(unit_message(&e), refused[i].message,
				      strlen(refused[i].message)) == 0,
			"%s: %s", refused[i].text, unit_message(&e));
	}
}
END_TEST

START_TEST(as_many_as_can_be_told_of)
{
	for (int n = ISOLATORS_MAX; n <= ISOLATORS_MAX + 1; n++) {
		struct isolators l;
		struct str text = STR_INIT(STR_MAX_MANIFEST);
		str_addc(&text, '[');
		for (int i = 0; i < n; i++)
			str_addf(&text, "%s" ISO("x%d", "1"), i ? "," : "", i);
		str_addc(&text, ']');
		ck_assert_int_eq(decode(str_text(&text), &l), n > ISOLATORS_MAX ? -EINVAL : 0);
		str_release(&text);
	}
	ck_assert_str_eq(unit_message(&e), "isolators: more than 1024 isolators");
}
END_TEST

UNIT_MAIN("isolator", &as_many_as_can_be_told_of, &quantities, &every_kind_is_typed,
	&forms_of_the_schema, &refusals)
