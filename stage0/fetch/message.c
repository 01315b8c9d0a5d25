/* SPDX-License-Identifier: Apache-2.0 */
#include "stage0/fetch/message.h"

#include "lib/base/cleanup.h"

/* What execute returns says nothing (Documentation/devel/architecture.md): each signature is judged
 * alone. */
static int judge_all(rnp_ffi_t ffi, rnp_op_verify_t op, struct judged *ret, struct err *e)
{
	size_t n = 0;
	ret->n = 0;
	(void)rnp_op_verify_execute(op);
	if (rnp_op_verify_get_signature_count(op, &n) != RNP_SUCCESS || n == 0)
		return ERR_BAD(e, "no OpenPGP signature that can be read is in it");
	for (size_t i = 0; i < n && i < FETCH_SIGNATURES_MAX; i++) {
		rnp_op_verify_signature_t sig;
		struct fetch_signature *v = &ret->v[ret->n++];
		*v = (struct fetch_signature){ .verdict = FETCH_SIG_WRONG };
		if (rnp_op_verify_get_signature_at(op, i, &sig) == RNP_SUCCESS)
			pgp_judge(ffi, sig, v);
	}
	return 0;
}

static int failed(struct err *e, rnp_result_t r)
{
	return ERR_BAD(e, "verify: %s", rnp_result_to_string(r));
}

int message_verify(rnp_ffi_t ffi, const void *bytes, size_t n, struct judged *ret,
	struct str *content, struct err *e)
{
	_clean_(rnp_input) rnp_input_t input = NULL;
	_clean_(rnp_output) rnp_output_t output = NULL;
	_clean_(rnp_verify) rnp_op_verify_t op = NULL;
	uint8_t *buf;
	size_t len;
	rnp_result_t r = rnp_input_from_memory(&input, bytes, n, false);
	if (r == RNP_SUCCESS)
		r = rnp_output_to_memory(&output, FETCH_SIGNATURES_BYTES);
	if (r == RNP_SUCCESS)
		r = rnp_op_verify_create(&op, ffi, input, output);
	if (r != RNP_SUCCESS)
		return failed(e, r);
	int s = judge_all(ffi, op, ret, e);
	if (s < 0 || !judged_good(ret))
		return s;
	r = rnp_output_memory_get_buf(output, &buf, &len, false);
	if (r != RNP_SUCCESS)
		return failed(e, r);
	str_addn(content, buf, len);
	return str_ok(content) ? 0 : ERR_BAD(e, "the signed message is too large");
}

int message_verify_detached(rnp_ffi_t ffi, const struct str *packets, const void *bytes, size_t n,
	struct judged *ret, struct err *e)
{
	_clean_(rnp_input) rnp_input_t signatures = NULL;
	_clean_(rnp_input) rnp_input_t input = NULL;
	_clean_(rnp_verify) rnp_op_verify_t op = NULL;
	rnp_result_t r = rnp_input_from_memory(
		&signatures, (const uint8_t *)packets->buf, packets->len, false);
	if (r == RNP_SUCCESS)
		r = rnp_input_from_memory(&input, bytes, n, false);
	if (r == RNP_SUCCESS)
		r = rnp_op_verify_detached_create(&op, ffi, input, signatures);
	return r == RNP_SUCCESS ? judge_all(ffi, op, ret, e) : failed(e, r);
}
