# shellcheck shell=bash
# rkt enter: exactly as confined as the app.

up() {
	start "$TESTAPP" --exec=/bin/testapp -- echo up + sleep 100
	wait_for 5 grep -q up "$T/pod.out" || fail 'the app did not start'
}
down() {
	rkt stop --force "$uuid" >/dev/null
	finish
}
in_app() { run rkt enter "$uuid" /bin/testapp "$@"; }

test_output_and_status() {
	up
	in_app echo inside
	ok
	is "$out" inside
	in_app exit 9
	ended 9
	in_app kill 9
	ended 137
	down
}
test_same_namespaces() {
	up
	local mine
	in_app ns pid net ipc uts mnt cgroup
	ok
	mine=$(for n in pid net ipc uts mnt cgroup; do readlink "/proc/self/ns/$n"; done)
	local i
	for i in 1 2 3 4 5 6; do
		[ "$(sed -n ${i}p <<<"$out")" != "$(sed -n ${i}p <<<"$mine")" ] || fail "namespace $i is the host's"
	done
	in_app hostname
	is "$out" "rkt-$uuid"
	down
}
# What the app itself sees, and what `enter` sees, word for word.
test_cve_2019_10144_same_confinement_as_the_app() {
	start "$TESTAPP" --name=a --caps-retain=CAP_CHOWN --exec=/bin/testapp -- caps + ids + cgroup + limits + env + sleep 100
	wait_for 5 grep -q AC_APP_NAME "$T/pod.out" || fail 'the app did not start'
	sleep .1
	in_app caps + ids + cgroup + limits + env
	ok
	diff <(sort "$T/pod.out") <(sort "$T/out") || fail 'enter differs from the app'
	down
}
test_cve_2019_10147_same_cgroup_on_the_host() {
	up
	"${RKTC[@]}" enter "$uuid" /bin/testapp sleep 100 &
	local entered=$!
	sleep .5
	local app_pid enter_pid
	app_pid=$(pgrep -f "^/bin/testapp echo up \+ sleep 100" | head -n 1)
	enter_pid=$(pgrep -f '^/bin/testapp sleep 100' | head -n 1)
	is "$(cat "/proc/$enter_pid/cgroup")" "$(cat "/proc/$app_pid/cgroup")" 'cgroup'
	kill "$enter_pid"
	killed "$entered" 15
	down
}
test_filter_and_capabilities() {
	up
	in_app try mount unshare-user kexec setns + caps
	hasnt "$out" ': ok'
	matches "$out" $'Seccomp:[[:space:]]*2'
	down
}
test_user_of_the_app() {
	start "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- echo up + sleep 100
	wait_for 5 grep -q up "$T/pod.out"
	in_app ids
	matches "$out" '^uid=1000,1000,1000 gid=1000,1000,1000'
	down
}
test_default_command() {
	up
	run rkt enter "$uuid"
	[ "$status" != 0 ] || fail 'there is no bash in this image'
	has "$err" /bin/bash
	down
}
test_which_app() {
	start "$TESTAPP" --name=a --exec=/bin/testapp -- sleep 100 --- "$TESTAPP" --name=b --exec=/bin/testapp -- sleep 100
	run rkt enter "$uuid" /bin/testapp exit 0
	refused
	run rkt enter --app=b "$uuid" /bin/testapp env AC_APP_NAME
	ok
	is "$out" AC_APP_NAME=b
	run rkt enter --app=c "$uuid" /bin/testapp exit 0
	refused
	down
}
test_program_not_there() {
	up
	run rkt enter "$uuid" /nowhere
	[ "$status" != 0 ] || fail 'status 0'
	has "$err" /nowhere
	down
}
test_exited_pod() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt enter "$(cat "$T/u")" /bin/testapp exit 0
	refused
}
test_cve_2024_21626_no_descriptor_of_the_host() {
	up
	status=0
	rkt enter "$uuid" /bin/testapp fds + cwd >"$T/out" 9</ || status=$?
	out=$(cat "$T/out")
	ok
	is "$(grep -c -- '->' <<<"$out")" 3 descriptors
	hasnt "$out" "$DATA"
	down
}
test_flags_behind_the_command_are_the_command_s() {
	up
	in_app echo --app=x --help
	is "$out" '--app=x --help'
	down
}
test_stdin_reaches_it() {
	up
	out=$(echo words | rkt enter "$uuid" /bin/testapp read)
	is "$out" 'read words'
	down
}
