/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "lib/sys/caps.h"
#include "stage2/plan.h"

static const char *const kinds[] = {
	[MNT_PROC] = "proc",
	[MNT_SYSFS] = "sysfs",
	[MNT_TMPFS] = "tmpfs",
	[MNT_DEVPTS] = "devpts",
	[MNT_MQUEUE] = "mqueue",
	[MNT_DEVICE] = "device",
	[MNT_CONSOLE] = "console",
	[MNT_NO_DEVICES] = "no-devices",
	[MNT_LINK] = "link",
	[MNT_BIND] = "bind",
	[MNT_BIND_FILE] = "file",
	[MNT_CGROUPS] = "cgroups",
	[MNT_MASK] = "mask",
	[MNT_READ_ONLY] = "read-only",
	[MNT_ROOT_READ_ONLY] = "root-read-only",
};

static const struct {
	unsigned long flag;
	const char *text;
} flags[] = {
	{ MS_RDONLY, "ro" },
	{ MS_NOSUID, "nosuid" },
	{ MS_NODEV, "nodev" },
	{ MS_NOEXEC, "noexec" },
};

static void print_text(struct str *out, const char *label, const char *text)
{
	char safe[STR_MAX_PATH];
	text_escape(text, safe, sizeof safe);
	str_addf(out, "%s %s\n", label, safe);
}

static void print_mount(const struct mnt_op *op, struct str *out)
{
	char safe[STR_MAX_PATH];
	text_escape(op->dst, safe, sizeof safe);
	str_addf(out, "mount %s %s", kinds[op->kind], safe);
	if (op->src) {
		text_escape(op->src, safe, sizeof safe);
		str_addf(out, " from=%s", safe);
	}
	if (op->rdev)
		str_addf(out, " rdev=%u:%u", major(op->rdev), minor(op->rdev));
	if (op->data)
		str_addf(out, " data=%s", op->data);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (op->flags & flags[i].flag)
			str_addf(out, " %s", flags[i].text);
	const struct {
		bool on;
		const char *text;
	} words[] = {
		{ op->recursive, "recursive" },
		{ op->idmap, "idmap" },
		{ op->no_symlinks, "no-symlinks" },
		{ op->optional, "optional" },
		{ op->keep_existing, "keep-existing" },
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].on)
			str_addf(out, " %s", words[i].text);
	if (op->is_empty_volume)
		str_addf(out, " empty mode=%04o uid=%u gid=%u", op->mode, op->uid, op->gid);
	str_addc(out, '\n');
}

static void print_cred(const struct cred_plan *cred, struct str *out)
{
	print_text(out, "user", cred->user);
	print_text(out, "group", cred->group);
	for (size_t i = 0; i < cred->n_supplementary_gids; i++)
		str_addf(out, "gid %u\n", cred->supplementary_gids[i]);
	str_add(out, "caps");
	if (cred->caps == CAPS_EVERY)
		str_add(out, " every");
	else
		for (unsigned i = 0; i < _CAP_MAX; i++)
			if (cred->caps >> i & 1)
				str_addf(out, " %s", cap_name(i));
	str_addf(out, "\nambient %s\nno-new-privileges %s\n", cred->ambient ? "yes" : "no",
		cred->no_new_privs ? "yes" : "no");
}

static void print_handler(const char *label, const struct event_handler *h, struct str *out)
{
	for (size_t i = 0; h && i < h->exec.n; i++)
		print_text(out, label, h->exec.v[i]);
}

void app_plan_print(const struct app_plan *plan, struct str *out)
{
	print_text(out, "app", plan->name);
	for (size_t i = 0; i < plan->argv.n; i++)
		print_text(out, "arg", plan->argv.v[i]);
	for (size_t i = 0; i < plan->envv.n; i++)
		print_text(out, "env", plan->envv.v[i]);
	print_text(out, "cwd", plan->cwd);
	print_handler("pre-start", plan->pre_start, out);
	print_handler("post-stop", plan->post_stop, out);
	print_cred(&plan->cred, out);
	static const char *const filters[] = {
		[FILTER_NONE] = "none", [FILTER_DEFAULT] = "default", [FILTER_LIST] = "list"
	};
	str_addf(out, "filter %s\n", filters[plan->filter]);
	if (plan->selinux)
		print_text(out, "selinux", plan->selinux);
	if (plan->apparmor)
		print_text(out, "apparmor", plan->apparmor);
	for (size_t i = 0; i < plan->n_rlimits; i++)
		str_addf(out, "limit %s %" PRIu64 ":%" PRIu64 "\n", plan->rlimits[i].name,
			plan->rlimits[i].soft, plan->rlimits[i].hard);
	if (plan->oom_score_adj != INT64_MIN)
		str_addf(out, "oom-score-adj %" PRId64 "\n", plan->oom_score_adj);
	const struct {
		const char *label, *unit;
		uint64_t value;
	} limits[] = {
		{ "memory-limit", "", plan->limits.memory },
		{ "memory-request", "", plan->limits.memory_request },
		{ "cpu-limit", "m", plan->limits.cpu_milli },
		{ "cpu-shares", "", plan->limits.cpu_shares },
		{ "pids-limit", "", plan->limits.pids },
		{ "block-bandwidth", "", plan->limits.block_bandwidth },
		{ "block-iops", "", plan->limits.block_iops },
	};
	for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
		if (limits[i].value)
			str_addf(out, "%s %" PRIu64 "%s\n", limits[i].label, limits[i].value,
				limits[i].unit);
	for (size_t i = 0; i < plan->report.n; i++) {
		const struct report_line *line = &plan->report.v[i];
		print_text(out, report_state_name(line->state), line->isolator);
		if (line->why)
			str_addf(out, " because %s\n", line->why);
	}
	for (size_t i = 0; i < plan->n_mounts; i++)
		print_mount(&plan->mounts[i], out);
}
