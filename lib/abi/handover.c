/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/abi/handover.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/abi/paths.h"
#include "lib/base/idrange.h"
#include "lib/base/parse.h"
#include "lib/base/uuid.h"

/* --- flags as rows: both directions read the same table ----------------------------------------
 */

enum flag_type { FLAG_BOOL, FLAG_TEXT, FLAG_DNS };

struct flag {
	const char *name;
	enum flag_type type;
	size_t offset;	/* of a bool or a const char *; FLAG_DNS: of the two modes */
	unsigned since; /* interface version */
	bool (*valid)(const char *);
	const char *bare;    /* text that the flag without a value stands for, or NULL */
	const char *implied; /* text that says what the flag's absence says: never needed */
	bool optional;	     /* an older image loses nothing without it */
};

/* resolv and hosts, next to each other in struct stage1_run. */
struct dns_modes {
	const char *resolv, *hosts;
};
_Static_assert(offsetof(struct stage1_run, dns_hosts) ==
		       offsetof(struct stage1_run, dns_resolv) + sizeof(const char *),
	"struct dns_modes overlays them");

static bool valid_text(const char *s)
{
	return *s != '\0';
}

static bool valid_path(const char *s)
{
	return *s == '/' && strnlen(s, PATH_MAX) < PATH_MAX;
}

static bool valid_ipc(const char *s)
{
	return str_eq(s, "auto") || str_eq(s, "private") || str_eq(s, "parent");
}

static bool valid_private_users(const char *s)
{
	struct id_range range;
	return id_range_parse(s, &range);
}

/* rkt's order on the command line. */
#define RUN(member) offsetof(struct stage1_run, member)
static const struct flag run_flags[] = {
	{ "debug", FLAG_BOOL, RUN(debug), 1 },
	{ "net", FLAG_TEXT, RUN(net), 1, valid_text, .bare = "default" },
	{ "interactive", FLAG_BOOL, RUN(interactive), 1 },
	{ "private-users", FLAG_TEXT, RUN(private_users), 1, valid_private_users },
	{ "mds-token", FLAG_TEXT, RUN(mds_token), 1, valid_text },
	{ "local-config", FLAG_TEXT, RUN(local_config), 1, valid_path },
	{ "hostname", FLAG_TEXT, RUN(hostname), 2, valid_text },
	{ "dns-conf-mode", FLAG_DNS, RUN(dns_resolv), 4 },
	{ "disable-capabilities-restriction", FLAG_BOOL, RUN(disable_capabilities_restriction), 3 },
	{ "disable-paths", FLAG_BOOL, RUN(disable_paths), 3 },
	{ "disable-seccomp", FLAG_BOOL, RUN(disable_seccomp), 3 },
	{ "mutable", FLAG_BOOL, RUN(is_mutable), 1 },
	{ "ipc", FLAG_TEXT, RUN(ipc), 6, valid_ipc, .implied = "auto" },
	{ 0 },
};

#define SIMPLE(member) offsetof(struct stage1_simple, member)
static const struct flag gc_flags[] = {
	{ "debug", FLAG_BOOL, SIMPLE(debug), 1 },
	{ "local-config", FLAG_TEXT, SIMPLE(local_config), 5, valid_path, .optional = true },
	{ 0 },
};
static const struct flag stop_flags[] = {
	{ "debug", FLAG_BOOL, SIMPLE(debug), 1 },
	{ "force", FLAG_BOOL, SIMPLE(force), 1 },
	{ 0 },
};

/* enter's pid is text on this side of the table. */
struct enter_flags {
	const char *pid, *app;
	bool privileged;
};
static bool valid_pid(const char *s)
{
	uint32_t pid;
	return parse_u32(s, 1, INT_MAX, &pid);
}
/* It becomes a part of paths. */
static bool valid_app(const char *s)
{
	return *s && !strchr(s, '/') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}
static const struct flag enter_flags[] = {
	{ "pid", FLAG_TEXT, offsetof(struct enter_flags, pid), 1, valid_pid },
	{ "appname", FLAG_TEXT, offsetof(struct enter_flags, app), 1, valid_app },
	{ "privileged", FLAG_BOOL, offsetof(struct enter_flags, privileged), 1 },
	{ 0 },
};

/* --- dns-conf-mode -----------------------------------------------------------------------------
 */

static const char *const resolv_modes[] = { "host", "stage0", "none", "default", NULL };
static const char *const hosts_modes[] = { "host", "stage0", "default", NULL };

/* The mode of the list that the first n bytes of s spell, or NULL. */
static const char *mode_find(const char *const *modes, const char *s, size_t n)
{
	for (; *modes; modes++)
		if (strlen(*modes) == n && memcmp(*modes, s, n) == 0)
			return *modes;
	return NULL;
}

