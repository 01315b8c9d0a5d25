/* SPDX-License-Identifier: Apache-2.0 */
/* pod: the pod manifest. appc 0.8.11 spec/pods.md, schema/pod.go. */
#pragma once

#include "lib/spec/image.h"

/* The last two are ours, not appc's. */
enum volume_kind { VOLUME_HOST, VOLUME_EMPTY, VOLUME_TMPFS, VOLUME_IMAGE, _VOLUME_KIND_MAX };

/* What becomes of mounts that are made below a host volume while the pod runs
 * (mount_namespaces(7)). */
enum propagation {
	PROPAGATION_SLAVE,   /* the host's show up in the pod */
	PROPAGATION_PRIVATE, /* they do not */
	PROPAGATION_SHARED,  /* and the pod's show up on the host */
	_PROPAGATION_MAX
};

struct volume {
	const char *name;
	enum volume_kind kind;
	const char *source; /* host: absolute; image: its id, or on the command line any name */
	bool read_only, has_read_only;
	bool recursive, has_recursive; /* host; default true */
	enum propagation propagation; /* host; where none is given slave, or private if read-only */
	bool has_propagation;
	bool idmap,
		has_idmap; /* host: with users of its own the pod sees the host's ids; default no */
	struct quantity size;	 /* tmpfs: bytes; default: the kernel's */
	uint32_t mode, uid, gid; /* empty, tmpfs; mode default 0755, 1777 */
	bool has_mode, has_uid, has_gid;
};
struct mount {
	const char *volume, *path;
	struct volume *app_volume; /* overrides the pod's volume of that name; or NULL */
};
struct runtime_image {
	const char *name; /* may be NULL */
	const char *id;	  /* sha512-… */
	struct nvlist labels;
};
struct runtime_app {
	const char *name;
	struct runtime_image image;
	struct app *app; /* NULL: the image's own */
	bool read_only_root_fs;
	struct mount *mounts;
	size_t n_mounts;
	struct nvlist annotations;
};
struct exposed_port {
	const char *name;
	uint16_t host_port;
	const char *host_ip;   /* NULL: any */
	struct port *pod_port; /* or NULL */
};

struct pod_manifest {
	const char *ac_version;
	struct runtime_app *apps;
	size_t n_apps;
	struct volume *volumes;
	size_t n_volumes;
	struct isolators isolators;
	struct nvlist annotations;
	struct exposed_port *ports;
	size_t n_ports;
	struct nvlist user_annotations, user_labels;
};

int pod_manifest_decode(
	const char *bytes, size_t n, struct arena *a, struct pod_manifest **ret, struct err *e);
void pod_manifest_encode(const struct pod_manifest *m, bool pretty, struct str *out);

const struct runtime_app *pod_app(const struct pod_manifest *m, const char *name);
const struct volume *pod_volume(const struct pod_manifest *m, const char *name);

/* Sources of volumes whose mounts are shared with the host. */
void pod_shared_sources(const struct pod_manifest *m, struct arena *a, struct strlist *ret);

/* For the manifests that embed them. */
int volume_decode(struct jctx *c, const struct json *v, const struct jpath *at, struct volume *ret);
void volume_encode(struct jenc *j, const struct volume *v);

/* As rkt's --volume has it, and what is ours:
 *	NAME,kind=host,source=/p[,readOnly=BOOL][,recursive=BOOL][,propagation=slave|private|shared]
 *		[,idmap=BOOL]
 *	NAME,kind=empty[,readOnly=BOOL][,mode=…][,uid=][,gid=]
 *	NAME,kind=tmpfs[,size=64Mi] and as empty
 *	NAME,kind=image,source=IMAGE
 * The errors leave it to the caller to say which text is meant. */
int volume_parse(const char *text, struct arena *a, struct volume *ret, struct err *e);
/* "volume=NAME,target=/path", as --mount has it. */
int mount_parse(const char *text, struct arena *a, struct mount *ret, struct err *e);
