/* SPDX-License-Identifier: Apache-2.0 */
/* rkt trust: adding keys after a look at them; list, rm, mask, explain. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/output.h"
#include "cmd/reference.h"
#include "cmd/remote.h"
#include "cmd/session.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/json/jenc.h"
#include "lib/spec/docker_ref.h"
#include "stage0/oci/oci.h"
#include "stage0/registry/registry.h"
#include "stage0/trust/accept.h"
#include "stage0/trust/policy_check.h"
#include "stage0/trust/pubkey.h"

enum { SHORTEST_KEY = 16, UID_TEXT = 4 * FETCH_UID_SIZE };

static inline void pubkeys_cleanup(struct pubkeys *p)
{
	pubkeys_release(p);
}

struct trust {
	struct cli *cli;
	struct session *session;
	struct keystore ks;
	struct trust_entries all;
};

/* --- adding ----------------------------------------------------------------------------------- */

/* As gpg prints it: groups of four, and a wider gap in the middle. */
static void print_fingerprint(const char *fingerprint)
{
	if (str_after(fingerprint, "sha256-")) {
		fputs(fingerprint, stdout);
		return;
	}
	for (size_t i = 0; fingerprint[i]; i++) {
		if (i && i % 4 == 0)
			fputs(i == 20 ? "  " : " ", stdout);
		putchar(toupper((unsigned char)fingerprint[i]));
	}
}

static void show_key(const struct trust *t, const char *path, const struct fetch_key *key)
{
	char uid[UID_TEXT];
	if (t->cli->prefix)
		printf("Prefix: \"%s\"\n", t->cli->prefix);
	text_escape(path, uid, sizeof uid);
	printf("Key: \"%s\"\n%s fingerprint is: ", uid,
		key->type == FETCH_KEY_PEM ? "Public key" : "GPG key");
	print_fingerprint(key->fingerprint);
	putchar('\n');
	for (size_t i = 0; i < key->n_subkeys && i < FETCH_SUBKEYS_MAX; i++) {
		fputs("\tSubkey fingerprint: ", stdout);
		print_fingerprint(key->subkeys[i]);
		putchar('\n');
	}
	for (size_t i = 0; i < key->n_uids && i < FETCH_UIDS_MAX; i++) {
		text_escape(key->uids[i], uid, sizeof uid);
		printf("\t%s\n", uid);
	}
	text_escape(key->algorithm, uid, sizeof uid);
	printf("\t%s\n", uid);
}

/* 1: yes, 0: no. */
static int ask(struct err *e)
{
	_clean_(mem) char *line = NULL;
	size_t size = 0;
	printf("Are you sure you want to trust this key (yes/no)?\n");
	for (;;) {
		fflush(stdout);
		ssize_t n = getline(&line, &size, stdin);
		if (n < 0)
			return ERR_BAD(e,
				"nobody answers: --skip-fingerprint-review trusts without asking");
		while (n && isspace((unsigned char)line[n - 1]))
			line[--n] = '\0';
		if (!strcmp(line, "yes"))
			return 1;
		if (!strcmp(line, "no"))
			return 0;
		printf("Please enter 'yes' or 'no'\n");
	}
}

/* --match, if it was given. */
static int set_match(const struct trust *t, const char *fingerprint, struct err *e)
{
	const char *path;
	struct cli *cli = t->cli;
	if (!cli->match)
		return 0;
	return keystore_set_exact(&t->ks, cli->prefix, fingerprint, str_eq(cli->match, "exact"),
		&cli->arena, &path, e);
}

