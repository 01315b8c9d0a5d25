# SPDX-License-Identifier: Apache-2.0
# Decoders of what comes from outside, under clang's libFuzzer with ASan and UBSan:
#   make fuzz [TIME=seconds a target, 60] [TARGETS='json volume']
# What it finds is left in build/fuzz/found-NAME-*: fix it, and keep the input in
# tests/fuzz/corpus/NAME, which tests/run replays from then on.
TIME ?= 60
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_C))
TARGETS ?= $(FUZZ_NAMES)
FUZZ_B := build/fuzz
FUZZ_LIB_C := $(wildcard $(addprefix lib/,base/*.c fs/*.c json/*.c spec/*.c abi/*.c))
FUZZ_FLAGS := -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -I. -I$(B)/gen -include lib/base/banned.h \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FUZZ_LIB_O := $(patsubst %.c,$(FUZZ_B)/%.o,$(FUZZ_LIB_C))

$(FUZZ_B)/%.o: %.c mk/fuzz.mk | $(GEN)
	$(Q)mkdir -p $(@D)
	$(Q)clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<
$(FUZZ_B)/fuzz_%: $(FUZZ_B)/tests/fuzz/fuzz_%.o $(FUZZ_LIB_O)
	$(Q)clang $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS)
FUZZ_SYS_O := $(patsubst %.c,$(FUZZ_B)/%.o,$(wildcard lib/sys/*.c))
$(FUZZ_B)/fuzz_cgroup $(FUZZ_B)/fuzz_sync $(FUZZ_B)/fuzz_seccomp: $(FUZZ_SYS_O)
$(FUZZ_B)/fuzz_ident: $(FUZZ_B)/stage2/ident.o
$(FUZZ_B)/fuzz_exec: $(FUZZ_B)/stage2/exec.o
$(FUZZ_B)/fuzz_config: $(FUZZ_B)/stage0/config.o
$(FUZZ_B)/fuzz_depends: $(FUZZ_B)/stage0/depends.o
$(FUZZ_B)/fuzz_env_file: $(FUZZ_B)/stage0/compose.o $(FUZZ_B)/stage0/isolators.o $(FUZZ_SYS_O)
$(FUZZ_B)/fuzz_resolve: $(FUZZ_SYS_O) $(patsubst %.c,$(FUZZ_B)/%.o,$(wildcard stage0/store/*.c) stage0/worker.c stage0/self.c)
$(FUZZ_B)/fuzz_options: $(patsubst %,$(FUZZ_B)/%.o,cmd/commands cmd/options cmd/parse stage0/compose stage0/isolators stage0/dns) $(FUZZ_SYS_O)

# One after the other: each takes a processor. What a target says is shown when it finds something.
fuzz: $(patsubst %,$(FUZZ_B)/fuzz_%,$(TARGETS))
	$(Q)set -e; for t in $(TARGETS); do \
		mkdir -p $(FUZZ_B)/corpus/$$t; \
		$(FUZZ_B)/fuzz_$$t -max_total_time=$(TIME) -timeout=10 -rss_limit_mb=1024 -max_len=8192 \
			-verbosity=0 -print_final_stats=1 -artifact_prefix=$(FUZZ_B)/found-$$t- \
			$(FUZZ_B)/corpus/$$t tests/fuzz/corpus/$$t >$(FUZZ_B)/$$t.log 2>&1 || \
			{ tail -n 60 $(FUZZ_B)/$$t.log; echo "fuzz $$t: found something"; exit 1; }; \
		echo "fuzz $$t: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(FUZZ_B)/$$t.log) inputs"; \
	done

# The corpora as a test, with the compiler at hand.
REPLAY := $(patsubst %,$(B)/tests/fuzz/replay_%,$(FUZZ_NAMES))
.PHONY: replay
replay: $(REPLAY)
$(B)/tests/fuzz/replay_%: $(B)/dyn/tests/fuzz/fuzz_%.o $(B)/dyn/tests/fuzz/replay.o $(B)/dyn/house.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LD) -o $@ $^ $(FUZZ_LIBS)
CHECK_PROGRAMS += $(REPLAY)
