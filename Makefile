# SPDX-License-Identifier: Apache-2.0
# rkt: one plain GNU Makefile. Everything that is built lies in $(B); `make help` lists the targets.
#
#   CC=clang            another compiler (gcc 12 and clang 14 are tested)
#   SAN=1               AddressSanitizer and UBSan, in build/san
#   HOT_CC=             the compiler of the programs on the hot path (musl-gcc: static, tiny)
#   V=1                 show commands

.SUFFIXES:
.SECONDARY:
.DELETE_ON_ERROR:
SHELL := /bin/bash
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 2.0.0
DATE := 2026-11-23
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
HOST_CC ?= gcc
JOBS ?= $(shell nproc)
ifndef MAKELEVEL
MAKEFLAGS += -j$(JOBS)
endif
ifeq ($(V),)
Q := @
endif

B := build$(if $(SAN),/san)$(if $(FUZZ),/fuzz)$(if $(filter clang%,$(CC)),/clang)

WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough \
	-Wno-missing-field-initializers -Wno-unknown-pragmas
CPP := -D_GNU_SOURCE -DRKT_VERSION='"$(VERSION)"' -DRKT_DATE='"$(DATE)"' -I. -I$(B)/gen -include lib/base/banned.h
CFLAGS ?= -O2 -g
HARDEN := -fstack-protector-strong -fno-plt -fno-common
BASE := -std=gnu11 $(CFLAGS) $(WARN) $(HARDEN)
DYN_FLAGS := $(BASE) $(CPP)
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# The hot path (rkt, stage1) is linked statically with musl: exec to main costs a fraction of
# glibc's (Documentation/devel/architecture.md). musl-gcc does not see the kernel's headers; links to those
# of the system are made in $(B)/kernel.
ifneq ($(SAN)$(FUZZ)$(filter clang%,$(CC)),)
HOT_CC ?= $(CC)
HOT_FLAGS := $(DYN_FLAGS)
HOT_LD :=
HOT_DEP :=
else
HOT_CC ?= musl-gcc
HOT_FLAGS := $(BASE) $(CPP) -isystem $(B)/kernel -D_FORTIFY_SOURCE=0 -fno-pie -fno-asynchronous-unwind-tables
HOT_LD := -static -no-pie -Wl,--gc-sections -Wl,-z,norelro -Wl,-z,noseparate-code
HOT_FLAGS += -ffunction-sections -fdata-sections
HOT_DEP := $(B)/kernel/linux
HEAP_C := lib/heap/heap.c
endif
ifneq ($(SAN),)
DYN_FLAGS += $(SAN_FLAGS)
DYN_LD += $(SAN_FLAGS)
HOT_FLAGS += $(SAN_FLAGS)
HOT_LD += $(SAN_FLAGS)
endif

