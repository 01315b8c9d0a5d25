/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/commands.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

#define IMAGES_SYNOPSIS "[IMAGE [--FLAG...] [-- ARG... [---]]]..."

const struct cmd cmds[_CMD_MAX] = {
	/* id = { name, synopsis, summary, min, max, flags, group, handler } */
	[CMD_RUN] = { "run", IMAGES_SYNOPSIS, "run images in a pod", 0, -1, NEED_ROOT | ARGS_IMAGES,
		GROUP_PODS, cmd_run },
	[CMD_PREPARE] = { "prepare", IMAGES_SYNOPSIS, "prepare a pod to be run later", 0, -1,
		NEED_ROOT | ARGS_IMAGES, GROUP_PODS, cmd_prepare },
	[CMD_RUN_PREPARED] = { "run-prepared", "UUID", "run a pod that was prepared", 1, 1,
		NEED_ROOT, GROUP_PODS, cmd_run_prepared },
	[CMD_LIST] = { "list", "", "list pods", 0, 0, 0, GROUP_PODS, cmd_list },
	[CMD_STATUS] = { "status", "UUID", "show the state of a pod and its apps' exit statuses", 1,
		1, ARGS_UUID_FILE | SOFT_ERRORS, GROUP_PODS, cmd_status },
	[CMD_ENTER] = { "enter", "UUID [COMMAND [ARG...]]",
		"run a command inside a running app, confined like it", 1, -1,
		NEED_ROOT | ARGS_VERBATIM, GROUP_PODS, cmd_enter },
	[CMD_APP_EXEC] = { "app exec", "UUID [COMMAND [ARG...]]",
		"run a command inside a running app, as enter does", 1, -1,
		NEED_ROOT | ARGS_VERBATIM, GROUP_PODS, cmd_app_exec },
	[CMD_STOP] = { "stop", "UUID...", "stop running pods", 1, -1, ARGS_UUID_FILE | SOFT_ERRORS,
		GROUP_PODS, cmd_stop },
	[CMD_RM] = { "rm", "UUID...", "remove pods that do not run", 1, -1,
		NEED_ROOT | ARGS_UUID_FILE, GROUP_PODS, cmd_rm },
	[CMD_GC] = { "gc", "", "collect pods that ended or were never run", 0, 0, NEED_ROOT,
		GROUP_PODS, cmd_gc },
	[CMD_CAT_MANIFEST] = { "cat-manifest", "UUID", "print the manifest of a pod", 1, 1,
		ARGS_UUID_FILE, GROUP_PODS, cmd_cat_manifest },
	[CMD_EXPORT] = { "export", "UUID OUTPUT.aci",
		"write an app of an exited pod to an image file", 2, 2, NEED_ROOT, GROUP_PODS,
		cmd_export },
	[CMD_FETCH] = { "fetch", "IMAGE...", "put images into the store", 1, -1, 0, GROUP_IMAGES,
		cmd_fetch },
	[CMD_IMAGE_LIST] = { "image list", "", "list the images in the store", 0, 0, 0,
		GROUP_IMAGES, cmd_image_list },
	[CMD_IMAGE_RM] = { "image rm", "IMAGE...", "remove images from the store", 1, -1, 0,
		GROUP_IMAGES, cmd_image_rm },
	[CMD_IMAGE_GC] = { "image gc", "", "remove images that were not used for long", 0, 0, 0,
		GROUP_IMAGES, cmd_image_gc },
	[CMD_IMAGE_CAT_MANIFEST] = { "image cat-manifest", "IMAGE",
		"print the manifest of an image", 1, 1, 0, GROUP_IMAGES, cmd_image_cat_manifest },
	[CMD_IMAGE_EXTRACT] = { "image extract", "IMAGE DIRECTORY",
		"copy an image's own contents to a directory", 2, 2, 0, GROUP_IMAGES,
		cmd_image_extract },
	[CMD_IMAGE_RENDER] = { "image render", "IMAGE DIRECTORY",
		"copy what an app of the image would have as its root to a directory", 2, 2, 0,
		GROUP_IMAGES, cmd_image_render },
	[CMD_IMAGE_EXPORT] = { "image export", "IMAGE OUTPUT.aci", "write an image to a file", 2, 2,
		0, GROUP_IMAGES, cmd_image_export },
	[CMD_IMAGE_VERIFY] = { "image verify", "IMAGE...",
		"compare the files of images with their digests, and repair them", 1, -1, 0,
		GROUP_IMAGES, cmd_image_verify },
	[CMD_TRUST] = { "trust", "[PUBKEY...] | list | rm KEY... | mask KEY... | explain IMAGE...",
		"say whose signatures count, and for which images", 0, -1, 0, GROUP_IMAGES,
		cmd_trust },
	[CMD_CONFIG] = { "config", "", "print the configuration in effect", 0, 0, 0, GROUP_MISC,
		cmd_config },
	[CMD_VERSION] = { "version", "", "print the versions of rkt and appc", 0, 0, 0, GROUP_MISC,
		cmd_version },
	[CMD_COMPLETION] = { "completion", "bash|zsh|fish", "print a shell's completion script", 1,
		1, 0, GROUP_MISC, cmd_completion },
	[CMD_HELP] = { "help", "[COMMAND]", "explain rkt or one of its commands", 0, 2, 0,
		GROUP_MISC, cmd_help },
};

