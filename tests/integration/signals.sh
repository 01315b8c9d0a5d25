# shellcheck shell=bash
# Signals to the outer process, and how a pod stops.

test_term_stops_in_order() {
	start "$TESTAPP" --exec=/bin/testapp -- on-term 6
	wait_for 5 grep -q waiting "$T/pod.out" || fail 'the app did not start'
	kill -TERM "$pid"
	finish
	ended 6
	has "$out" 'got TERM'
}
test_term_and_status_zero() {
	start "$TESTAPP" --exec=/bin/testapp -- on-term 0
	wait_for 5 grep -q waiting "$T/pod.out" || fail 'the app did not start'
	kill -TERM "$pid"
	finish
	has "$out" 'got TERM'
}
test_second_signal_kills_at_once() {
	start "$TESTAPP" --exec=/bin/testapp -- ignore-term + echo up + sleep 100
	wait_for 5 grep -q up "$T/pod.out" || fail 'the app did not start'
	local before=$SECONDS
	kill -TERM "$pid"
	sleep .3
	kill -TERM "$pid"
	finish
	[ $((SECONDS - before)) -le 3 ] || fail 'it waited for the grace period'
	ended 137
}
# The terminal hangs up; nohup has said that this is to be ignored, and rkt hands nothing on that it ignores.
test_hangup_that_is_ignored() {
	local flavor
	for flavor in native fly; do
		start --stage1-path="$TOP/$B/stage1-$flavor.aci" "$TESTAPP" --exec=/bin/testapp -- sleep 1000
		kill -HUP "$pid"
		finish
		ended 129
		(trap '' HUP; exec "${RKTC[@]}" run --uuid-file-save="$T/u" --stage1-path="$TOP/$B/stage1-$flavor.aci" "$TESTAPP" --exec=/bin/testapp -- on-term 7) >"$T/pod.out" 2>"$T/pod.err" </dev/null &
		pid=$!
		wait_for 5 grep -q waiting "$T/pod.out" || fail 'the app did not start'
		kill -HUP "$pid"
		kill -TERM "$pid"
		finish
		ended 7
		has "$out" 'got TERM'
	done
}
test_every_app_gets_term() {
	start "$TESTAPP" --name=a --exec=/bin/testapp -- on-term 0 --- "$TESTAPP" --name=b --exec=/bin/testapp -- on-term 0
	wait_for 5 both_wait || fail 'the apps did not start'
	kill -TERM "$pid"
	finish
	is "$(grep -c 'got TERM' <<<"$out")" 2
}
both_wait() { [ "$(grep -c waiting "$T/pod.out")" = 2 ]; }
gone() { ! kill -0 "$1" 2>/dev/null; }
test_kill_of_the_outer_process_ends_the_pod() {
	start "$TESTAPP" --exec=/bin/testapp -- ignore-term + sleep 100
	local pid1
	pid1=$(cat "$DATA/pods/run/$uuid/pid")
	kill -9 "$pid"
	killed "$pid"
	wait_for 5 gone "$pid1" || fail 'pid 1 lives on'
	run rkt status "$uuid"
	has "$out" state=exited
}
test_kill_of_pid_1_ends_the_pod() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	kill -9 "$(cat "$DATA/pods/run/$uuid/pid")"
	finish
	[ "$status" != 0 ] || fail 'status 0'
	run rkt status "$uuid"
	has "$out" state=exited
}
test_app_cannot_kill_pid_1() {
	pod -- kill-pid 1 9 + echo alive
	has "$out" alive
}
