# shellcheck shell=bash
# Pods as units where there are controllers, of each kind of control groups, on an older kernel: in a virtual machine (tests/testbed).
# alone
# time limit: 400

inside() { # CGROUPS CHECK…: of tests/testbed/inside/units.sh
	local cgroups=$1
	shift
	[ "$(uname -m)" = x86_64 ] || skip 'the virtual machine is an x86-64'
	export TESTBED=$TOP/build/testbed
	"$TOP/tests/testbed/build.sh" vm >"$T/build.log" 2>&1 || { tail -n 30 "$T/build.log"; fail 'the test bed cannot be made'; }
	run "$TOP/tests/testbed/vm-run.sh" -c "$cgroups" -s "$TOP" -t 120 "B=$B bash tests/testbed/inside/units.sh $*"
	ok 'what ran there'
}
test_pure_version_2() { inside pure pure_v2 notify stop enter; }
test_limits_of_version_2() { inside pure limits weights delegated crowded session resources devices shown_v2 documentation; }
test_root_of_version_2() { inside pure root slice_limits; }
test_no_way_out_of_limits() { inside pure bounded; }
test_users_of_their_own() { inside pure users pure_v2 enter; }
test_apparmor() { inside pure apparmor; }
test_selinux() { inside hybrid selinux; }
test_hybrid() { inside hybrid hybrid root enter limits devices shown_v1; }
test_version_1() { inside legacy v1 root enter limits resources devices shown_v1; }
