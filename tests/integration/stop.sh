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
# Somebody's stage1 that has no entry point for it is told by signal. The number that its file names is the pod's process as long as
# the pod runs, which may end at any moment: the process is held by a descriptor, and then signalled by that.
test_stage1_that_is_stopped_by_signal() {
	local how root=$T/other
	mkdir -p "$root/rootfs/opt/stage2" "$root/rootfs/rkt/status"
	cat >"$root/rootfs/run" <<-'EOF'
		#!/bin/bash
		trap 'exit 7' TERM
		echo $$ >pid
		while :; do sleep 0.05; done
	EOF
	chmod 755 "$root/rootfs/run"
	tar -xOf "$TOP/$B/stage1-native.aci" manifest | jq '.name = "example.com/other" | .annotations |= map(select(.name | test("(run|interface-version)$")))' >"$root/m"
	"$TOP/tests/images/mkaci.sh" "$root/rootfs" "$root/m" "$T/other.aci"
	for how in '' --force; do
		start --stage1-path="$T/other.aci" "$TESTAPP"
		# shellcheck disable=SC2086
		run strace -f -o "$T/trace" -e trace=kill,pidfd_open,pidfd_send_signal "${RKTC[@]}" stop $how "$uuid"
		ok
		finish
		[ -n "$how" ] && ended 137 || ended 7
		is "$(grep -c 'pidfd_send_signal(' "$T/trace")" 1 'signals by descriptor'
		hasnt "$(cat "$T/trace")" ' kill('
	done
	# what a file says that outlived its pod is nobody to be signalled
	wait_for 5 flock -n "$DATA/pods/run/$uuid/pod.lck" true || fail 'the pod is not over'
	sleep 100 &
	local bystander=$!
	echo $bystander >"$DATA/pods/run/$uuid/pid"
	run rkt stop --force "$uuid"
	[ "$status" != 0 ] || fail 'it was stopped again'
	kill $bystander
	killed $bystander 15
}
# A pod that runs is not stopped for another, the file of which names it.
test_pid_of_another_pod() {
	local own how first
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	first=$uuid
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	own=$(cat "$DATA/pods/run/$uuid/pid")
	cp "$DATA/pods/run/$first/pid" "$DATA/pods/run/$uuid/pid"
	for how in stop 'stop --force' enter; do
		# shellcheck disable=SC2086
		run rkt $how "$uuid"
		[ "$status" != 0 ] || fail "$how reached the other pod"
		has "$err" 'pod is not running'
	done
	echo "$own" >"$DATA/pods/run/$uuid/pid"
	rkt stop --force "$first" "$uuid" >/dev/null
	finish
	ended 137
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
