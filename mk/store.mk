# SPDX-License-Identifier: Apache-2.0
# The unpack worker and whatever tests link with it.

# libarchive.a refers to every format that it can write, and those to libraries of their own; each
# function lies in a section of its own, and what nobody calls goes, with what it refers to.
UNPACK_LIBS_EXTRA += -Wl,--gc-sections

# Tests of the store start the real worker.
$(B)/tests/unit/test_store $(B)/tests/unit/test_worker $(B)/tests/unit/test_unpack: | $(B)/libexec/rkt/unpack

# The fuzzer of archives runs reader and writer in its own process.
$(FUZZ_B)/fuzz_untar $(B)/tests/fuzz/replay_untar: FUZZ_LIBS = $(UNPACK_LIBS) $(UNPACK_LIBS_EXTRA)
