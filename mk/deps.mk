# SPDX-License-Identifier: Apache-2.0
# What has to be installed: tests/deps.txt says what, and why.
.PHONY: deps
deps:
	$(Q)tests/deps.sh
