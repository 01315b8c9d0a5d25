# SPDX-License-Identifier: Apache-2.0
# The default system call filter is compiled ahead of time, so that nothing that starts an app links
# libseccomp. The generator runs on the machine that builds.
$(B)/tools/filter_gen: tools/filter_gen.c tools/newer.h lib/sys/filter_checks.h mk/filter.mk
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -I. -o $@ $< -lseccomp
$(B)/gen/filter_default.h: $(B)/tools/filter_gen
	$(Q)mkdir -p $(@D)
	$(Q)$< >$@
GEN += $(B)/gen/filter_default.h
# … and so are the numbers of system calls, for the filters that manifests ask for.
$(B)/tools/syscall_gen: tools/syscall_gen.c tools/newer.h mk/filter.mk
	$(Q)mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -I. -o $@ $< -lseccomp
$(B)/gen/filter_names.h: $(B)/tools/syscall_gen
	$(Q)mkdir -p $(@D)
	$(Q)$< >$@
GEN += $(B)/gen/filter_names.h
