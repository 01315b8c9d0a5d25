/* SPDX-License-Identifier: Apache-2.0 */
/* What rkt believes of the fetch worker's answers: a worker of our own gives them. */
#include "stage0/fetcher.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/fs/io.h"
#include "lib/fs/rmtree.h"
#include "stage0/self.h"
#include "tests/unit/unit.h"

#define FPR "0123456789abcdef0123456789abcdef01234567"

static char base[] = "/tmp/rkt-test-fetcher-XXXXXX";
static struct arena arena;
static struct err e;
static struct fetch_answer answer, got;

static void setup(void)
{
	memcpy(base + sizeof base - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(base));
	self_dir_override = base;
	mkdir(arena_printf(&arena, "%s/libexec", base), 0755);
	mkdir(arena_printf(&arena, "%s/libexec/rkt", base), 0755);
	const char *script = arena_printf(&arena,
		"#!/bin/sh\ndd bs=100 count=1 <&3 >/dev/null 2>&1\nexec dd if=%s/answer bs=1M "
		"count=1 >&3\n",
		base);
	const char *program = arena_printf(&arena, "%s/libexec/rkt/fetch", base);
	ck_assert_int_eq(io_write_new(AT_FDCWD, program, script, strlen(script), 0755, &e), 0);
}

static void teardown(void)
{
	(void)rmtree_at(AT_FDCWD, base, &e);
	arena_release(&arena);
}

static void good_signatures(void)
{
	answer = (struct fetch_answer){ FETCH_MAGIC, FETCH_VERSION, FETCH_OPENPGP };
	answer.signatures.n = 1;
	snprintf(answer.signatures.v[0].fingerprint, FETCH_FINGERPRINT_SIZE, FPR);
}

static void good_keys(void)
{
	answer = (struct fetch_answer){ FETCH_MAGIC, FETCH_VERSION, FETCH_KEYINFO };
	answer.keys.n = 1;
	snprintf(answer.keys.v[0].fingerprint, FETCH_FINGERPRINT_SIZE, FPR);
}

static int ask(size_t size)
{
	char *path = arena_printf(&arena, "%s/answer", base);
	const struct fetcher f = { .request = { .mode = answer.mode % _FETCH_MODE_MAX },
		.fds = { -1, -1, -1, -1 },
		.timeout_s = 10 };
	unlink(path);
	ck_assert_int_eq(io_write_new(AT_FDCWD, path, &answer, size, 0644, &e), 0);
	e = ERR_INIT;
	return fetcher_run(&f, &got, &e);
}

static void good_proofs(void)
{
	answer = (struct fetch_answer){ FETCH_MAGIC, FETCH_VERSION, FETCH_PROOFS };
	answer.proofs.n = 1;
	answer.proofs.n_documents = 1;
	snprintf(answer.proofs.v[0].s.fingerprint, FETCH_FINGERPRINT_SIZE, FPR);
}

static void good_leads(void)
{
	answer = (struct fetch_answer){ FETCH_MAGIC, FETCH_VERSION, FETCH_LEADS };
	answer.leads.n = 1;
}

START_TEST(good_answers)
{
	good_signatures();
	ck_assert_msg(ask(sizeof answer) == 0, "%s", unit_message(&e));
	ck_assert_str_eq(got.signatures.v[0].fingerprint, FPR);
	good_keys();
	ck_assert_msg(ask(sizeof answer) == 0, "%s", unit_message(&e));
	good_proofs();
	ck_assert_msg(ask(sizeof answer) == 0, "%s", unit_message(&e));
	good_leads();
	ck_assert_msg(ask(sizeof answer) == 0, "%s", unit_message(&e));
	good_keys();
	answer.keys.v[0].flags = FETCH_KEY_IS_WEAK; /* then it may be of an older kind */
	answer.keys.v[0].fingerprint[32] = '\0';
	ck_assert_msg(ask(sizeof answer) == 0, "%s", unit_message(&e));
}
END_TEST

