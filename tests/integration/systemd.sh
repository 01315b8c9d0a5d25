# shellcheck shell=bash
# Pods as services of systemd, on both kinds of cgroups. The machines are made once, from Debian packages, in build/testbed.
# alone
# time limit: 500

testbed() {
	export TESTBED=${TESTBED:-$TOP/build/testbed}
	cd "$TOP" || return
	[ -s "$TESTBED/snap" ] || flock "$TOP/build/testbed.lock" "$TOP/tests/testbed/vm-build.sh" >"$T/build.log" 2>&1 || { tail -n 30 "$T/build.log"; fail 'the machines cannot be made'; }
}
test_in_a_container() {
	testbed
	run tests/testbed/boot-container.sh 'bash /host/tests/testbed/systemd-pod.sh'
	ok
}
test_in_a_machine_with_pure_cgroup_v2() {
	testbed
	run tests/testbed/vm-run.sh -t 240 'bash /host/tests/testbed/systemd-pod.sh limits'
	ok
	has "$out" cgroup2fs
}