static int add_key(const struct trust *t, const char *file, const struct pubkeys *keys, size_t i,
	struct err *e)
{
	const struct fetch_key *key = &keys->keys.v[i];
	const char *objection = pubkey_objection(key), *path;
	struct cli *cli = t->cli;
	show_key(t, file, key);
	if (objection)
		return ERR_DENY(e, "key %s is %s: its signatures count for nothing",
			key->fingerprint, objection);
	if (!cli->skip_fingerprint_review) {
		int r = ask(e);
		if (r < 0)
			return r;
		if (r == 0)
			return ERR_DENY(e, "not trusting \"%s\"", file);
	}
	/* The restriction first: the key must not count for a moment without it. */
	int r = set_match(t, key->fingerprint, e);
	if (r >= 0)
		r = keystore_add(&t->ks, cli->prefix, key->fingerprint,
			str_text(&keys->bytes) + key->offset, key->size, &cli->arena, &path, e);
	if (r < 0)
		return r;
	const char *how = cli->skip_fingerprint_review ? "without" : "after";
	if (cli->prefix)
		printf("Trusting \"%s\" for prefix \"%s\" %s fingerprint review.\n"
		       "Added key for prefix \"%s\" at \"%s\"\n",
			file, cli->prefix, how, cli->prefix, path);
	else
		printf("Trusting \"%s\" %s fingerprint review.\nAdded root key at \"%s\"\n", file,
			how, path);
	return 0;
}

static int add_keys(const struct trust *t, const char *from, struct pubkeys *keys, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < keys->keys.n; i++)
		r = add_key(t, from, keys, i, e);
	return r;
}

static int add_file(const struct trust *t, const char *path, struct err *e)
{
	_clean_(pubkeys) struct pubkeys keys = { 0 };
	int r = pubkeys_read_file(path, &keys, e);
	return r < 0 ? r : add_keys(t, path, &keys, e);
}

static int add_url(const struct trust *t, const char *url, struct err *e)
{
	_clean_(pubkeys) struct pubkeys keys = { 0 };
	if (t->cli->root)
		return ERR_BAD(e, "'%s': root keys come from files: download it first", url);
	if (str_after(url, "http://") && !t->cli->insecure_allow_http)
		return ERR_DENY(
			e, "'%s' is not protected by TLS; --insecure-allow-http accepts it", url);
	int r = remote_keys_fetch(t->session, url, &keys, e);
	return r < 0 ? r : add_keys(t, url, &keys, e);
}

static int add_from(const struct trust *t, const char *arg, struct err *e)
{
	const char *path = str_after(arg, "file://");
	if (str_after(arg, "http://") || str_after(arg, "https://"))
		return add_url(t, arg, e);
	return add_file(t, path ? path : arg, e);
}

/* Without files: where the pages of the prefix say that its keys are. */
static int add_discovered(const struct trust *t, struct err *e)
{
	struct strlist urls;
	int r = remote_keys_discover(t->session, t->cli->prefix, &urls, e);
	for (size_t i = 0; r >= 0 && i < urls.n; i++)
		r = add_url(t, urls.v[i], e);
	return r;
}

static int check_scope(const struct cli *cli, size_t n_keys, struct err *e)
{
	if (cli->prefix && cli->root)
		return ERR_BAD(e, "--root and --prefix usage mutually exclusive");
	if (cli->allow_unsigned && (!cli->prefix || n_keys || cli->match))
		return ERR_BAD(e, "--allow-unsigned goes with --prefix, without keys and --match");
	if (!cli->prefix && !cli->root)
		return ERR_BAD(e,
			"--root required for non-prefixed (root) keys: say with --prefix=PREFIX "
			"for "
			"which images they count, or with --root for all (see rkt help trust)");
	if (cli->prefix && !prefix_valid(cli->prefix))
		return ERR_BAD(
			e, "--prefix '%s': not the beginning of an image's name", cli->prefix);
	if (geteuid() != 0 && !cli->allow_unsigned)
		return ERR_DENY(e, "keys cannot be read as unprivileged user, only as root");
	return 0;
}

static int trust_add(struct trust *t, const struct strlist *args, struct err *e)
{
	const char *path;
	struct cli *cli = t->cli;
	int r = check_scope(cli, args->n, e);
	if (r < 0)
		return r;
	if (cli->allow_unsigned) {
		r = keystore_allow_unsigned(&t->ks, cli->prefix, &cli->arena, &path, e);
		if (r >= 0)
			printf("Images of prefix \"%s\" need no signature: \"%s\"\n", cli->prefix,
				path);
		return r;
	}
	if (!args->n && cli->root)
		return ERR_BAD(e, "a file with public keys is missing");
	if (!args->n)
		return add_discovered(t, e);
	for (size_t i = 0; r >= 0 && i < args->n; i++)
		r = add_from(t, args->v[i], e);
	return r;
}

