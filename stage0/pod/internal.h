/* SPDX-License-Identifier: Apache-2.0 */
/* internal: what the files of stage0/pod share and nobody else uses. */
#pragma once

#include "lib/base/str.h"
#include "stage0/pod/pod.h"

enum { POD_PATH_MAX = 64 };

/* "run/<uuid>", relative to the directory of all pods. */
void pod_path(const struct uuid *uuid, enum pod_phase phase, char buf[POD_PATH_MAX]);
bool pod_is_at(struct pods *ps, const struct uuid *uuid, enum pod_phase phase);
/* Makes what is missing, and shares it. */
int pods_make_phases(struct pods *ps, struct err *e);
/* Where there is a group rkt, its members may look: the directories of all phases become its own,
 * and what is made in `embryo` inherits it. What apps wrote is closed by the pod's own directories
 * (Documentation/abi/pod-directory.md). */
int pods_share(struct pods *ps, struct err *e);
/* Opens the pod where it is; `from` is the first phase in which it can be. -ENOENT: nowhere. */
int pod_find(struct pods *ps, const struct uuid *uuid, enum pod_phase from, struct pod *ret,
	struct err *e);

/* Where the event leads from that phase; _POD_PHASE_MAX: nowhere, it is refused. */
enum pod_phase pod_next_phase(enum pod_phase phase, enum pod_event ev);

/* Makes moves between two phases survive a power cut. */
int pods_sync(struct pods *ps, enum pod_phase from, enum pod_phase to, struct err *e);

/* Records what --insecure-options loosened, if anything. */
int pod_write_insecure(struct pod *p, bool caps, bool paths, bool seccomp, struct err *e);

/* What is to be executed of a pod's stage1: from its own copy of the manifest. */
struct pod_stage1 {
	struct arena arena;
	const char *id;
	const struct image_manifest *manifest;
	unsigned interface;
	bool no_overlay;
};
#define POD_STAGE1_INIT ((struct pod_stage1){ 0 })
static inline void pod_stage1_cleanup(struct pod_stage1 *s)
{
	arena_release(&s->arena);
}
int pod_stage1_load(struct pod *p, struct pod_stage1 *ret, struct err *e);

/* Its tree is not mounted read-only. */
bool stage1_writable(const struct pod_stage1 *st);

/* The entry point of stage1/rootfs below the working directory, links resolved as if that were "/";
 * the caller frees it. */
int stage1_program(const char *entry, char **ret, struct err *e);
/* All descriptors from 3 on are closed by the next exec. */
void close_on_exec_all(void);

/* The pod's own manifest; the arena owns it. */
int pod_read_manifest(
	struct pod *p, struct arena *a, const struct pod_manifest **ret, struct err *e);

/* The name of the tree that an app's root is made of, as prepare wrote it down. */
int pod_app_tree(struct pod *p, const struct runtime_app *app, struct arena *a, const char **ret,
	struct err *e);

/* Executes it with these arguments, argv[0] included; returns only on failure. */
int stage1_exec(const char *program, const struct strv *args, struct err *e);
/* stage1's `gc` entry point for a pod that has ended; nothing to do is success. */
int pod_stage1_gc(struct pod *p, struct store *s, const char *local_config, struct err *e);
