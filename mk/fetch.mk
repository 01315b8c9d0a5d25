# SPDX-License-Identifier: Apache-2.0
# The fetch worker: the only program that links what talks to the network or judges keys.
FETCH_LIBS := -lrnp -lcurl -lcrypto
FETCH_LIBS_EXTRA := -Wl,--as-needed

all: $(B)/libexec/rkt/fetch
$(B)/libexec/rkt/fetch: $(B)/dyn/stage0/fetch/main.o $(B)/dyn/house.a
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(DYN_LD) -o $@ $^ $(FETCH_LIBS_EXTRA) $(FETCH_LIBS)

install: install-fetch
.PHONY: install-fetch
install-fetch: $(B)/libexec/rkt/fetch
	install -D -m 755 $< $(DESTDIR)$(PREFIX)/libexec/rkt/fetch
