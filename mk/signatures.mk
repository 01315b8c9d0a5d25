# SPDX-License-Identifier: Apache-2.0
# What tests of signatures link with; read after fuzz.mk, whose variables it needs.
$(foreach t,openpgp keys,$(FUZZ_B)/fuzz_$t $(B)/tests/fuzz/replay_$t): FUZZ_LIBS = -lrnp -lcrypto
