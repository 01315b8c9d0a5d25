/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/spec/oci.h"
#include "tests/fuzz/fuzz.h"

/* The first byte says which document follows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct oci_answer answer;
	struct str manifest = STR_INIT(STR_MAX_MANIFEST);
	struct oci_query q = {
		.magic = OCI_MAGIC, .os = "linux", .arch = "amd64", .variant = "v1", .name = "x"
	};
	struct err e;
	if (!size)
		return 0;
	q.document = *data % _OCI_DOCUMENT_MAX;
	_clean_(mem) char *text = fuzz_text(data + 1, size - 1);
	if (oci_decode(&q, text, size - 1, &answer, &manifest, &e) < 0) {
		FUZZ_HOLDS(e.kind != ERR_NONE && e.len > 0);
	} else {
		FUZZ_HOLDS(oci_answer_check(&answer, &e) == 0);
		FUZZ_HOLDS(answer.manifest_size == manifest.len);
		FUZZ_HOLDS(q.document == OCI_INDEX || answer.n_layers > 0);
	}
	str_release(&manifest);
	return 0;
}
