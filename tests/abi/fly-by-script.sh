# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2119,SC2154
# The fly stage1 with a shell script in the place of stage0: nothing of ours but what the interface says.

STAGE1=$TOP/$B/stage1/fly
. "$TOP/tests/abi/stage0.bash"

test_status() {
	make_pod "$(sh_app 'echo hello; exit 7')"
	s1_run
	ended 7
	is "$out" hello
	is "$(app_status)" 7
	[ -e "$POD/stage1/rootfs/rkt/status/app-started" ] || fail 'app-started is not there'
	[ -s "$POD/pid" ] || fail 'no pid'
	flock -n "$POD/pod.lck" true || fail 'the lock is still held'
}

test_killed_by_a_signal() {
	make_pod "$(sh_app 'kill -9 $$')"
	s1_run
	ended 137
	is "$(app_status)" 137
}

test_the_app_of_the_image() {
	make_pod null
	pod_manifest "{\"name\":\"app\",\"image\":{\"id\":\"$ID\"}}"
	printf '{"acVersion":"0.8.11","acKind":"ImageManifest","name":"example.com/a","app":%s}' \
		"$(sh_app 'echo from the image')" >"$POD/appsinfo/app/manifest"
	s1_run
	ok
	is "$out" 'from the image'
}

test_identity_environment_and_descriptors() {
	make_pod '{"exec":["/bin/sh","-c","id -u; id -g; id -G; pwd; umask; echo /proc/self/fd/*; env"],"user":"user",
		"group":"user","supplementaryGIDs":[7,8],"workingDirectory":"/tmp",
		"environment":[{"name":"FOO","value":"b a\nr"}]}'
	export SECRET=hunter2 NOTIFY_SOCKET=
	exec 8<"$POD/pod" # leaked by a careless caller
	s1_run --net=none
	exec 8<&-
	ok
	has "$out" $'1000\n1001\n1001 7 8\n/tmp\n0022\n' 'AC_APP_NAME=app' $'FOO=b a\nr'
	has "$out" '/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2'
	hasnt "$out" hunter2 RKT_LOCK_FD NOTIFY_SOCKET fd/8 fd/9
}

test_the_host_around_it() {
	make_pod "$(sh_app 'for n in net pid ipc uts user cgroup mnt; do readlink /proc/self/ns/$n; done
		ls /dev/null /sys/kernel; grep -h Cap /proc/self/status; pwd; ls /')"
	ln -s busybox "$POD/stage1/rootfs/opt/stage2/app/rootfs/bin/grep"
	s1_run --net=none
	ok
	local n
	for n in net pid ipc uts user cgroup; do has "$out" "$(readlink /proc/self/ns/$n)"; done
	hasnt "$out" "$(readlink /proc/self/ns/mnt)" "$(basename "$T")"
	has "$out" /dev/null "$(grep CapEff /proc/self/status)"
}

test_capabilities_of_another_user() {
	make_pod '{"exec":["/bin/sh","-c","cat /proc/self/status"],"user":"1000","group":"1000"}'
	s1_run
	ok
	has "$out" $'CapEff:\t0000000000000000' $'CapInh:\t0000000000000000'
}

test_volumes() {
	make_pod "$(sh_app 'cat /given/file; echo new >/given/new; echo x >/ro/x; stat -c "%a %u %g" /fresh; echo kept >/fresh/f
			cat /etc/hosts' \
		'"mountPoints":[{"name":"given","path":"/given"},{"name":"ro","path":"/ro"},{"name":"fresh","path":"/fresh"}]')" \
		'"volumes":[{"name":"given","kind":"host","source":"'"$T"'/given","readOnly":false},
			{"name":"ro","kind":"host","source":"'"$T"'/given","readOnly":true},
			{"name":"fresh","kind":"empty","mode":"2770","uid":5,"gid":6}]'
	mkdir "$T/given"
	echo content >"$T/given/file"
	s1_run
	has "$out" content '2770 5 6' localhost
	has "$err" 'ead-only'
	is "$(cat "$T/given/new")" new
	is "$(cat "$POD/sharedVolumes/fresh/f")" kept
	hasnt "$(cat /proc/self/mountinfo)" "$T/"
}

# The outer process makes a namespace of its own: nothing is seen where stage0 made none.
test_mounts_stay_inside() {
	make_pod "$(sh_app 'mount -t tmpfs none /tmp && cat /proc/self/mountinfo >/tmp/x && echo mounted')"
	entry run "$UUID"
	ok
	is "$out" mounted
	hasnt "$(cat /proc/self/mountinfo)" "$T/"
}

test_names_of_the_host_and_of_stage0() {
	make_pod "$(sh_app 'cat /etc/hosts /etc/resolv.conf')"
	echo 'from image' >"$POD/stage1/rootfs/opt/stage2/app/rootfs/etc/hosts"
	mkdir "$POD/stage1/rootfs/etc"
	echo 'nameserver 10.9.8.7' >"$POD/stage1/rootfs/etc/rkt-resolv.conf"
	s1_run --dns-conf-mode=resolv=stage0,hosts=default
	has "$out" 'from image' '10.9.8.7'
	rm "$POD/pid"
	s1_run --dns-conf-mode=resolv=none,hosts=host
	has "$out" "$(head -1 /etc/hosts)"
	hasnt "$out" 'from image' nameserver
}

