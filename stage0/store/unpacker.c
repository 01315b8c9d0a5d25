/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "stage0/self.h"
#include "stage0/store/internal.h"
#include "stage0/worker.h"

enum { DEFAULT_ENTRIES = 1000000, DEFAULT_TIMEOUT = 3600 };
#define DEFAULT_BYTES (64ULL << 30)

_Static_assert((int)UNPACK_FD_INPUT == (int)WORKER_FD_FIRST, "the worker's first descriptor");
_Static_assert((int)UNPACK_FD_SOCKET == (int)WORKER_SOCKET, "the worker's socket");

static int check_answer(const struct unpack_request *q, struct unpack_answer *a, struct err *e)
{
	if (a->magic != UNPACK_MAGIC || a->version != UNPACK_VERSION || a->result > 0 ||
		a->result < -4095 || a->bytes > q->max_bytes || a->tree_bytes > q->max_bytes ||
		(q->mode != UNPACK_PACK && a->entries > q->max_entries))
		return err_set(e, ERR_PEER, EPROTO, "the unpack worker gave a senseless answer");
	err_sanitize(&a->err);
	if (a->result == 0)
		return 0;
	*e = a->err;
	if (e->kind == ERR_NONE)
		err_set(e, ERR_PEER, EPROTO, "the unpack worker failed and did not say why");
	return a->result;
}

int unpacker_start(const struct unpack_job *job, struct unpacking *u, struct err *e)
{
	*u = (struct unpacking){ .worker = WORKER_INIT };
	int r = self_worker("unpack", &u->program, e);
	if (r < 0)
		return r;
	unsigned timeout = job->timeout_s ? job->timeout_s : DEFAULT_TIMEOUT;
	u->request = (struct unpack_request){
		.magic = UNPACK_MAGIC,
		.version = UNPACK_VERSION,
		.mode = job->mode,
		.flags = job->flags,
		.max_bytes = job->max_bytes ? job->max_bytes : DEFAULT_BYTES,
		.max_entries = job->max_entries ? job->max_entries : DEFAULT_ENTRIES,
		.max_input = job->max_input,
		.cpu_seconds = 4ULL * timeout,
	};
	u->call = (struct worker_call){
		.program = u->program,
		.fds = { job->input, job->dir, job->output, job->lower },
		.request = &u->request,
		.request_size = sizeof u->request,
		.answer = &u->answer,
		.answer_size = sizeof u->answer,
		.timeout_s = timeout + job->wait_s,
	};
	return worker_start(&u->call, &u->worker, e);
}

int unpacker_finish(struct unpacking *u, struct err *e)
{
	int r = worker_finish(&u->worker, e);
	mem_cleanup(&u->program);
	return r < 0 ? r : check_answer(&u->request, &u->answer, e);
}

void unpacker_kill(struct unpacking *u)
{
	worker_kill(&u->worker);
	mem_cleanup(&u->program);
}

int unpacker_run(const struct unpack_job *job, struct unpack_answer *ret, struct err *e)
{
	struct unpacking u;
	int r = unpacker_start(job, &u, e);
	if (r >= 0)
		r = unpacker_finish(&u, e);
	unpacker_kill(&u);
	*ret = u.answer;
	return r;
}

void digest_hex(const uint8_t digest[UNPACK_DIGEST_SIZE], char ret[HEX_SIZE + 1])
{
	for (size_t i = 0; i < UNPACK_DIGEST_SIZE; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

int blob_open(struct store *s, const char *hex)
{
	return openat(s->dirfd, place(CAS_BLOB, hex).path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

int unpack_plain(int blob, int output, struct unpack_answer *ret, struct err *e)
{
	const struct unpack_job job = {
		.mode = UNPACK_PLAIN, .input = blob, .dir = -1, .output = output, .lower = -1
	};
	return unpacker_run(&job, ret, e);
}

int store_image_id(int fd, struct arena *a, const char **ret_id, struct err *e)
{
	struct unpack_answer answer;
	char hex[HEX_SIZE + 1];
	_clean_(fd) int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nowhere < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "read the archive");
	int r = unpack_plain(fd, nowhere, &answer, e);
	if (r < 0)
		return r;
	digest_hex(answer.digest, hex);
	*ret_id = arena_printf(a, ID_PREFIX "%s", hex);
	return 0;
}

int unpack_blob(struct store *s, const char *hex, struct tmp *ret, struct err *e)
{
	_clean_(tmp) struct tmp dir = TMP_INIT;
	struct unpack_answer answer;
	char got[HEX_SIZE + 1];
	_clean_(fd) int blob = blob_open(s, hex);
	if (blob < 0)
		return ERR_SYS(e, "open the stored archive of image '" ID_PREFIX "%s'", hex);
	int r = tmp_dir(s, &dir, e);
	if (r < 0)
		return r;
	const struct unpack_job job = {
		.mode = UNPACK_TREE, .input = blob, .dir = dir.fd, .output = -1, .lower = -1
	};
	r = unpacker_run(&job, &answer, e);
	if (r < 0)
		return r;
	digest_hex(answer.digest, got);
	if (strcmp(got, hex) != 0)
		return ERR_BAD(e, "the stored archive of image '" ID_PREFIX "%s' is corrupt", hex);
	*ret = dir;
	dir.fd = -1;
	return 0;
}

int rootfs_open(int dir, struct err *e)
{
	int fd = openat(dir, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 && errno != ENOENT ? ERR_SYS(e, "open 'rootfs'") : fd;
}

int rootfs_same(int have, int want, struct err *e)
{
	struct unpack_answer answer;
	const struct unpack_job job = {
		.mode = UNPACK_SAME, .input = -1, .dir = want, .output = -1, .lower = have
	};
	if (have < 0)
		return 0;
	int r = unpacker_run(&job, &answer, e);
	return r < 0 ? r : answer.differences == 0;
}