const struct cmd_family cmd_families[N_CMD_FAMILIES] = {
	{ "app", "work with the apps of a running pod" },
	{ "image", "work with the images in the store" },
};

const char *cmd_in_family(const struct cmd *cmd, const struct cmd_family *family)
{
	const char *rest = str_after(cmd->name, family->name);
	return rest && *rest == ' ' ? rest + 1 : NULL;
}

enum cmd_id cmd_id(const struct cmd *cmd)
{
	BUG_ON(cmd < cmds || cmd >= cmds + _CMD_MAX);
	return (enum cmd_id)(cmd - cmds);
}

const char *cmd_last_word(const struct cmd *cmd)
{
	const char *space = strchr(cmd->name, ' ');
	return space ? space + 1 : cmd->name;
}

const char *cmd_group_title(enum cmd_group group)
{
	static const char *const titles[_GROUP_MAX] = {
		[GROUP_PODS] = "PODS", [GROUP_IMAGES] = "IMAGES", [GROUP_MISC] = "OTHER"
	};
	return titles[group];
}

/* The words at one level: all first words, or all second ones behind `group`. */
struct level {
	const char *group; /* NULL: the first */
	const char *words[_CMD_MAX];
	size_t lengths[_CMD_MAX];
	size_t n;
};

static void level_add(struct level *l, const char *word, size_t length)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->lengths[i] == length && !strncmp(l->words[i], word, length))
			return;
	l->words[l->n] = word;
	l->lengths[l->n++] = length;
}

static void level_fill(struct level *l, const char *group)
{
	*l = (struct level){ .group = group };
	for (size_t i = 0; i < _CMD_MAX; i++) {
		const char *rest = cmds[i].name;
		if (group) {
			rest = str_after(rest, group);
			if (!rest || *rest++ != ' ')
				continue;
		}
		level_add(l, rest, strcspn(rest, " "));
	}
}

/* Index of the word that `text` is or begins, -1 none, -2 several. */
static int level_match(const struct level *l, const char *text)
{
	size_t n = strlen(text);
	int found = -1;
	for (size_t i = 0; n && i < l->n; i++) {
		if (n > l->lengths[i] || strncmp(l->words[i], text, n))
			continue;
		if (n == l->lengths[i])
			return (int)i;
		found = found == -1 ? (int)i : -2;
	}
	return found;
}

static int unknown(const struct level *l, const char *text, bool ambiguous, struct err *e)
{
	_clean_(str) struct str near = STR_INIT(STR_MAX_PATH);
	size_t n = strlen(text);
	for (size_t i = 0; i < l->n; i++) {
		bool begins = ambiguous && n <= l->lengths[i] && !strncmp(l->words[i], text, n);
		if (!begins &&
			(ambiguous || text_distance(text, n, l->words[i], l->lengths[i]) > 2))
			continue;
		str_addf(
			&near, "%s\"%.*s\"", near.len ? ", " : "", (int)l->lengths[i], l->words[i]);
	}
	const char *say = ambiguous ? "it may mean" : "did you mean";
	const char *group = l->group ? l->group : "";
	if (near.len)
		return ERR_NOENT(e, "unknown command \"%s%s%s\", %s %s? (see rkt help)", group,
			*group ? " " : "", text, say, str_text(&near));
	return ERR_NOENT(
		e, "unknown command \"%s%s%s\" (see rkt help)", group, *group ? " " : "", text);
}

const char *cmd_group_of(const char *word, char *buf, size_t size)
{
	struct level first;
	level_fill(&first, NULL);
	int at = level_match(&first, word);
	if (at < 0 || first.words[at][first.lengths[at]] != ' ')
		return NULL;
	snprintf(buf, size, "%.*s", (int)first.lengths[at], first.words[at]);
	return buf;
}

static const struct cmd *by_name(const char *name, size_t n)
{
	for (size_t i = 0; i < _CMD_MAX; i++)
		if (strlen(cmds[i].name) == n && !strncmp(cmds[i].name, name, n))
			return &cmds[i];
	BUG("a level holds a word that is not in the table");
}

int cmd_find(
	const char *word, const char *sub, const struct cmd **ret, int *ret_used, struct err *e)
{
	struct level l;
	level_fill(&l, NULL);
	int at = level_match(&l, word);
	if (at < 0)
		return unknown(&l, word, at == -2, e);
	char group[32];
	if (!cmd_group_of(word, group, sizeof group)) {
		*ret = by_name(l.words[at], l.lengths[at]);
		*ret_used = 1;
		return 0;
	}
	level_fill(&l, group);
	if (!sub)
		return ERR_BAD(
			e, "%s: a command is missing behind \"%s\" (see rkt help)", group, group);
	at = level_match(&l, sub);
	if (at < 0)
		return unknown(&l, sub, at == -2, e);
	/* The second word ends the name, so the whole name ends with it. */
	char name[64];
	snprintf(name, sizeof name, "%s %.*s", group, (int)l.lengths[at], l.words[at]);
	*ret = by_name(name, strlen(name));
	*ret_used = 2;
	return 0;
}
