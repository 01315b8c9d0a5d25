/* SPDX-License-Identifier: Apache-2.0 */
/* app: the "app" object of image and pod manifests. appc 0.8.11 spec/aci.md, schema/types/app.go.
 */
#pragma once

#include "lib/spec/isolator.h"

struct event_handler {
	const char *name; /* "pre-start" or "post-stop"; one of each at most */
	struct strlist exec;
};
struct mount_point {
	const char *name, *path;
	bool read_only;
};
struct port {
	const char *name, *protocol;
	uint16_t port;
	uint32_t count; /* 1 where not given */
	bool socket_activated;
};

struct app {
	struct strlist exec; /* may be empty: then the pod or the command line gives it */
	const char *user, *group;
	uint32_t *supplementary_gids;
	size_t n_supplementary_gids;
	struct event_handler *event_handlers;
	size_t n_event_handlers;
	const char *working_directory; /* NULL: "/" */
	struct nvlist environment;
	struct mount_point *mount_points;
	size_t n_mount_points;
	struct port *ports;
	size_t n_ports;
	struct isolators isolators;
	struct nvlist user_annotations, user_labels; /* objects in JSON */
};

const struct event_handler *app_event_handler(const struct app *app, const char *name);
/* Deep enough to be edited: the lists are copies, strings and raw values remain the original's,
 * whose arena has to live as long. */
struct app *app_clone(struct arena *a, const struct app *app);

/* For the manifests that embed it. */
/* J_CUSTOM's decode; target is struct app **. */
int app_decode(struct jctx *c, const struct json *v, const struct jpath *at, void *target);
struct jenc;
void app_encode(struct jenc *j, const struct app *app);
int port_decode(struct jctx *c, const struct json *v, const struct jpath *at, struct port *port);
void port_encode(struct jenc *j, const struct port *port);