/* --- list ------------------------------------------------------------------------------------- */

struct shown {
	const char *state, *user;
};

/* What the worker says about a key file. */
static struct shown examine(const struct trust *t, const struct trust_entry *entry)
{
	_clean_(pubkeys) struct pubkeys keys = { 0 };
	struct arena *a = &t->cli->arena;
	struct err e = ERR_INIT;
	char text[UID_TEXT];
	if (entry->misplaced)
		return (struct shown){ "misplaced", "" };
	if (entry->mask)
		return (struct shown){ "mask", "" };
	if (entry->kind == TRUST_UNSIGNED)
		return (struct shown){ entry->masked ? "masked" : "needs no signature", "" };
	if (entry->kind == TRUST_EXACT)
		return (struct shown){ entry->masked ? "masked" : "must name the tag", "" };
	if (pubkeys_read_file(entry->path, &keys, &e) < 0)
		return (struct shown){ "unreadable", "" };
	const struct fetch_key *key = &keys.keys.v[0];
	text_escape(key->uids[0], text, sizeof text);
	struct shown s = { entry->masked ? "masked" : "trusted", arena_strdup(a, text) };
	if (keys.keys.n != 1 || strcmp(key->fingerprint, entry->fingerprint) != 0)
		s.state = "not named by its fingerprint";
	else if (pubkey_objection(key))
		s.state = pubkey_objection(key);
	return s;
}

static const char *level_name(enum keystore_level level)
{
	static const char *const names[_KEYSTORE_LEVEL_MAX] = {
		[KEYSTORE_VENDOR] = "vendor", [KEYSTORE_LOCAL] = "local", [KEYSTORE_USER] = "user"
	};
	return names[level];
}

static void list_table(const struct trust *t)
{
	static const char *const titles[] = { "KEY", "PREFIX", "FROM", "STATE", "USER" };
	_clean_(table) struct table table = TABLE_INIT;
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	for (size_t i = 0; !t->cli->no_legend && i < sizeof titles / sizeof *titles; i++)
		table_cell(&table, titles[i]);
	if (!t->cli->no_legend)
		table_end_row(&table);
	for (size_t i = 0; i < t->all.n; i++) {
		const struct trust_entry *entry = &t->all.v[i];
		struct shown s = examine(t, entry);
		table_cell(&table, entry->kind == TRUST_UNSIGNED ? "UNSIGNED" : entry->fingerprint);
		table_cell(&table, entry->prefix ? entry->prefix : "(root)");
		table_cell(&table, level_name(entry->level));
		table_cell(&table, s.state);
		table_cell(&table, s.user);
		table_end_row(&table);
	}
	table_render(&table, &out);
	/* What accepts anything shall strike the eye. */
	bool colour = isatty(STDOUT_FILENO);
	for (const char *line = str_text(&out); *line;) {
		size_t n = strcspn(line, "\n");
		bool red = colour && !strncmp(line, "UNSIGNED", strlen("UNSIGNED"));
		printf("%s%.*s%s\n", red ? "\033[31m" : "", (int)n, line, red ? "\033[0m" : "");
		line += n + (line[n] == '\n');
	}
}

static void list_json(const struct trust *t)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_OUTPUT);
	struct jenc j = JENC_INIT(&out, str_eq(t->cli->format, "json-pretty"));
	jenc_open(&j, '[');
	for (size_t i = 0; i < t->all.n; i++) {
		const struct trust_entry *entry = &t->all.v[i];
		struct shown s = examine(t, entry);
		jenc_open(&j, '{');
		if (entry->kind != TRUST_UNSIGNED)
			jenc_member(&j, "fingerprint", entry->fingerprint);
		jenc_member(&j, "match", entry->kind == TRUST_EXACT ? "exact" : NULL);
		jenc_key(&j, "allow_unsigned");
		jenc_bool(&j, entry->kind == TRUST_UNSIGNED);
		jenc_member(&j, "prefix", entry->prefix);
		jenc_key(&j, "root");
		jenc_bool(&j, !entry->prefix);
		jenc_member(&j, "from", level_name(entry->level));
		jenc_member(&j, "state", s.state);
		jenc_member(&j, "user", s.user);
		jenc_member(&j, "path", entry->path);
		jenc_close(&j, '}');
	}
	jenc_close(&j, ']');
	printf("%s\n", str_text(&out));
}

