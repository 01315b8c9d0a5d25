# SPDX-License-Identifier: Apache-2.0
# Manual pages: prose by hand in Documentation/man, SYNOPSIS and OPTIONS from the tables of cmd/.
# Completions: from the same tables, by rkt itself.
MAN := $(patsubst Documentation/man/%.in,$(B)/man/%,$(wildcard Documentation/man/*.1.in))
SHARE = $(DESTDIR)$(PREFIX)/share

# Pages name what is installed: the directory is known only then.
man_page = $(B)/mkman $(1) <Documentation/man/$(1).1.in | sed 's,@PREFIX@,$(PREFIX),g'

all: $(MAN)
$(B)/mkman: $(B)/dyn/cmd/man/main.o $(B)/dyn/house.a
	$(Q)$(CC) $(DYN_LD) -o $@ $^
$(B)/man/%.1: Documentation/man/%.1.in $(B)/mkman
	$(Q)mkdir -p $(@D)
	$(Q)set -o pipefail; $(call man_page,$*) >$@

install: install-man install-completions
.PHONY: install-man install-completions
install-man: $(MAN)
	install -d $(SHARE)/man/man1
	set -o pipefail; $(foreach m,$(MAN),$(call man_page,$(basename $(notdir $m))) >$(SHARE)/man/man1/$(notdir $m) && ) \
		cd $(SHARE)/man/man1 && chmod 644 $(notdir $(MAN))
install-completions: $(B)/rkt
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d
	$(B)/rkt completion bash >$(SHARE)/bash-completion/completions/rkt
	$(B)/rkt completion zsh >$(SHARE)/zsh/site-functions/_rkt
	$(B)/rkt completion fish >$(SHARE)/fish/vendor_completions.d/rkt.fish