test_what_cannot_run() {
	make_pod '{"exec":["/not/there"],"user":"0","group":"0"}'
	s1_run
	ended 203
	has "$err" 'Unable to open "/not/there": No such file or directory'
	is "$(app_status)" 203
	[ ! -e "$POD/stage1/rootfs/rkt/status/app-started" ] || fail 'it says that the app was started'
	make_pod '{"exec":["/bin/true"],"user":"nobody-of-ours","group":"0"}'
	s1_run
	refused "app 'app'" '"nobody-of-ours" user not found'
	[ ! -e "$POD/pid" ] || fail 'a pod that did not start can be entered'
}

test_bad_input() {
	make_pod "$(sh_app true)"
	local app
	app=$(jq -c '.apps[0]' "$POD/pod")
	pod_manifest "$app,${app/\"app\"/\"two\"}"
	s1_run
	refused 'one app'
	pod_manifest ''
	s1_run
	refused 'at least one'
	echo '{' >"$POD/pod"
	s1_run
	refused
	rm "$POD/pod"
	mkfifo "$POD/pod"
	s1_run
	refused 'not a regular file'
	rm "$POD/pod"
	truncate -s 1G "$POD/pod"
	s1_run
	refused 'larger than'
	pod_manifest "$app"
	s1_run --dunno
	refused "'--dunno'"
	run unshare -m bash -c "cd $POD && exec stage1/rootfs/run $UUID"
	refused RKT_LOCK_FD
	s1_run --mutable
	refused mutable
}

test_enter() {
	make_pod '{"exec":["/bin/sh","-c","echo ready; exec sleep 1000"],"user":"user","group":"user",
		"environment":[{"name":"FOO","value":"bar"}],"workingDirectory":"/tmp",
		"mountPoints":[{"name":"fresh","path":"/fresh"}]}' '"volumes":[{"name":"fresh","kind":"empty","mode":"0777"}]'
	s1_start
	export SECRET=hunter2
	enter() { entry enter --pid="$app" "$@"; }
	enter --appname=app -- /bin/sh -c 'id -u; id -G; env; ls -d /fresh /proc/self; echo x >/fresh/x; exit 9'
	ended 9
	has "$out" $'1000\n1001\n' FOO=bar /fresh
	hasnt "$out" hunter2
	is "$(readlink "/proc/$app/ns/mnt")" "$(enter --appname=app -- readlink /proc/self/ns/mnt && echo "$out")"
	enter --appname=app -- dunno
	ended 203
	enter --appname=other -- true
	refused "app 'other'"
	kill -9 "$outer"
	s1_finish
	[ -e "$POD/sharedVolumes/fresh/x" ] || fail 'enter saw another volume'
}

test_stop() {
	make_pod "$(sh_app 'trap "echo stopping; exit 3" TERM; echo ready; while :; do sleep .1; done')"
	s1_start
	wait_for 5 says_ready
	stop() { entry stop "$@" "$UUID"; }
	stop
	ok
	s1_finish
	ended 3
	has "$out" stopping
	is "$(app_status)" 3
	stop
	ended 254
	rm "$POD/pid"
	: >"$T/pod.out"
	s1_start
	wait_for 5 says_ready
	stop --force
	ok
	s1_finish
	ended 137
}

test_signals() {
	make_pod "$(sh_app 'trap "echo hup" HUP; trap "" TERM INT; echo ready; while :; do sleep .1; done')"
	s1_start
	wait_for 5 says_ready
	kill -HUP "$outer"
	wait_for 5 grep -q hup "$T/pod.out"
	kill -TERM "$outer"
	sleep .2
	kill -0 "$app" || fail 'killed at the first TERM'
	kill -INT "$outer"
	s1_finish
	ended 137
}

test_dies_with_the_outer_process() {
	local user
	for user in 0 1000; do
		make_pod '{"exec":["/bin/sleep","1000"],"user":"'$user'","group":"0"}'
		s1_start
		kill -9 "$outer"
		s1_finish
		wait_for 5 gone "$app" || fail "the app of user $user goes on"
		flock -n "$POD/pod.lck" true || fail 'the lock is still held'
	done
}

test_takes_its_orphans_along() {
	make_pod "$(sh_app '(sleep 1000 & sleep 1000 & echo $!) & sleep .3')"
	s1_run
	ok
	gone "$out" || fail 'an orphan is left'
}

test_event_handlers() {
	make_pod "$(sh_app 'cat /tmp/before; echo main' '"eventHandlers":[
		{"name":"pre-start","exec":["/bin/sh","-c","echo before >/tmp/before"]},
		{"name":"post-stop","exec":["/bin/sh","-c","echo after >/tmp/after"]}]')"
	s1_run
	ok
	is "$out" $'before\nmain'
	is "$(cat "$POD/stage1/rootfs/opt/stage2/app/rootfs/tmp/after")" after
}

test_gc() {
	make_pod "$(sh_app true)"
	entry gc --debug --local-config=/etc/rkt "$UUID"
	ok
	entry gc --dunno "$UUID"
	refused
}

test_readiness() {
	make_pod "$(sh_app 'echo ready; exec sleep 1000')"
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(10)
print(s.recv(1000).decode())' "$T/notify" >"$T/told" &
	local listener=$!
	wait_for 5 test -S "$T/notify"
	NOTIFY_SOCKET=$T/notify s1_start
	wait "$listener"
	has "$(cat "$T/told")" READY=1 "MAINPID=$outer"
	entry stop --force "$UUID"
	s1_finish
	ended 137
}
