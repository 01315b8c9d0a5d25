# shellcheck shell=bash
# Pods on pure cgroup v2 with all controllers and an older kernel, in a virtual machine (tests/testbed).
# alone
# time limit: 400

inside() { # CHECK…: of tests/testbed/inside/units.sh
	[ "$(uname -m)" = x86_64 ] || skip 'the virtual machine is an x86-64'
	export TESTBED=$TOP/build/testbed
	"$TOP/tests/testbed/build.sh" vm >"$T/build.log" 2>&1 || { tail -n 30 "$T/build.log"; fail 'the test bed cannot be made'; }
	run "$TOP/tests/testbed/vm-run.sh" -s "$TOP" -t 120 "B=$B bash tests/testbed/inside/units.sh $*"
	ok 'what ran there'
}
test_life_of_a_unit() { inside notify stop enter; }
test_limits() { inside limits delegated documentation; }
