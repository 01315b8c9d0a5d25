# SPDX-License-Identifier: Apache-2.0
# What tests of the network's side link with; read after fuzz.mk, whose variables it needs.
$(foreach t,html headers challenge token,$(FUZZ_B)/fuzz_$t $(B)/tests/fuzz/replay_$t): FUZZ_LIBS = -lcurl
