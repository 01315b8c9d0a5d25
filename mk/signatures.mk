# SPDX-License-Identifier: Apache-2.0
# What tests of signatures link with; read after fuzz.mk, whose variables it needs.
$(FUZZ_B)/fuzz_payload: $(patsubst %,$(FUZZ_B)/%.o,stage0/fetch/payload stage0/fetch/leads)
$(FUZZ_B)/fuzz_openpgp: $(patsubst %,$(FUZZ_B)/%.o,stage0/fetch/message stage0/fetch/judge stage0/fetch/pgp)
$(FUZZ_B)/fuzz_openpgp $(B)/tests/fuzz/replay_openpgp: FUZZ_LIBS = -lrnp
$(FUZZ_B)/fuzz_lookaside: $(patsubst %,$(FUZZ_B)/%.o,stage0/trust/lookaside stage0/trust/keystore stage0/fetcher stage0/worker stage0/self) $(FUZZ_SYS_O)
