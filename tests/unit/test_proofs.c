/* SPDX-License-Identifier: Apache-2.0 */
/* The fetch worker itself, over signatures that other programs made. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/fs/io.h"
#include "stage0/fetcher.h"
#include "stage0/self.h"
#include "stage0/trust/pubkey.h"
#include "tests/unit/unit.h"

#define DATA "tests/unit/data/signatures/"
#define MANIFEST \
	"layout/blobs/sha256/8a6bf4b7953261ecbf5cb81fb2126c25150bfc23675a0e5f3a6d01a202f33406"

static struct err e;
static struct fetch_answer got;

/* Beside this program. */
static void find_worker(void)
{
	static char dir[4096];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof dir - 1);
	ck_assert(n > 0);
	for (int i = 0; i < 3; i++)
		*strrchr(dir, '/') = '\0';
	self_dir_override = dir;
}

static void add_file(struct str *out, const char *name)
{
	_clean_(mem) char *path = xasprintf(DATA "%s", name);
	ck_assert_msg(io_read_file(AT_FDCWD, path, out, &e) == 0, "%s: %s", path, unit_message(&e));
}

static int file_of(const void *head, size_t size, const struct str *bytes)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	ck_assert_int_eq(io_write_all(fd, head, size, &e), 0);
	ck_assert_int_eq(io_write_all(fd, str_text(bytes), bytes->len, &e), 0);
	ck_assert(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static int key_file(const char *name)
{
	_clean_(str) struct str bytes = STR_INIT(FETCH_KEYFILE_MAX);
	_clean_(mem) char *path = xasprintf(DATA "%s", name);
	struct pubkeys keys;
	ck_assert_msg(pubkeys_read_file(path, &keys, &e) == 0, "%s: %s", path, unit_message(&e));
	add_file(&bytes, name);
	struct fetch_keyfile head = { .size = (uint32_t)bytes.len };
	memcpy(head.fingerprint, keys.keys.v[0].fingerprint, sizeof head.fingerprint);
	pubkeys_release(&keys);
	return file_of(&head, sizeof head, &bytes);
}

static const struct fetch_proof *judge(
	enum fetch_evidence_kind kind, const char *evidence, const char *key)
{
	_clean_(str) struct str manifest = STR_INIT(STR_MAX_LINE);
	_clean_(str) struct str bytes = STR_INIT(STR_MAX_LINE);
	add_file(&manifest, MANIFEST);
	add_file(&bytes, evidence);
	const struct fetch_document document = { (uint32_t)manifest.len };
	const struct fetch_evidence head = { .kind = kind, .size = (uint32_t)bytes.len };
	const struct fetcher f = {
		.request = { .mode = FETCH_PROOFS },
		.fds = { file_of(&document, sizeof document, &manifest),
			file_of(&head, sizeof head, &bytes), key_file(key), -1 },
	};
	ck_assert_msg(fetcher_run(&f, &got, &e) == 0, "%s: %s", evidence, unit_message(&e));
	for (size_t i = 0; i < 3; i++)
		close(f.fds[i]);
	ck_assert_int_eq(got.proofs.n_bad, 0);
	ck_assert_int_eq(got.proofs.n, 1);
	return &got.proofs.v[0];
}

START_TEST(bundles)
{
	static const struct {
		const char *evidence, *key;
		enum fetch_verdict verdict;
	} rows[] = {
		{ "dsse-p256.sigstore.json", "p256.pub", FETCH_SIG_GOOD },
		{ "dsse-p384.sigstore.json", "p384.pub", FETCH_SIG_GOOD },
		{ "dsse-rsa.sigstore.json", "rsa.pub", FETCH_SIG_GOOD },
		{ "dsse-ed25519.sigstore.json", "ed25519.pub", FETCH_SIG_GOOD },
		{ "message-p256.sigstore.json", "p256.pub", FETCH_SIG_GOOD },
		{ "message-p384.sigstore.json", "p384.pub", FETCH_SIG_GOOD },
		{ "message-rsa.sigstore.json", "rsa.pub", FETCH_SIG_GOOD },
		{ "message-ed25519.sigstore.json", "ed25519.pub", FETCH_SIG_GOOD },
		{ "dsse-p256.sigstore.json", "p384.pub", FETCH_SIG_UNKNOWN_KEY },
		{ "message-rsa.sigstore.json", "p256.pub", FETCH_SIG_UNKNOWN_KEY },
		{ "dsse-other.sigstore.json", "p256.pub", FETCH_SIG_OTHER_IMAGE },
		{ "message-other.sigstore.json", "p256.pub", FETCH_SIG_OTHER_IMAGE },
		{ "dsse-attestation.sigstore.json", "p256.pub", FETCH_SIG_MALFORMED },
		{ "dsse-type.sigstore.json", "p256.pub", FETCH_SIG_MALFORMED },
		{ "README.md", "p256.pub", FETCH_SIG_MALFORMED },
	};
	find_worker();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct fetch_proof *v =
			judge(FETCH_EVIDENCE_BUNDLE, rows[i].evidence, rows[i].key);
		ck_assert_msg(v->s.verdict == rows[i].verdict && v->mechanism == FETCH_BY_BUNDLE,
			"%s: %u (%s)", rows[i].evidence, v->s.verdict, v->why);
	}
}
END_TEST

START_TEST(any_file)
{
	find_worker();
	const struct fetch_proof *v =
		judge(FETCH_EVIDENCE_ANY, "dsse-p256.sigstore.json", "p256.pub");
	ck_assert_uint_eq(v->s.verdict, FETCH_SIG_GOOD);
	ck_assert_uint_eq(v->mechanism, FETCH_BY_BUNDLE);
	ck_assert_uint_eq(v->document, 0);
	v = judge(FETCH_EVIDENCE_ANY, "README.md", "p256.pub");
	ck_assert_uint_ne(v->s.verdict, FETCH_SIG_GOOD);
}
END_TEST

UNIT_MAIN("proofs", &bundles, &any_file)