static bool dns_parse(const char *text, struct dns_modes *ret)
{
	struct dns_modes m = { 0 };
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ",");
		const char *resolv = str_after(p, "resolv="), *hosts = str_after(p, "hosts=");
		const char *value = resolv ? resolv : hosts;
		const char **to = resolv ? &m.resolv : &m.hosts;
		if (!value || *to)
			return false;
		*to = mode_find(
			resolv ? resolv_modes : hosts_modes, value, n - (size_t)(value - p));
		if (!*to)
			return false;
		p += n;
		if (*p == ',' && !*++p)
			return false;
	}
	ret->resolv = m.resolv ? m.resolv : "default";
	ret->hosts = m.hosts ? m.hosts : "default";
	return true;
}

static int dns_encode(const struct dns_modes *m, struct strv *args, struct err *e)
{
	const char *resolv = m->resolv ? m->resolv : "default";
	const char *hosts = m->hosts ? m->hosts : "default";
	if (!mode_find(resolv_modes, resolv, strlen(resolv)) ||
		!mode_find(hosts_modes, hosts, strlen(hosts)))
		return ERR_BAD(e, "dns modes '%s' and '%s' are not known", resolv, hosts);
	strv_addf(args, "--dns-conf-mode=resolv=%s,hosts=%s", resolv, hosts);
	return 0;
}

static bool dns_is_default(const struct dns_modes *m)
{
	return (!m->resolv || str_eq(m->resolv, "default")) &&
	       (!m->hosts || str_eq(m->hosts, "default"));
}

/* --- encoding ----------------------------------------------------------------------------------
 */

/* What the struct has for the flag; *text is its value (NULL for a bool). False: nothing to send.
 */
static bool flag_wanted(const struct flag *f, const void *from, const char **text)
{
	const char *at = (const char *)from + f->offset;
	*text = NULL;
	switch (f->type) {
	case FLAG_BOOL: return *(const bool *)at;
	case FLAG_TEXT: memcpy(text, at, sizeof *text); return *text != NULL;
	case FLAG_DNS: {
		struct dns_modes m;
		memcpy(&m, at, sizeof m);
		return !dns_is_default(&m);
	}
	}
	return false;
}

static int flag_encode(const struct flag *f, const void *from, unsigned interface,
	struct strv *args, struct err *e)
{
	const char *text;
	if (!flag_wanted(f, from, &text))
		return 0;
	if (interface < f->since) {
		if (f->optional || (f->implied && str_eq(text, f->implied)))
			return 0;
		return ERR_BAD(e,
			"--%s needs a stage1 image of interface version %u, this one has %u",
			f->name, f->since, interface);
	}
	if (f->type == FLAG_DNS) {
		struct dns_modes m;
		memcpy(&m, (const char *)from + f->offset, sizeof m);
		return dns_encode(&m, args, e);
	}
	if (text && !f->valid(text))
		return ERR_BAD(e, "'%.128s' is not a value for stage1's --%s", text, f->name);
	if (text)
		strv_addf(args, "--%s=%s", f->name, text);
	else
		strv_addf(args, "--%s", f->name);
	return 0;
}

static int flags_encode(const struct flag *flags, const void *from, unsigned interface,
	const char *uuid, struct strv *args, struct err *e)
{
	if (interface < 1 || interface > STAGE1_INTERFACE_MAX)
		return ERR_BAD(e, "stage1 interface version %u is not supported (1 to %d are)",
			interface, STAGE1_INTERFACE_MAX);
	for (const struct flag *f = flags; f->name; f++) {
		int r = flag_encode(f, from, interface, args, e);
		if (r < 0)
			return r;
	}
	if (!uuid || !uuid_valid(uuid))
		return ERR_BAD(e, "'%.64s' is not the UUID of a pod", uuid ? uuid : "");
	strv_add(args, uuid);
	return 0;
}

int stage1_run_encode(const struct stage1_run *run, struct strv *args, struct err *e)
{
	return flags_encode(run_flags, run, run->interface, run->uuid, args, e);
}

int stage1_gc_encode(const struct stage1_simple *gc, struct strv *args, struct err *e)
{
	return flags_encode(gc_flags, gc, gc->interface, gc->uuid, args, e);
}

int stage1_stop_encode(const struct stage1_simple *stop, struct strv *args, struct err *e)
{
	return flags_encode(stop_flags, stop, stop->interface, stop->uuid, args, e);
}

int stage1_enter_encode(const struct stage1_enter *enter, struct strv *args, struct err *e)
{
	if (enter->pid < 1 || !enter->app || !valid_app(enter->app))
		return ERR_BAD(e, "enter needs a pid and the name of an app");
	if (!enter->argv || !enter->argv[0])
		return ERR_BAD(e, "enter needs a command");
	strv_addf(args, "--pid=%d", (int)enter->pid);
	strv_addf(args, "--appname=%s", enter->app);
	if (enter->privileged)
		strv_add(args, "--privileged");
	strv_add(args, "--");
	for (char *const *p = enter->argv; *p; p++)
		strv_add(args, *p);
	return 0;
}

/* --- decoding ----------------------------------------------------------------------------------
 */