static int trust_list(struct trust *t, const struct strlist *args, struct err *e)
{
	if (args->n)
		return ERR_BAD(e, "list takes no arguments");
	if (t->cli->format)
		list_json(t);
	else
		list_table(t);
	return 0;
}

/* --- rm, mask --------------------------------------------------------------------------------- */

/* A fingerprint, or at least its last 16 digits. */
static bool key_matches(const struct trust_entry *entry, const char *key)
{
	size_t n = strlen(key), m = strlen(entry->fingerprint);
	return entry->kind == TRUST_KEY && n >= SHORTEST_KEY && n <= m &&
	       !strcasecmp(entry->fingerprint + m - n, key);
}

static bool in_scope(const struct trust *t, const struct trust_entry *entry)
{
	const struct cli *cli = t->cli;
	return cli->prefix ? str_eq(entry->prefix, cli->prefix) : !cli->root || !entry->prefix;
}

static int remove_matching(const struct trust *t, const char *key, struct err *e)
{
	const struct trust_entry *elsewhere = NULL;
	unsigned removed = 0;
	for (size_t i = 0; i < t->all.n; i++) {
		const struct trust_entry *entry = &t->all.v[i];
		bool wanted = key ? key_matches(entry, key) : entry->kind == TRUST_UNSIGNED;
		if (!wanted || !in_scope(t, entry))
			continue;
		if (entry->level != KEYSTORE_LOCAL) {
			elsewhere = entry;
			continue;
		}
		int r = keystore_remove(entry, e);
		if (r < 0)
			return r;
		printf("Removed \"%s\"\n", entry->path);
		removed++;
		const char *path;
		r = key ? keystore_set_exact(&t->ks, entry->prefix, entry->fingerprint, false,
				  &t->cli->arena, &path, e)
			: 0;
		if (r < 0)
			return r;
	}
	if (removed)
		return 0;
	if (elsewhere)
		return keystore_remove(elsewhere, e);
	if (!key)
		return ERR_NOENT(e, "--prefix '%s': nothing allows unsigned images of exactly that",
			t->cli->prefix);
	return ERR_NOENT(e, "no trusted key '%s'", key);
}

static int trust_rm(struct trust *t, const struct strlist *args, struct err *e)
{
	if (t->cli->allow_unsigned)
		return args->n || !t->cli->prefix
			       ? ERR_BAD(e, "--allow-unsigned goes with --prefix, and without keys")
			       : remove_matching(t, NULL, e);
	if (!args->n)
		return ERR_BAD(e, "the fingerprint of a key is missing");
	int r = 0;
	for (size_t i = 0; r >= 0 && i < args->n; i++)
		r = remove_matching(t, args->v[i], e);
	return r;
}

/* Masks a key of another directory wherever it lies there. */
static int mask_matching(const struct trust *t, const char *key, struct err *e)
{
	const char *path;
	unsigned masked = 0;
	for (size_t i = 0; i < t->all.n; i++) {
		const struct trust_entry *entry = &t->all.v[i];
		if (!key_matches(entry, key) || !in_scope(t, entry) || entry->mask ||
			entry->level >= KEYSTORE_LOCAL)
			continue;
		int r = keystore_mask(
			&t->ks, entry->prefix, entry->fingerprint, &t->cli->arena, &path, e);
		if (r < 0)
			return r;
		printf("Masked \"%s\" by \"%s\"\n", entry->path, path);
		masked++;
	}
	return masked ? 0
		      : ERR_NOENT(e, "the vendor trusts no key '%s': rkt trust rm removes others",
				key);
}

static int trust_mask(struct trust *t, const struct strlist *args, struct err *e)
{
	if (!args->n)
		return ERR_BAD(e, "the fingerprint of a key is missing");
	int r = 0;
	for (size_t i = 0; r >= 0 && i < args->n; i++)
		r = mask_matching(t, args->v[i], e);
	return r;
}

/* --- explain ---------------------------------------------------------------------------------- */