# --- sources ------------------------------------------------------------------------------------
# Every program has one main.c; everything else of a folder goes into an archive, from which the
# linker takes what is needed. The workers alone link decompressors, digests, keys and network.
LIB_C := $(filter-out lib/heap/%,$(wildcard lib/*/*.c))
STAGE2_C := $(wildcard stage2/*.c)
STAGE1_C := $(filter-out %/main.c,$(wildcard stage1/*.c stage1/native/*.c stage1/fly/*.c))
STAGE0_C := $(wildcard stage0/*.c stage0/store/*.c stage0/pod/*.c stage0/trust/*.c stage0/remote/*.c stage0/oci/*.c stage0/registry/*.c)
CONFINE_C := $(wildcard stage0/confine/*.c)
UNPACK_C := $(filter-out %/main.c,$(wildcard stage0/unpack/*.c))
FETCH_C := $(filter-out %/main.c,$(wildcard stage0/fetch/*.c))
CMD_C := $(filter-out %/main.c,$(wildcard cmd/*.c))
HOT_C := $(LIB_C) $(STAGE2_C) $(STAGE1_C) $(STAGE0_C) $(CMD_C)
DYN_C := $(HOT_C) $(CONFINE_C) $(UNPACK_C) $(FETCH_C)
TEST_C := $(wildcard tests/unit/test_*.c)
HELPER_C := $(wildcard tests/helpers/*.c)
FUZZ_C := $(wildcard tests/fuzz/fuzz_*.c)

hot = $(patsubst %.c,$(B)/hot/%.o,$(1))
dyn = $(patsubst %.c,$(B)/dyn/%.o,$(1))

PROGRAMS := $(B)/rkt $(B)/libexec/rkt/unpack $(B)/stage1-native.aci $(B)/stage1-fly.aci
UNPACK_LIBS := -l:libarchive.a -lcrypto -lzstd -llzma -lbz2 -lz -lisal
UNPACK_LIBS_EXTRA :=
CHECK_LIBS := -lcheck -lsubunit -lm -lrt -lpthread

.PHONY: all deps demo check bench bench-fetch fuzz install format lint clean help
all: $(PROGRAMS)

help:
	@echo 'all             build/rkt, its worker, the stage1 images and the manual pages'
	@echo 'deps            install what building and testing need (root)'
	@echo 'demo            pods of Debian packages, from images to clean-up (root)'
	@echo 'check           install what is needed, build and pass everything (root)'
	@echo 'check-programs  build what the tests run, and no more'
	@echo 'bench           start-up, memory and fetching next to other programs (root)'
	@echo 'bench-fetch     fetching alone'
	@echo 'fuzz            fuzz the decoders: TIME=60 seconds each, TARGETS="json volume"'
	@echo 'install         everything, below DESTDIR= PREFIX=$(PREFIX)'
	@echo 'format          clang-format on every source file'
	@echo 'lint            the checks of the source alone'
	@echo 'clean           remove build/'

GEN :=
CHECK_PROGRAMS :=
-include mk/*.mk

$(B)/kernel/linux:
	$(Q)mkdir -p $(@D)
	$(Q)ln -sfn /usr/include/asm-generic $(@D)/asm-generic
	$(Q)ln -sfn /usr/include/$(shell $(HOST_CC) -print-multiarch)/asm $(@D)/asm
	$(Q)ln -sfn /usr/include/linux $@

$(B)/hot/%.o: %.c Makefile | $(HOT_DEP) $(GEN)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOT_CC) $(HOT_FLAGS) -MMD -MP -c -o $@ $<
$(B)/dyn/%.o: %.c Makefile | $(GEN)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(DYN_FLAGS) -MMD -MP -c -o $@ $<

# What defines calloc() must not be taken for a caller of it.
$(B)/hot/lib/heap/heap.o: HOT_FLAGS += -fno-builtin
$(B)/hot/house.a: $(call hot,$(HOT_C) $(HEAP_C))
	$(Q)rm -f $@ && ar rcsP $@ $^
$(B)/dyn/house.a: $(call dyn,$(DYN_C))
	$(Q)rm -f $@ && ar rcsP $@ $^

$(B)/rkt: $(B)/hot/cmd/main.o $(B)/hot/house.a
	$(Q)$(HOT_CC) $(HOT_LD) -o $@ $^
$(B)/libexec/rkt/unpack: $(B)/dyn/stage0/unpack/main.o $(B)/dyn/house.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LD) -o $@ $^ $(UNPACK_LIBS) $(UNPACK_LIBS_EXTRA)

# --- stage1 images ------------------------------------------------------------------------------
# One multi-call program per flavor; reproducible archives (sorted, no owner, no time).
$(B)/stage1/%/rootfs/stage1: $(B)/hot/stage1/%/main.o $(B)/hot/house.a
	$(Q)mkdir -p $(@D)
	$(Q)$(HOT_CC) $(HOT_LD) $(if $(SAN),,-s) -o $@ $^
$(B)/stage1-%.aci: $(B)/stage1/%/rootfs/stage1 stage1/%/manifest.in
	$(Q)for d in rkt/status rkt/env opt/stage2; do install -d -m 755 $(B)/stage1/$*/rootfs/$$d; done
	$(Q)for l in run enter stop gc; do ln -sfn stage1 $(B)/stage1/$*/rootfs/$$l; done
	$(Q)sed -e 's/@VERSION@/$(VERSION)/' -e "s/@ARCH@/$(ACARCH)/" stage1/$*/manifest.in >$(B)/stage1/$*/manifest
	$(Q)tar -C $(B)/stage1/$* --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -cf $@ manifest rootfs
ACARCH := $(shell uname -m | sed 's/x86_64/amd64/')

# --- tests ---------------------------------------------------------------------------------------
UNIT := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(TEST_C))
$(B)/tests/unit/%: $(B)/dyn/tests/unit/%.o $(B)/dyn/house.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LD) -o $@ $^ $(CHECK_LIBS) $(UNPACK_LIBS) $(UNPACK_LIBS_EXTRA) -ljson-c -lseccomp -lcap
HELPERS := $(patsubst tests/helpers/%.c,$(B)/tests/helpers/%,$(HELPER_C))
# Helpers run inside images too: always static.
$(B)/tests/helpers/%: tests/helpers/%.c Makefile | $(HOT_DEP)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) $(BASE) -D_GNU_SOURCE -I. -static -o $@ $<

# Everything that tests/run runs. Parts add to CHECK_PROGRAMS in mk/*.mk.
.PHONY: check-programs
check-programs: all $(UNIT) $(HELPERS) $(CHECK_PROGRAMS)
check:
	$(Q)$(MAKE) --no-print-directory deps
	$(Q)$(MAKE) --no-print-directory check-programs
	$(Q)B=$(B) tests/run

demo:
	$(Q)$(MAKE) --no-print-directory deps
	$(Q)$(MAKE) --no-print-directory all $(HELPERS)
	$(Q)tests/demo.sh
	$(Q)tests/demo-trust.sh

bench:
	$(Q)$(MAKE) --no-print-directory deps
	$(Q)$(MAKE) --no-print-directory all $(HELPERS)
	$(Q)tests/bench/run
	$(Q)tests/bench/fetch

bench-fetch:
	$(Q)$(MAKE) --no-print-directory deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tests/bench/fetch

install: all
	install -D -m 755 $(B)/rkt $(DESTDIR)$(PREFIX)/bin/rkt
	install -D -m 755 $(B)/libexec/rkt/unpack $(DESTDIR)$(PREFIX)/libexec/rkt/unpack
	install -D -m 644 $(B)/stage1-native.aci $(DESTDIR)$(PREFIX)/libexec/rkt/stage1-native.aci
	install -D -m 644 $(B)/stage1-fly.aci $(DESTDIR)$(PREFIX)/libexec/rkt/stage1-fly.aci

SOURCES := $(shell find cmd stage0 stage1 stage2 lib tools tests -name '*.[ch]' 2>/dev/null)
format:
	clang-format -i $(SOURCES)
lint:
	$(Q)tests/lint/run

clean:
	rm -rf build

-include $(shell find $(B) -path $(B)/testbed -prune -o -name '*.d' -type f -print 2>/dev/null)
