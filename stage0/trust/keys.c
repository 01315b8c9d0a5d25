/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/trust/keys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/str.h"
#include "lib/fs/io.h"

enum { ALL_KEYS_MAX = 32 * 1024 * 1024 };

const char *trust_verdict_text(uint32_t verdict)
{
	static const char *const texts[_FETCH_SIG_MAX] = {
#define X(id, text) [FETCH_SIG_##id] = text,
		FETCH_SIGNATURE(X)
#undef X
	};
	return texts[verdict];
}

static int add_keyfile(const struct trust_entry *entry, int out, struct err *e)
{
	struct fetch_keyfile head = { 0 };
	_clean_(str) struct str bytes = STR_INIT(FETCH_KEYFILE_MAX);
	_clean_(fd) int fd = open(entry->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return ERR_SYS(e, "open '%s'", entry->path);
	int r = io_read_fd(fd, entry->path, &bytes, e);
	if (r < 0)
		return r;
	head.size = (uint32_t)bytes.len;
	snprintf(head.fingerprint, sizeof head.fingerprint, "%s", entry->fingerprint);
	r = io_write_all(out, &head, sizeof head, e);
	return r < 0 ? r : io_write_all(out, str_text(&bytes), bytes.len, e);
}

int trust_keys_file(struct trust_keys *c, struct err *e)
{
	const struct trust_entries *all = &c->all;
	_clean_(fd) int fd = memfd_create("keys", MFD_CLOEXEC);
	c->n_keys = 0;
	c->index = ARENA_ARRAY(c->a, size_t, all->n);
	if (fd < 0)
		return ERR_SYS(e, "memfd_create");
	for (size_t i = 0; i < all->n; i++) {
		const struct trust_entry *entry = &all->v[i];
		if (entry->kind != TRUST_KEY || entry->mask || entry->masked || entry->misplaced)
			continue;
		int r = add_keyfile(entry, fd, e);
		if (r < 0)
			return r;
		c->index[c->n_keys++] = i;
	}
	if (lseek(fd, 0, SEEK_CUR) > ALL_KEYS_MAX)
		return ERR_BAD(e, "the trusted keys are larger than %d bytes", ALL_KEYS_MAX);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return ERR_SYS(e, "seek");
	return take_fd(&fd);
}

const char *trust_keys_where(const struct trust_keys *c, const char *fingerprint)
{
	_clean_(str) struct str out = STR_INIT(STR_MAX_PATH);
	size_t n = strlen(fingerprint);
	for (size_t i = 0; n && i < c->all.n; i++) {
		const struct trust_entry *entry = &c->all.v[i];
		size_t m = strlen(entry->fingerprint);
		/* A signature may name its maker by the last digits only. */
		if (entry->mask || entry->kind != TRUST_KEY || n > m ||
			strcmp(entry->fingerprint + m - n, fingerprint) != 0)
			continue;
		str_addf(&out, "%s%s\"%s\"%s", out.len ? ", " : "", entry->prefix ? "prefix " : "",
			entry->prefix ? entry->prefix : "every name",
			entry->masked ? " (but masked)" : "");
	}
	return arena_strdup(c->a, str_text(&out));
}

int trust_keys_deny(
	const struct trust_keys *k, const char *fingerprint, const char *name, struct err *e)
{
	return ERR_DENY(e,
		"signature made by unknown entity: key %s is trusted for %s, not for \"%s\"; "
		"`rkt trust --prefix=%s FILE` trusts the public key in FILE",
		fingerprint, trust_keys_where(k, fingerprint), name, name);
}

int trust_keys_check(const struct trust_keys *c, const struct trust_entries *in_force,
	const struct fetch_badfile *bad, size_t n_bad, struct err *e)
{
	for (size_t i = 0; i < in_force->n; i++) {
		const struct trust_entry *entry = &in_force->v[i];
		if (entry->misplaced)
			return ERR_BAD(
				e, "'%s' is not named by the fingerprint of a key", entry->path);
		for (size_t b = 0; b < n_bad; b++) {
			uint32_t at = bad[b].index;
			if (at < c->n_keys && entry->path == c->all.v[c->index[at]].path)
				return ERR_BAD(e, "key file '%s': %s", entry->path, bad[b].why);
		}
	}
	return 0;
}