/* The row of "--name" or "--name=value"; *value is NULL when there is none. */
static const struct flag *flag_find(const struct flag *flags, const char *arg, const char **value)
{
	const char *name = arg + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	*value = equals ? equals + 1 : NULL;
	for (const struct flag *f = flags; f->name; f++)
		if (strlen(f->name) == n && memcmp(f->name, name, n) == 0)
			return f;
	return NULL;
}

static int flag_decode(
	const struct flag *f, const char *arg, const char *value, void *to, struct err *e)
{
	char *at = (char *)to + f->offset;
	bool good;
	if (!value && f->type != FLAG_BOOL && !f->bare)
		return ERR_BAD(e, "flag '%.64s' needs a value: --%s=VALUE", arg, f->name);
	switch (f->type) {
	case FLAG_BOOL: good = parse_bool(value ? value : "true", (bool *)at); break;
	case FLAG_TEXT:
		value = value ? value : f->bare;
		memcpy(at, &value, sizeof value);
		good = f->valid(value);
		break;
	default: {
		struct dns_modes m = { 0 };
		good = dns_parse(value, &m);
		memcpy(at, &m, sizeof m);
	}
	}
	return good ? 0 : ERR_BAD(e, "bad value in flag '%.128s'", arg);
}

/* Reads flags up to the first argument that is none, which *ret_next is the index of. */
static int flags_decode(const struct flag *flags, int argc, char *const *argv, void *to,
	int *ret_next, struct err *e)
{
	uint32_t seen = 0;
	int i = 1;
	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		const char *value;
		const struct flag *f = argv[i][1] == '-' ? flag_find(flags, argv[i], &value) : NULL;
		if (!f)
			return ERR_BAD(e, "unknown flag '%.64s'", argv[i]);
		uint32_t bit = 1u << (f - flags);
		if (seen & bit)
			return ERR_BAD(e, "flag '--%s' is given twice", f->name);
		seen |= bit;
		int r = flag_decode(f, argv[i], value, to, e);
		if (r < 0)
			return r;
	}
	*ret_next = i;
	return 0;
}

/* Flags, then the UUID and nothing else. */
static int uuid_decode(const struct flag *flags, int argc, char *const *argv, void *to,
	const char **ret_uuid, struct err *e)
{
	int next;
	int r = flags_decode(flags, argc, argv, to, &next, e);
	if (r < 0)
		return r;
	if (argc - next != 1)
		return ERR_BAD(e, "expected the UUID of one pod after the flags");
	if (!uuid_valid(argv[next]))
		return ERR_BAD(e, "'%.64s' is not the UUID of a pod", argv[next]);
	*ret_uuid = argv[next];
	return 0;
}

int stage1_run_decode(int argc, char *const *argv, struct stage1_run *ret, struct err *e)
{
	struct stage1_run run = { .dns_resolv = "default", .dns_hosts = "default" };
	int r = uuid_decode(run_flags, argc, argv, &run, &run.uuid, e);
	if (r >= 0)
		*ret = run;
	return r;
}

int stage1_gc_decode(int argc, char *const *argv, struct stage1_simple *ret, struct err *e)
{
	struct stage1_simple gc = { 0 };
	int r = uuid_decode(gc_flags, argc, argv, &gc, &gc.uuid, e);
	if (r >= 0)
		*ret = gc;
	return r;
}

int stage1_stop_decode(int argc, char *const *argv, struct stage1_simple *ret, struct err *e)
{
	struct stage1_simple stop = { 0 };
	int r = uuid_decode(stop_flags, argc, argv, &stop, &stop.uuid, e);
	if (r >= 0)
		*ret = stop;
	return r;
}

int stage1_enter_decode(int argc, char *const *argv, struct stage1_enter *ret, struct err *e)
{
	struct enter_flags flags = { 0 };
	int next;
	int r = flags_decode(enter_flags, argc, argv, &flags, &next, e);
	if (r < 0)
		return r;
	uint32_t pid;
	if (!flags.pid || !flags.app || !parse_u32(flags.pid, 1, INT_MAX, &pid))
		return ERR_BAD(e, "--pid and --appname are needed");
	if (next >= argc)
		return ERR_BAD(e, "expected a command after '--'");
	*ret = (struct stage1_enter){ .pid = (pid_t)pid,
		.app = flags.app,
		.privileged = flags.privileged,
		.argv = argv + next };
	return 0;
}

int stage1_lock_fd(int *ret_fd, struct err *e)
{
	const char *text = getenv(ENV_LOCK_FD);
	uint32_t fd;
	if (!text)
		return ERR_BAD(e, "%s is not set: stage1 is started by rkt", ENV_LOCK_FD);
	if (!parse_u32(text, 0, INT_MAX, &fd))
		return ERR_BAD(e, "%s: '%.32s' is not a descriptor", ENV_LOCK_FD, text);
	if (fcntl((int)fd, F_GETFD) < 0)
		return ERR_SYS(e, "%s: descriptor %u", ENV_LOCK_FD, fd);
	*ret_fd = (int)fd;
	return 0;
}
