# shellcheck shell=bash
# rkt run: what comes out, and how it ends.

test_says_hello() {
	run rkt run "$TESTAPP"
	ok
	is "$out" hello
	is "$err" ''
}
test_arguments_reach_the_app() {
	pod -- args a 'b c' '' '$HOME' --flag
	ok
	# an app's arguments are its own: empty ones are skipped before "--" only
	is "$out" $'[a]\n[b c]\n[]\n[$HOME]\n[--flag]'
}
test_exit_status_is_the_app_s() {
	pod -- exit 7
	ended 7
	pod -- exit 0
	ended 0
	pod -- exit 255
	ended 255
}
test_death_by_signal_is_128_plus() {
	pod -- kill 9
	ended 137
	pod -- kill 15
	ended 143
	pod -- kill 6
	ended 134
}
test_stderr_stays_apart() {
	pod -- stderr oops + echo fine
	ok
	is "$out" fine
	is "$err" oops
}
test_stdin_is_inherited() {
	status=0
	out=$(echo words | rkt run "$TESTAPP" --exec=/bin/testapp -- read) || status=$?
	ok
	is "$out" 'read words'
}
test_two_apps_both_speak() {
	run rkt run "$TESTAPP" --name=one --exec=/bin/testapp -- echo from-one --- "$TESTAPP" --name=two --exec=/bin/testapp -- echo from-two
	ok
	has "$out" from-one from-two
}
test_first_failure_is_the_pod_s_status() {
	run rkt run "$TESTAPP" --name=good --exec=/bin/testapp -- sleep 60 --- "$TESTAPP" --name=bad --exec=/bin/testapp -- sleep 0.2 + exit 9
	ended 9
}
test_success_of_one_leaves_the_other_running() {
	run rkt run "$TESTAPP" --name=quick --exec=/bin/testapp -- exit 0 --- "$TESTAPP" --name=slow --exec=/bin/testapp -- sleep 0.5 + echo finished
	ok
	has "$out" finished
}
test_same_image_twice_needs_names() {
	run rkt run "$TESTAPP" "$TESTAPP"
	refused
}
test_uuid_file_save() {
	pod --uuid-file-save="$T/u" -- echo x
	ok
	matches "$(cat "$T/u")" '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
}
test_image_by_id_and_by_name() {
	fetch testapp
	run rkt run "$id"
	ok
	is "$out" hello
	run rkt run "${id:0:20}"
	is "$out" hello
	run rkt run example.com/testapp
	is "$out" hello
	run rkt run example.com/testapp:1.0.0
	is "$out" hello
	run rkt run example.com/testapp:9
	refused
}
test_file_url() {
	run rkt run "file://$TESTAPP"
	ok
	is "$out" hello
}
test_flags_before_the_command() {
	run "$RKT" --insecure-options=image run --dir="$DATA" "$TESTAPP"
	ok
	is "$out" hello
}
test_prefix_of_a_command() {
	run rkt vers
	ok
	has "$out" 'rkt Version'
}
test_no_overlay() {
	pod --no-overlay -- write /here x + stat /here
	ok
	has "$out" 'file 0644'
	# every run starts with a clean copy
	pod --no-overlay -- stat /here
	has "$out" 'No such file'
}
test_root_is_a_fresh_copy_each_time() {
	pod -- write /here x + stat /here
	has "$out" '/here: file'
	pod -- stat /here
	has "$out" 'No such file'
}
test_readonly_rootfs() {
	run rkt run "$TESTAPP" --readonly-rootfs --exec=/bin/testapp -- write /here x
	ended 1
	has "$out" 'Read-only file system'
}
test_pod_manifest() {
	fetch testapp
	jq -n --arg id "$id" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "a", image: {id: $id},
		app: {exec: ["/bin/testapp", "env", "X", "+", "exit", "4"], user: "0", group: "0", environment: [{name: "X", value: "y"}]}}]}' >"$T/pod.json"
	run rkt run --pod-manifest="$T/pod.json"
	ended 4
	is "$out" X=y
	run rkt run --pod-manifest="$T/pod.json" "$TESTAPP"
	refused 'conflicting flags set with --pod-manifest (see --help): an image'
	run rkt run --pod-manifest="$T/pod.json" --shm-size=1M
	refused 'conflicting flags set with --pod-manifest (see --help): --shm-size'
}
test_nothing_to_run() {
	run rkt run
	refused
}
test_orphans_are_reaped() {
	start "$TESTAPP" --exec=/bin/testapp -- orphans 20 50 + sleep 1 + pids
	finish
	ok
	# pid 1, the app, nobody else: no zombie, no orphan
	[ "$(wc -l <<<"$out")" -le 3 ] || fail 'orphans were not reaped'
}
test_pid_namespace() {
	pod -- pid
	ok
	matches "$out" 'pid=([2-9]|[1-9][0-9]) ppid=[01]'
}
test_terminal_size_of_output_does_not_matter() {
	pod -- spam 10000000
	ok
	is "$(wc -c <"$T/out")" 10000000
}
test_closed_standard_descriptors() {
	status=0
	"$RKT" --dir="$DATA" --insecure-options=image run "$TESTAPP" --exec=/bin/testapp -- fds <&- >"$T/out" || status=$?
	ok
	out=$(cat "$T/out")
	hasnt "$out" "$DATA"
}
test_descriptors_do_not_leak() {
	status=0
	rkt run "$TESTAPP" --exec=/bin/testapp -- fds >"$T/out" 2>"$T/err" 7</etc/passwd 8</ || status=$?
	out=$(cat "$T/out")
	ok
	is "$(wc -l <<<"$out")" 3 'number of descriptors'
}
test_signals_are_reset() {
	status=0
	(trap '' INT QUIT HUP PIPE USR1; rkt run "$TESTAPP" --exec=/bin/testapp -- signals) >"$T/out" || status=$?
	out=$(cat "$T/out")
	ok
	matches "$out" 'SigIgn:[[:space:]]*0000000000000000'
	matches "$out" 'SigBlk:[[:space:]]*0000000000000000'
	has "$out" 'umask 0022'
}
# The C libraries refuse to touch 32 to 34: who ignores them all the same must not hand that down.
test_signals_of_the_c_library_are_reset_too() {
	command -v python3 >/dev/null || skip 'python3 is missing'
	cat >ignore.py <<-'EOF'
		import ctypes, os, sys
		action = (ctypes.c_ulong * 8)(1)  # SIG_IGN
		for sig in range(32, 35):
		    assert ctypes.CDLL(None).syscall(13, sig, action, None, 8) == 0
		os.execv(sys.argv[1], sys.argv[1:])
	EOF
	[ "$(uname -m)" = x86_64 ] || skip 'knows the numbers of one architecture'
	run python3 ignore.py "${RKTC[@]}" run "$TESTAPP" --exec=/bin/testapp -- signals
	ok
	matches "$out" 'SigIgn:[[:space:]]*0000000000000000'
}
test_output_to_a_full_disk_does_not_hang() {
	status=0
	rkt run "$TESTAPP" --exec=/bin/testapp -- spam 100000 + exit 3 >/dev/full 2>/dev/null || status=$?
	ended 3
}
