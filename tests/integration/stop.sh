# shellcheck shell=bash
# rkt stop.

test_stop() {
	start "$TESTAPP" --exec=/bin/testapp -- on-term 0
	wait_for 5 grep -q waiting "$T/pod.out" || fail 'the app did not start'
	run rkt stop "$uuid"
	ok
	has "$out" "$uuid"
	finish
	has "$out" 'got TERM'
	run rkt status "$uuid"
	has "$out" state=exited app-testapp=0
}
test_force() {
	start "$TESTAPP" --exec=/bin/testapp -- ignore-term + sleep 100
	local before=$SECONDS
	run rkt stop --force "$uuid"
	ok
	finish
	[ $((SECONDS - before)) -le 3 ] || fail 'it took its time'
}
test_stop_of_several_goes_on_after_a_bad_one() {
	start "$TESTAPP" --exec=/bin/testapp -- on-term 0
	wait_for 5 grep -q waiting "$T/pod.out"
	run rkt stop 00000000 "$uuid"
	[ "$status" != 0 ] || fail 'the unknown one did not matter'
	finish
	has "$out" 'got TERM'
}
test_uuid_file() {
	start "$TESTAPP" --exec=/bin/testapp -- on-term 0
	wait_for 5 grep -q waiting "$T/pod.out"
	run rkt stop --uuid-file="$T/uuid"
	ok
	finish
	run rkt stop --uuid-file=/nowhere
	ended 1
}
test_stop_of_an_exited_pod() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt stop "$(cat "$T/u")"
	[ "$status" != 0 ] || fail 'it was stopped again'
}
test_app_that_ignores_term_is_killed_in_the_end() {
	start "$TESTAPP" --exec=/bin/testapp -- ignore-term + echo up + sleep 100
	wait_for 5 grep -q up "$T/pod.out"
	run timeout 40 "$RKT" --dir="$DATA" stop "$uuid"
	ok
	finish
	ended 137
}
