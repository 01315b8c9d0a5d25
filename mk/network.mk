# SPDX-License-Identifier: Apache-2.0
# What tests of the network's side link with; read after fuzz.mk, whose variables it needs.
FUZZ_FETCH_O := $(patsubst %,$(FUZZ_B)/%.o,stage0/fetch/html stage0/fetch/headers)
$(FUZZ_B)/fuzz_html $(FUZZ_B)/fuzz_headers: $(FUZZ_FETCH_O)
$(FUZZ_B)/fuzz_html $(FUZZ_B)/fuzz_headers $(B)/tests/fuzz/replay_html $(B)/tests/fuzz/replay_headers: FUZZ_LIBS = -lcurl