static void explain_name(const struct trust *t, const char *name)
{
	struct trust_entries in_force;
	bool unsigned_ok = false, any = false;
	keystore_for(&t->all, name, &t->cli->arena, &in_force);
	for (size_t i = 0; i < in_force.n; i++) {
		const struct trust_entry *entry = &in_force.v[i];
		unsigned_ok |= entry->kind == TRUST_UNSIGNED;
		if (entry->kind != TRUST_KEY)
			continue;
		any = true;
		struct shown s = examine(t, entry);
		printf("key %s, by %s%s%s: %s%s%s%s\n", entry->fingerprint,
			entry->prefix ? "prefix \"" : "root", entry->prefix ? entry->prefix : "",
			entry->prefix ? "\"" : "", s.state, *s.user ? ", " : "", s.user,
			trust_entries_have(&in_force, TRUST_EXACT, entry->fingerprint)
				? "; of images with layers its signatures must name the tag"
				: "");
	}
	if (unsigned_ok)
		printf("images named \"%s\" need no signature\n", name);
	else if (!any)
		printf("no key may sign \"%s\": `rkt trust --prefix=%s FILE` trusts one\n", name,
			name);
}

static void explain_stored(const struct trust *t, const struct image *image)
{
	struct err why = ERR_INIT;
	struct arena *a = &t->cli->arena;
	const struct verified *v = image->verified;
	printf("image %s\n", id_text(a, image->id, ID_SHORT));
	if (image->insecure)
		printf("accepted without a signature\n");
	else if (!v)
		printf("came with rkt\n");
	else
		printf("verified by key %s (%s) at %s\n", v->key, v->mechanism,
			time_text(a, v->time_ns));
	if (v && accept_still_holds(&t->ks, image, a, &why) == 0)
		printf("%s\n", why.msg);
}

/* What an image is called, which is in the store or not. */
struct named {
	struct image image;
	bool stored;
	const char *name;
	struct policy_image policy; /* transport NULL: it is none with layers */
};

/* The further condition, where the configuration has one. */
static int explain_policy(const struct trust *t, const struct policy_image *image, struct err *e)
{
	struct arena *a = &t->cli->arena;
	struct policy_file p;
	const char *where;
	if (!t->session->config.policy || !image->transport)
		return 0;
	int r = policy_load(t->session->config.policy, getenv("HOME"), a, &p, e);
	if (r < 0)
		return r;
	const struct policy_scope *scope = policy_for(&p.policy, image, a, &where);
	for (size_t i = 0; i < scope->n; i++)
		printf("policy \"%s\", %s, asks, too: %s\n", p.path, where,
			policy_text(&scope->v[i], a));
	return 0;
}

static int name_registry(struct session *s, const char *ref, struct named *ret, struct err *e)
{
	struct arena *a = &s->cli->arena;
	struct registry_ref at;
	struct docker_ref full;
	struct err ignored = ERR_INIT;
	int r = registry_ref_parse(ref, a, &at, e);
	if (r < 0)
		return err_wrap(e, r, "image '%s'", ref);
	if (!docker_ref_parse(str_after(at.text, "docker://"), a, &full))
		return ERR_BAD(e, "'%s' is not the name of an image", ref);
	ret->name = full.name;
	ret->policy =
		(struct policy_image){ "docker", full.name, at.digest ? NULL : at.tag, at.digest };
	ret->stored = registry_stored(&s->store, &at, a, &ret->image, &ignored) >= 0;
	return 0;
}

/* Goes no further than to the name. */
static int take_name(void *ctx, const struct layered_subject *subject,
	const struct signature_source *own, struct err *e)
{
	struct named *ret = ctx;
	(void)own;
	ret->name = subject->name;
	ret->policy = policy_image_of(subject);
	return err_set(e, ERR_REFUSED, ECANCELED, "nothing more is asked");
}

static int name_oci(struct session *s, const struct oci_ref *ref, struct named *ret, struct err *e)
{
	const struct oci_gate gate = { take_name, ret };
	const struct import_options none = { .insecure = true };
	const char *id;
	int r = oci_import(&s->store, ref, &gate, &none, &s->cli->arena, &id, e);
	return ret->name ? 0 : r;
}

