# SPDX-License-Identifier: Apache-2.0
# Decoders of what comes from outside, under clang's libFuzzer with ASan and UBSan:
#   make fuzz [TIME=seconds a target, 60] [TARGETS='json volume']
# What it finds is left in build/fuzz/found-NAME-*: fix it, and keep the input in
# tests/fuzz/corpus/NAME, which tests/run replays from then on.
TIME ?= 60
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_C))
TARGETS ?= $(FUZZ_NAMES)
FUZZ_B := build/fuzz
FUZZ_FLAGS := -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -DRKT_VERSION='"$(VERSION)"' -DRKT_DATE='"$(DATE)"' -I. -I$(B)/gen \
	-include lib/base/banned.h -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

$(FUZZ_B)/%.o: %.c mk/fuzz.mk | $(GEN)
	$(Q)mkdir -p $(@D)
	$(Q)clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
# Everything, from which the linker takes what a target needs; so do the tests that replay.
$(FUZZ_B)/house.a: $(patsubst %.c,$(FUZZ_B)/%.o,$(DYN_C))
	$(Q)rm -f $@
	$(Q)ar rcsP $@ $^
$(FUZZ_B)/fuzz_%: $(FUZZ_B)/tests/fuzz/fuzz_%.o $(FUZZ_B)/house.a
	$(Q)clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS)

# One after the other: each takes a processor. What a target says is shown when it finds something;
# the others have their turn all the same.
fuzz: $(patsubst %,$(FUZZ_B)/fuzz_%,$(TARGETS))
	$(Q)found=; for t in $(TARGETS); do \
		mkdir -p $(FUZZ_B)/corpus/$$t; \
		$(FUZZ_B)/fuzz_$$t -max_total_time=$(TIME) -timeout=10 -rss_limit_mb=1024 -max_len=8192 \
			-verbosity=0 -print_final_stats=1 -artifact_prefix=$(FUZZ_B)/found-$$t- \
			$(FUZZ_B)/corpus/$$t tests/fuzz/corpus/$$t >$(FUZZ_B)/$$t.log 2>&1 || \
			{ tail -n 60 $(FUZZ_B)/$$t.log; found="$$found $$t"; }; \
		echo "fuzz $$t: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(FUZZ_B)/$$t.log) inputs"; \
	done; \
	[ -z "$$found" ] || { echo "found something:$$found (see $(FUZZ_B)/found-*)"; exit 1; }

# The corpora as a test, with the compiler at hand.
REPLAY := $(patsubst %,$(B)/tests/fuzz/replay_%,$(FUZZ_NAMES))
.PHONY: replay
replay: $(REPLAY)
$(B)/tests/fuzz/replay_%: $(B)/dyn/tests/fuzz/fuzz_%.o $(B)/dyn/tests/fuzz/replay.o $(B)/dyn/house.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LD) -o $@ $^ $(FUZZ_LIBS)
CHECK_PROGRAMS += $(REPLAY)
