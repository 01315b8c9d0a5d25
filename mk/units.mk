# SPDX-License-Identifier: Apache-2.0
# Units of systemd, with the path that rkt is installed to, and the group rkt.
UNIT_FILES := $(wildcard dist/init/systemd/*)
UNIT_DIR = $(DESTDIR)$(PREFIX)/lib/systemd/system
SYSUSERS_DIR = $(DESTDIR)$(PREFIX)/lib/sysusers.d
install: install-units
.PHONY: install-units
install-units: $(UNIT_FILES)
	install -d $(UNIT_DIR) $(SYSUSERS_DIR)
	install -m 644 dist/sysusers.d/rkt.conf $(SYSUSERS_DIR)/
	for unit in $(UNIT_FILES); do \
		sed 's|/usr/bin/rkt|$(PREFIX)/bin/rkt|' $$unit >$(UNIT_DIR)/$$(basename $$unit) || exit; \
	done