static int find_name(struct session *s, const char *ref, struct named *ret, struct err *e)
{
	struct err ignored = ERR_INIT;
	struct oci_ref oci;
	int r = reference_plain(ref, &s->cli->arena, &ref, e);
	if (r < 0)
		return r;
	if (registry_is_ref(ref))
		return name_registry(s, ref, ret, e);
	if (oci_ref_parse(ref, &s->cli->arena, &oci))
		return name_oci(s, &oci, ret, e);
	ret->stored = session_stored(s, ref, &ret->image, &ignored) >= 0;
	ret->name = ret->stored ? ret->image.name
				: arena_strndup(&s->cli->arena, ref, strcspn(ref, ":,"));
	if (ret->stored && ret->image.verified && ret->image.verified->name)
		ret->name = ret->image.verified->name;
	return ret->stored || prefix_valid(ret->name)
		       ? 0
		       : ERR_BAD(e, "'%s' is not the name of an image", ref);
}

static int trust_explain(struct trust *t, const struct strlist *args, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	if (!args->n)
		return ERR_BAD(e, "the name of an image is missing");
	int r = session_open(&s, t->cli, WITH_STORE, e);
	for (size_t i = 0; r >= 0 && i < args->n; i++) {
		struct named named = { .name = NULL };
		r = find_name(&s, args->v[i], &named, e);
		if (r < 0)
			return r;
		printf("name \"%s\"\n", named.name);
		if (named.stored)
			explain_stored(t, &named.image);
		explain_name(t, named.name);
		r = explain_policy(t, &named.policy, e);
	}
	return r;
}

/* ---------------------------------------------------------------------------------------------- */

enum { ON_ADD = 1, ON_LIST = 2, ON_RM = 4, ON_MASK = 8, ON_EXPLAIN = 16 };

/* Not every flag has a meaning for every verb; NULL: adding. */
static int check_flags(const struct cli *cli, unsigned verb, const char *word, struct err *e)
{
	const struct {
		const char *name;
		bool given;
		unsigned verbs;
	} flags[] = {
		{ "prefix", cli->prefix, ON_ADD | ON_RM | ON_MASK },
		{ "root", cli->root, ON_ADD | ON_RM | ON_MASK },
		{ "allow-unsigned", cli->allow_unsigned, ON_ADD | ON_RM },
		{ "match", cli->match, ON_ADD },
		{ "skip-fingerprint-review", cli->skip_fingerprint_review, ON_ADD },
		{ "insecure-allow-http", cli->insecure_allow_http, ON_ADD },
		{ "format", cli->format, ON_LIST },
		{ "no-legend", cli->no_legend, ON_LIST },
	};
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (flags[i].given && !(flags[i].verbs & verb))
			return ERR_BAD(e, "--%s is not for %s", flags[i].name,
				word ? word : "adding keys");
	return 0;
}

int cmd_trust(struct cli *cli, struct err *e)
{
	static const struct {
		const char *word;
		int (*run)(struct trust *t, const struct strlist *args, struct err *e);
		unsigned verb;
	} verbs[] = {
		{ "list", trust_list, ON_LIST },
		{ "rm", trust_rm, ON_RM },
		{ "mask", trust_mask, ON_MASK },
		{ "explain", trust_explain, ON_EXPLAIN },
	};
	_clean_(session) struct session s = SESSION_INIT;
	int r = session_open(&s, cli, 0, e);
	if (r < 0)
		return r;
	struct trust t = { .cli = cli, .session = &s, .ks = session_keystore(&s) };
	struct strlist rest = cli->args;
	r = keystore_list(&t.ks, &cli->arena, &t.all, e);
	if (r < 0)
		return r;
	for (size_t i = 0; cli->args.n && i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(cli->args.v[0], verbs[i].word) != 0)
			continue;
		rest.v++;
		rest.n--;
		r = check_flags(cli, verbs[i].verb, verbs[i].word, e);
		if (r >= 0)
			r = verbs[i].run(&t, &rest, e);
		return r < 0 ? r : EXIT_OK;
	}
	r = check_flags(cli, ON_ADD, NULL, e);
	if (r >= 0)
		r = trust_add(&t, &rest, e);
	return r < 0 ? r : EXIT_OK;
}
