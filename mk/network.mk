# SPDX-License-Identifier: Apache-2.0
# What tests of the network's side link with; read after fuzz.mk, whose variables it needs.
FUZZ_FETCH_O := $(patsubst %,$(FUZZ_B)/%.o,stage0/fetch/html stage0/fetch/headers stage0/fetch/challenge stage0/fetch/token)
$(FUZZ_B)/fuzz_html $(FUZZ_B)/fuzz_headers $(FUZZ_B)/fuzz_challenge $(FUZZ_B)/fuzz_token: $(FUZZ_FETCH_O)
$(FUZZ_B)/fuzz_html $(FUZZ_B)/fuzz_headers $(FUZZ_B)/fuzz_challenge $(FUZZ_B)/fuzz_token $(B)/tests/fuzz/replay_html $(B)/tests/fuzz/replay_headers: FUZZ_LIBS = -lcurl
$(FUZZ_B)/fuzz_registry: $(FUZZ_B)/stage0/registry/answer.o $(FUZZ_B)/stage0/registry/reference.o
$(FUZZ_B)/fuzz_authfile: $(FUZZ_B)/stage0/registry/authfile.o
