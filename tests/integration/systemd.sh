# shellcheck shell=bash
# Pods as units of systemd, in a container on this kernel (tests/testbed).
# alone
# time limit: 300

inside() { # CHECK…: of tests/testbed/inside/units.sh
	export TESTBED=$TOP/build/testbed
	"$TOP/tests/testbed/build.sh" tree >"$T/build.log" 2>&1 || { tail -n 30 "$T/build.log"; fail 'the test bed cannot be made'; }
	run "$TOP/tests/testbed/boot-container.sh" -s "$TOP" "B=$B bash tests/testbed/inside/units.sh $*"
	ok 'what ran there'
}
test_type_notify() { inside notify; }
test_stopping_a_unit_stops_its_apps() { inside stop; }
test_the_exit_status_is_the_unit_s() { inside status; }
test_restart() { inside restart; }
test_kill() { inside kill; }
test_enter_joins_the_unit() { inside enter; }
test_fly() { inside fly; }
test_collecting_by_timer() { inside gc; }
test_units_of_the_documentation() { inside documentation; }
test_the_root_group_is_systemd_s() { inside root; }
