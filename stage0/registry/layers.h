/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layers: the layers of one image on their way here, several at once.
 *
 * Each is asked for when the import wants it (struct layer_supply). One that somebody else
 * downloads is looked for now and then; one that an earlier fetch left unfinished goes on where it
 * was. One that begins anew may flow: through a pipe to who unpacks it, and who writes its file.
 * Should that one not read it to the end, the download goes on in the file behind what is there.
 * One that a member of the group rkt has downloaded is taken from there (stage0/store/inbox.h).
 */
#pragma once

#include "stage0/registry/registry.h"

struct layers;
/* All that is given lives until layers_free(). progress may be NULL. */
int layers_new(struct registry *g, const struct oci_answer *manifest, const struct registry_pull *p,
	struct layers **ret, struct err *e);
struct layer_supply layers_supply(struct layers *l);
/* A descriptor of the layer with that digest, if it is here; -ENOENT. */
int layers_open(struct layers *l, const char *hex, struct err *e);
/* All of them, into their files, and nothing else. */
int layers_get(struct layers *l, struct err *e);
/* A layer was not what its digest says, and what an earlier download had left was part of it. It
 * has been removed: another try may do. l may be NULL. */
bool layers_stale(const struct layers *l);
/* imported: what was downloaded and is in no tree is not needed. NULL is fine. */
void layers_free(struct layers *l, bool imported);