/* Everything that a worker that was taken over may say. */
#define SIG answer.signatures
#define KEY answer.keys.v[0]
#define PROOF answer.proofs.v[0]
#define LIES(X)                                                                       \
	X(good_signatures, answer.magic++)                                            \
	X(good_signatures, answer.version++)                                          \
	X(good_signatures, answer.result = 1)                                         \
	X(good_signatures, answer.result = -5000)                                     \
	X(good_signatures, SIG.n = 0)                                                 \
	X(good_signatures, SIG.n = FETCH_SIGNATURES_MAX + 1)                          \
	X(good_signatures, SIG.n_bad = FETCH_BAD_MAX + 1)                             \
	X(good_signatures, SIG.v[0].verdict = _FETCH_SIG_MAX)                         \
	X(good_signatures, SIG.v[0].fingerprint[39] = '\0')                           \
	X(good_signatures, SIG.v[0].fingerprint[0] = '/')                             \
	X(good_signatures, memset(SIG.v[0].fingerprint, 'a', FETCH_FINGERPRINT_SIZE)) \
	X(good_signatures, SIG.v[0].fingerprint[0] = '\0')                            \
	X(good_keys, answer.keys.n = 0)                                               \
	X(good_keys, answer.keys.n = FETCH_KEYS_MAX + 1)                              \
	X(good_keys, KEY.type = _FETCH_KEY_TYPE_MAX)                                  \
	X(good_keys, KEY.flags = 8)                                                   \
	X(good_keys, KEY.fingerprint[3] = '/')                                        \
	X(good_keys, KEY.fingerprint[3] = 'A')                                        \
	X(good_keys, memset(KEY.subkeys[0], '/', FETCH_FINGERPRINT_SIZE))             \
	X(good_proofs, answer.proofs.n = FETCH_PROOFS_MAX + 1)                        \
	X(good_proofs, answer.proofs.n_bad = FETCH_BAD_MAX + 1)                       \
	X(good_proofs, answer.proofs.n_documents = FETCH_DOCUMENTS_MAX + 1)           \
	X(good_proofs, answer.proofs.n_documents = 0)                                 \
	X(good_proofs, PROOF.document = 1)                                            \
	X(good_proofs, PROOF.mechanism = _FETCH_MECHANISM_MAX)                        \
	X(good_proofs, PROOF.s.verdict = _FETCH_SIG_MAX)                              \
	X(good_proofs, PROOF.s.fingerprint[0] = '\0')                                 \
	X(good_proofs, PROOF.s.fingerprint[2] = '/')                                  \
	X(good_leads, answer.leads.n = FETCH_LEADS_MAX + 1)                           \
	X(good_leads, answer.leads.v[0].kind = _FETCH_LEAD_KIND_MAX)                  \
	X(good_leads, answer.leads.v[0].size = FETCH_EVIDENCE_BYTES + 1)
static void lie(int which)
{
	int n = 0;
#define X(make, change)         \
	if (n++ == which) {     \
		make();         \
		(void)(change); \
	}
	LIES(X)
#undef X
}
enum {
#define X(make, change) +1
	N_LIES = 0 LIES(X)
#undef X
};

START_TEST(lies)
{
	lie(_i);
	ck_assert_int_eq(ask(sizeof answer), -EPROTO);
	ck_assert_int_eq(e.kind, ERR_PEER);
}
END_TEST

START_TEST(texts_are_ended)
{
	good_keys();
	memset(KEY.uids, 'x', sizeof KEY.uids);
	memset(KEY.algorithm, 'x', sizeof KEY.algorithm);
	ck_assert_int_eq(ask(sizeof answer), 0);
	ck_assert_uint_eq(strlen(got.keys.v[0].uids[0]), FETCH_UID_SIZE - 1);
	ck_assert_uint_eq(strlen(got.keys.v[0].algorithm), sizeof KEY.algorithm - 1);
	good_proofs();
	memset(PROOF.repository, 'x', sizeof PROOF.repository);
	memset(PROOF.named, 'x', sizeof PROOF.named);
	memset(PROOF.tag, 'x', sizeof PROOF.tag);
	memset(PROOF.why, 'x', sizeof PROOF.why);
	ck_assert_int_eq(ask(sizeof answer), 0);
	ck_assert_uint_eq(strlen(got.proofs.v[0].repository), sizeof PROOF.repository - 1);
	ck_assert_uint_eq(strlen(got.proofs.v[0].tag), sizeof PROOF.tag - 1);
	ck_assert_uint_eq(strlen(got.proofs.v[0].named), sizeof PROOF.named - 1);
	ck_assert_uint_eq(strlen(got.proofs.v[0].why), sizeof PROOF.why - 1);
	good_signatures();
	memset(SIG.v[0].detail, 'x', sizeof SIG.v[0].detail);
	ck_assert_int_eq(ask(sizeof answer), 0);
	ck_assert_uint_eq(strlen(got.signatures.v[0].detail), sizeof SIG.v[0].detail - 1);
}
END_TEST

START_TEST(errors_are_passed_on)
{
	good_signatures();
	answer.result = -EINVAL;
	ERR_BAD(&answer.err, "because");
	ck_assert_int_eq(ask(sizeof answer), -EINVAL);
	ck_assert_ptr_nonnull(strstr(unit_message(&e), "because"));
	answer.err = ERR_INIT;
	ck_assert_int_eq(ask(sizeof answer), -EINVAL);
	ck_assert_int_eq(e.kind, ERR_PEER);
}
END_TEST

START_TEST(other_sizes)
{
	good_signatures();
	ck_assert_int_eq(ask(sizeof answer - 1), -EPROTO);
	ck_assert_int_eq(ask(1), -EPROTO);
}
END_TEST

START_TEST(fingerprints)
{
	ck_assert(fingerprint_valid(FPR));
	ck_assert(fingerprint_valid(
		"sha256-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
	static const char *const bad[] = { "", "sha256-", FPR "0", ("sha256-" FPR),
		"0123456789ABCDEF0123456789abcdef01234567", ".." };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!fingerprint_valid(bad[i]), "'%s'", bad[i]);
}
END_TEST

int main(void)
{
	TCase *t = unit_case(setup, teardown);
	tcase_add_test(t, good_answers);
	tcase_add_loop_test(t, lies, 0, N_LIES);
	tcase_add_test(t, texts_are_ended);
	tcase_add_test(t, errors_are_passed_on);
	tcase_add_test(t, other_sizes);
	tcase_add_test(t, fingerprints);
	return unit_end("fetcher", t);
}
