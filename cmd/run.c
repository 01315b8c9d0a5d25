/* SPDX-License-Identifier: Apache-2.0 */
/* rkt run, prepare, run-prepared. */
#include <fcntl.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/launch.h"
#include "lib/abi/exitcode.h"
#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/atomic.h"

/* Where a parent that is killed with us looks for the pod: not synced, but never half written. */
static int save_uuid(const char *path, const struct pod *p, struct err *e)
{
	const char *base = path_base(path);
	_clean_(mem) char *dir = xstrndup(path, (size_t)(base - path));
	_clean_(fd) int dirfd = open(*dir ? dir : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;
	if (dirfd < 0)
		r = ERR_SYS(e, "open '%s'", *dir ? dir : ".");
	else
		r = atomic_write(
			dirfd, base, p->uuid.text, strlen(p->uuid.text), 0644, ATOMIC_VISIBLE, e);
	return r < 0 ? err_wrap(e, r, "--uuid-file-save '%s'", path) : 0;
}

/* A pod that was made but cannot be started is of no use to anyone. */
static int abandon(struct session *s, struct pod *p, int r)
{
	struct err ignored = ERR_INIT;
	pod_remove(&s->pods, p, &s->store, &ignored);
	return r;
}

/* All that `run` and `prepare` share: from the command line to a locked pod in `prepare`. */
static int make_pod(struct session *s, struct cli *cli, bool check, struct pod_parts *parts,
	struct pod *p, struct err *e)
{
	int r = session_open(s, cli, WITH_STORE | CREATE_PODS, e);
	if (r >= 0)
		r = launch_compose(s, parts, e);
	if (r >= 0 && check)
		r = launch_check(cli, parts->manifest, e);
	return r < 0 ? r : launch_prepare(s, parts, p, e);
}

int cmd_run(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	_clean_(pod) struct pod p = POD_INIT;
	struct pod_parts parts = { 0 };
	int r = make_pod(&s, cli, true, &parts, &p, e);
	if (r < 0)
		return r;
	r = pod_transition(&s.pods, &p, POD_EV_START, e);
	if (r >= 0 && cli->uuid_file_save)
		r = save_uuid(cli->uuid_file_save, &p, e);
	if (r >= 0)
		r = launch_exec(&s, &p, &parts, e);
	return abandon(&s, &p, r);
}

int cmd_prepare(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	_clean_(pod) struct pod p = POD_INIT;
	struct pod_parts parts = { 0 };
	int r = make_pod(&s, cli, false, &parts, &p, e);
	if (r < 0)
		return r;
	if (parts.users.count)
		r = launch_rehearse(&s, &p, &parts, e);
	if (r >= 0)
		r = pod_transition(&s.pods, &p, POD_EV_COMMIT, e);
	if (r < 0)
		return abandon(&s, &p, r);
	printf("%s\n", p.uuid.text);
	return EXIT_OK;
}

int cmd_run_prepared(struct cli *cli, struct err *e)
{
	_clean_(session) struct session s = SESSION_INIT;
	_clean_(pod) struct pod p = POD_INIT;
	struct pod_info info;
	int r = session_open(&s, cli, WITH_STORE | WITH_PODS, e);
	if (r >= 0)
		r = session_pod(&s, &p, e);
	if (r < 0)
		return r;
	r = pod_lock(&s.pods, &p, e);
	if (r < 0)
		return r;
	if (r == 0 || p.phase != POD_PREPARED)
		return ERR_BAD(e, "pod \"%s\" is not prepared: it is %s", p.uuid.text,
			pod_phase_state(p.phase, r == 0));
	pod_info(&p, &cli->arena, &info);
	if (!info.manifest)
		return ERR_BAD(e, "pod \"%s\": %s", p.uuid.text, info.damage);
	r = launch_check(cli, info.manifest, e);
	if (r >= 0)
		r = compose_check_volumes(info.manifest, e);
	if (r >= 0)
		r = pod_transition(&s.pods, &p, POD_EV_START, e);
	if (r >= 0)
		r = launch_exec(&s, &p, NULL, e);
	return r;
}
