# SPDX-License-Identifier: Apache-2.0
# The id of the default stage1 (the digest of its archive, which is not compressed) is linked into
# rkt, and into nothing else: the image itself is made of the same objects.
$(B)/gen/stage1_default.c: $(B)/stage1-native.aci
	$(Q)mkdir -p $(@D)
	$(Q)id=$$(sha512sum $< | cut -d' ' -f1) && printf '%s\n' \
		'extern const char stage1_default_id[];' \
		"const char stage1_default_id[] = \"sha512-$$id\";" >$@
$(B)/hot/gen/stage1_default.o: $(B)/gen/stage1_default.c
	$(Q)mkdir -p $(@D)
	$(Q)$(HOT_CC) $(HOT_FLAGS) -c -o $@ $<
$(B)/rkt: $(B)/hot/gen/stage1_default.o
