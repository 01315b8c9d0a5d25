# SPDX-License-Identifier: Apache-2.0
# Every source file through the compiler at hand, without linking.
.PHONY: lint-objects
lint-objects: $(call dyn,$(sort $(DYN_C) $(wildcard cmd/main.c stage0/unpack/main.c stage0/fetch/main.c stage1/*/main.c) $(TEST_C)))
