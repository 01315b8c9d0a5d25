# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154
# The native stage1 with a shell script in the place of stage0: nothing of ours but what the interface says
# (Documentation/abi/stage1-interface.md). Pods have one app, `app`, or two, `app` and `other`.

NATIVE=$TOP/$B/stage1/native
ID=sha512-$(printf '0%.0s' {1..128})

# $POD, $UUID: a pod's directory as it lies before `run`; one app for each JSON object.
make_pod() { # APP_JSON…
	UUID=$(cat /proc/sys/kernel/random/uuid)
	POD=$T/run/$UUID
	mkdir -p "$POD/appsinfo" "$POD/stage1"
	cp -a "$NATIVE/rootfs" "$POD/stage1/"
	cp "$NATIVE/manifest" "$POD/stage1/"
	touch "$POD/pod.lck"
	local apps='' name=app json
	for json; do
		make_rootfs "$POD/stage1/rootfs/opt/stage2/$name/rootfs"
		apps+=${apps:+,}"{\"name\":\"$name\",\"image\":{\"id\":\"$ID\"},\"app\":$json}"
		name=other
	done
	printf '{"acVersion":"0.8.11","acKind":"PodManifest","apps":[%s]}\n' "$apps" >"$POD/pod"
}
make_rootfs() {
	mkdir -p "$1"/{bin,etc,tmp}
	cp "$(command -v busybox)" "$1/bin/busybox"
	local applet
	for applet in sh cat echo id ls env pwd readlink sleep true kill ps hostname tty stty nc grep touch setsid dd; do
		ln -s busybox "$1/bin/$applet"
	done
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\nuser:x:1001:\n' >"$1/etc/group"
}
sh_app() { # SCRIPT [MORE]: the app object of a shell script
	printf '{"exec":["/bin/sh","-c",%s],"user":"0","group":"0"%s}' "$(jq -Rs . <<<"$1")" "${2:+,$2}"
}
sleeper() { sh_app 'echo ready; while :; do sleep 1; done'; }
handler() { # NAME SCRIPT
	printf '"eventHandlers":[{"name":"%s","exec":["/bin/sh","-c",%s]}]' "$1" "$(jq -Rs . <<<"$2")"
}
# The script that plays stage0; the process becomes the entry point.
stage0() { # ENTRY [ARGUMENT]…
	cd "$POD" || exit
	exec 9<pod.lck
	flock -n 9 || [ "$1" != run ] || exit 99
	if [ "$1" = run ]; then export RKT_LOCK_FD=9; else exec 9<&-; fi
	local entry=stage1/rootfs/$1
	shift
	exec ${WRAP:-} "$entry" "$@"
}
# A mount namespace as stage0 makes it: nothing of the pod gets out.
apart() { unshare -m bash -c "$(declare -f stage0); POD=$POD WRAP='${WRAP:-}' stage0 \"\$@\"" stage0 "$@"; }
native_run() { run apart run "$@" "$UUID"; }
# In the background, until it can be entered; sets $outer and $pid1.
native_start() {
	exec 7< <(:) # whatever a careless caller has open
	exec unshare -m bash -c "$(declare -f stage0); POD=$POD stage0 run \"\$@\"" stage0 "$@" "$UUID" \
		</dev/null >"$T/pod.out" 2>"$T/pod.err" &
	outer=$!
	exec 7<&-
	trap abandon EXIT
	wait_for 5 test -s "$POD/pid" || { cat "$T/pod.err"; fail 'no pid'; }
	pid1=$(cat "$POD/pid")
}
# A test that failed must not leave its pod to the next.
abandon() {
	kill -9 "$outer" 2>/dev/null || return 0
	wait "$outer" || [ $? = 137 ]
	entry gc "$UUID"
}
native_finish() {
	status=0
	wait "$outer" || status=$?
	out=$(cat "$T/pod.out") err=$(cat "$T/pod.err")
	no_groups
}
# enter, stop and gc are run outside of the pod's mount namespace, as rkt runs them.
entry() { # NAME [ARGUMENT]…
	local name=$1
	shift
	(cd "$POD" && exec "stage1/rootfs/$name" "$@")
}
enter() { run entry enter --pid="$pid1" --appname="${APP:-app}" -- "$@"; }
says_ready() { grep -q ready "$T/pod.out"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
groups() { find /sys/fs/cgroup -type d -name "rkt-$UUID" 2>/dev/null; }
no_groups() { is "$(groups)" '' 'control groups left behind'; }
app_status() { cat "$POD/stage1/rootfs/rkt/status/${1:-app}"; }

test_status() {
	make_pod "$(sh_app 'echo hello; echo complaint >&2; exit 7')"
	native_run
	ended 7
	is "$out" hello
	is "$err" complaint
	is "$(app_status)" 7
	[ -e "$POD/stage1/rootfs/rkt/status/app-started" ] || fail 'app-started is not there'
	[ -s "$POD/pid" ] || fail 'no pid'
	[ ! -e "$POD/ppid" ] || fail 'pid and ppid'
	flock -n "$POD/pod.lck" true || fail 'the lock is still held'
	no_groups
}
test_killed_by_a_signal() {
	make_pod "$(sh_app 'kill -9 $$')"
	native_run
	ended 137
	is "$(app_status)" 137
}
test_what_the_app_has() {
	make_pod "$(sh_app 'echo /proc/self/fd/*; hostname; ps -o pid,args; env; cat /proc/1/environ 2>&1; ls /proc/1/root 2>&1; true')"
	export SECRET=hunter2 NOTIFY_SOCKET=
	exec 8<"$POD/pod" # leaked by a careless caller
	native_run --hostname=web1
	exec 8<&-
	ok
	has "$out" '/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2' $'\nweb1\n' AC_APP_NAME=app 'denied'
	hasnt "$out" hunter2 RKT_LOCK_FD fd/8 fd/9 NOTIFY_SOCKET
}
test_namespaces() {
	local n theirs
	make_pod "$(sh_app 'for n in net pid ipc uts cgroup mnt; do readlink /proc/self/ns/$n; done')"
	native_run --net=none
	ok
	for n in net pid ipc uts cgroup mnt; do hasnt "$out" "$(readlink "/proc/self/ns/$n")"; done
	make_pod "$(sh_app 'for n in net ipc; do readlink /proc/self/ns/$n; done')"
	native_run --net=host --ipc=parent
	ok
	is "$out" "$(readlink /proc/self/ns/net)"$'\n'"$(readlink /proc/self/ns/ipc)"
}
test_other_networks_are_refused() {
	make_pod "$(sleeper)"
	native_run --net=default
	refused 'stage1: failed to setup network' default
}
test_loopback_is_up_and_shared() {
	make_pod "$(sh_app 'nc -l -p 80 -e /bin/hostname')" \
		"$(sh_app 'for i in 1 2 3 4 5 6 7 8 9; do nc 127.0.0.1 80 && break; sleep .1; done')"
	native_run
	ok
	is "$out" "rkt-$UUID"
}
test_two_apps_share_all_but_their_root() {
	make_pod "$(sh_app 'echo a >/dev/shm/f; for n in net pid ipc uts mnt; do readlink /proc/self/ns/$n; done; sleep .5')" \
		"$(sh_app 'sleep .3; cat /dev/shm/f; for n in net pid ipc uts mnt; do readlink /proc/self/ns/$n; done')"
	native_run
	ok
	has "$out" a
	is "$(sort <<<"$out" | uniq -d | wc -l)" 4
}
test_first_failure_halts_the_pod() {
	make_pod "$(sh_app 'trap "echo stopped; exit 5" TERM; while :; do sleep .1; done')" "$(sh_app 'sleep .3; exit 3')"
	native_run
	ended 3
	has "$out" stopped
	is "$(app_status) $(app_status other)" '5 3'
}
test_success_of_one_is_no_end() {
	make_pod "$(sh_app 'exit 0')" "$(sh_app 'sleep .5; echo late')"
	native_run
	ok
	has "$out" late
}
test_stdin() {
	make_pod "$(sh_app cat)"
	status=0
	out=$(echo words | apart run "$UUID") || status=$?
	ok
	is "$out" words
	make_pod "$(sh_app 'readlink /proc/self/fd/0')" "$(sh_app 'readlink /proc/self/fd/0')"
	out=$(echo words | apart run "$UUID")
	is "$out" $'/dev/null\n/dev/null'
}
test_program_not_there() {
	make_pod '{"exec":["/nowhere"],"user":"0","group":"0"}'
	native_run
	ended 203
	is "$err" 'Error: Unable to open "/nowhere": No such file or directory'
	is "$(app_status)" 203
	[ ! -e "$POD/stage1/rootfs/rkt/status/app-started" ] || fail 'it was never started'
	no_groups
}
test_user_not_in_the_image() {
	make_pod '{"exec":["/bin/true"],"user":"nobody-there","group":"0"}' "$(sleeper)"
	native_run
	refused 'app '\''app'\''' nobody-there
	no_groups
}
test_handlers() {
	make_pod "$(sh_app 'cat /tmp/pre; echo main')"
	local before after
	before=$(handler pre-start 'echo before >/tmp/pre')
	make_pod "$(sh_app 'cat /tmp/pre; echo main; exit 2' "$before")"
	native_run
	ended 2
	is "$out" $'before\nmain'
	after=$(handler post-stop 'echo after; ls /bin/busybox; exit 9')
	make_pod "$(sh_app 'echo main; exit 2' "$after")"
	native_run
	ended 2
	has "$out" $'main\nafter\n/bin/busybox'
	has "$err" post-stop
	is "$(app_status)" 2
}
test_orphans_are_reaped_and_end_with_the_pod() {
	make_pod "$(sh_app '(setsid sleep 600 &) ; sleep .2; ps -o pid,stat,args')"
	native_run
	ok
	hasnt "$out" ' Z '
	no_groups
}

test_term_stops_in_order() {
	make_pod "$(sh_app 'trap "echo caught; exit 6" TERM; echo ready; while :; do sleep .1; done')"
	native_start
	wait_for 5 says_ready
	kill -TERM "$outer"
	native_finish
	ended 6
	has "$out" caught
}
test_second_term_kills() {
	make_pod "$(sh_app 'trap "" TERM; echo ready; while :; do sleep .1; done')"
	native_start
	wait_for 5 says_ready
	kill -TERM "$outer"
	sleep .2
	kill -INT "$outer"
	native_finish
	ended 137
	is "$(app_status)" 137
}
test_stop_entry_point() {
	make_pod "$(sh_app 'trap "exit 6" TERM; echo ready; while :; do sleep .1; done')"
	native_start
	wait_for 5 says_ready
	run entry stop "$UUID"
	ok
	native_finish
	ended 6
	run entry stop "$UUID"
	refused
	make_pod "$(sleeper)" "$(sleeper)"
	native_start
	run entry stop --force "$UUID"
	ok
	native_finish
	ended 137
	is "$(app_status) $(app_status other)" '137 137'
}
test_other_signals_are_passed_on() {
	make_pod "$(sh_app 'for s in HUP USR1 USR2 QUIT; do trap "echo got $s" $s; done; echo ready; while :; do sleep .1; done')"
	native_start
	wait_for 5 says_ready
	for s in HUP USR1 USR2 QUIT; do
		kill -$s "$outer"
		wait_for 5 grep -q "got $s" "$T/pod.out" || fail "$s did not arrive"
	done
	kill -WINCH "$outer"
	kill -TERM "$outer"
	native_finish
	ended 143
}
test_apps_cannot_signal_pid_1() {
	make_pod "$(sh_app 'for s in TERM INT HUP CHLD USR1; do kill -$s 1; done; sleep .3; echo still here')"
	native_run
	ok
	is "$out" 'still here'
}
test_kill_of_run_takes_all_along_and_gc_removes_the_groups() {
	make_pod "$(sleeper)"
	native_start
	kill -9 "$outer"
	killed "$outer"
	wait_for 5 gone "$pid1" || fail 'pid 1 lives on'
	flock -n "$POD/pod.lck" true || fail 'the lock is still held'
	run entry gc "$UUID"
	ok
	no_groups
	run entry gc "$UUID"
	ok
}
test_kill_of_pid_1() {
	make_pod "$(sleeper)"
	native_start
	kill -9 "$pid1"
	native_finish
	ended 137
	is "$(app_status)" 137
}

test_enter() {
	make_pod "$(sh_app 'echo ready; sleep 600' '"environment":[{"name":"FOO","value":"bar"}],"workingDirectory":"/tmp"')"
	native_start --disable-paths
	wait_for 5 says_ready
	enter /bin/sh -c 'pwd; env; readlink /proc/1/exe; echo /proc/self/fd/*; grep -E "^(Cap|Seccomp|NoNewPrivs)" /proc/self/status >/tmp/e
		grep -E "^(Cap|Seccomp|NoNewPrivs)" /proc/2/status >/tmp/a; cat /tmp/a; exit 4'
	ended 4
	has "$out" $'/tmp\n' FOO=bar AC_APP_NAME=app 'fd/0 /proc/self/fd/1 /proc/self/fd/2'
	hasnt "$out" fd/9 RKT_LOCK_FD
	local tmp=$POD/stage1/rootfs/opt/stage2/app/rootfs/tmp n
	cmp "$tmp/e" "$tmp/a" || fail 'confined in another way than the app'
	for n in net pid ipc uts cgroup mnt; do
		enter /bin/readlink "/proc/self/ns/$n"
		is "$out" "$(readlink "/proc/$(tr -d ' ' <"/proc/$pid1/task/$pid1/children")/ns/$n")" "$n"
	done
	enter /bin/sh -c 'kill -9 $$'
	ended 137
	enter /nowhere
	ended 203
	is "$err" 'Error: Unable to open "/nowhere": No such file or directory'
	APP=other enter /bin/true
	refused other
	kill -TERM "$outer"
	native_finish
	run entry enter --pid="$pid1" --appname=app -- /bin/true
	refused
}
test_enter_of_an_app_that_has_ended() {
	make_pod "$(sh_app 'exit 0')" "$(sleeper)"
	native_start
	wait_for 5 test -e "$POD/stage1/rootfs/rkt/status/app"
	enter /bin/true
	refused 'not running'
	APP=other enter /bin/true
	ok
	kill -TERM "$outer"
	native_finish
}
test_enter_passes_signals_on() {
	make_pod "$(sleeper)"
	native_start
	cd "$POD" || exit
	stage1/rootfs/enter --pid="$pid1" --appname=app -- /bin/sh -c 'trap "exit 8" TERM; echo ready >/tmp/r; while :; do sleep .1; done' &
	local e=$!
	wait_for 5 test -e "$POD/stage1/rootfs/opt/stage2/app/rootfs/tmp/r"
	kill -TERM "$e"
	status=0
	wait "$e" || status=$?
	ended 8
	kill -TERM "$outer"
	native_finish
}

test_notify() {
	make_pod "$(sleeper)"
	python3 - "$T/notify" >"$T/notified" <<-'E' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		s.settimeout(10)
		print(s.recv(4096).decode(), flush=True)
		print(s.recv(4096).decode(), flush=True)
	E
	local listener=$!
	wait_for 5 test -S "$T/notify"
	export NOTIFY_SOCKET=$T/notify
	native_start
	wait_for 5 grep -q READY "$T/notified"
	is "$(cat "$T/notified")" "READY=1"$'\n'"MAINPID=$outer"
	kill -TERM "$outer"
	native_finish
	wait "$listener"
	has "$(cat "$T/notified")" STOPPING=1
}
knobs() { # NAME…: what the files of these names say, in all groups of the pod
	local name group
	for name; do
		groups | while read -r group; do find "$group" -name "$name" -exec cat {} +; done
	done
}
test_limits() {
	make_pod "$(sh_app 'echo ready; sleep 600' '"isolators":[{"name":"resource/memory","value":{"limit":"64Mi"}},
		{"name":"resource/cpu","value":{"limit":"500m"}}]')"
	native_start
	has "$(knobs memory.max memory.limit_in_bytes)" 67108864
	has "$(knobs cpu.max cpu.cfs_quota_us)" 50000
	enter /bin/sh -c 'exec dd if=/dev/zero of=/dev/null bs=200M count=1'
	ended 137
	kill -TERM "$outer"
	native_finish
	make_pod "$(sleeper)"
	native_start
	is "$(groups | grep -E '/(memory|cpu)/')" '' 'groups in hierarchies of controllers that nobody asked for'
	kill -TERM "$outer"
	native_finish
}
test_old_kernels() {
	local calls
	for calls in clone3 pidfd_open,pidfd_send_signal close_range; do
		make_pod "$(sh_app 'cat /proc/self/cgroup; exit 3')"
		WRAP="$HELPERS/nosys $calls" native_run
		ended 3
		no_groups
	done
}
test_nothing_of_the_pod_is_mounted_on_the_host() {
	make_pod "$(sleeper)" "$(sleeper)"
	mkdir "$T/shared"
	mount --bind "$T/shared" "$T/shared"
	mount --make-shared "$T/shared"
	unshare -m --propagation=unchanged bash -c "$(declare -f stage0); POD=$POD stage0 run $UUID" </dev/null >"$T/pod.out" 2>&1 &
	outer=$!
	wait_for 5 test -s "$POD/pid"
	local mounts
	mounts=$(mounts_of "$POD")
	kill -TERM $outer
	status=0
	wait "$outer" || status=$?
	umount "$T/shared"
	is "$mounts" ''
}
test_bad_arguments() {
	make_pod "$(sleeper)"
	native_run --unknown
	refused unknown
	run apart run not-a-uuid
	refused not-a-uuid
	run env -u RKT_LOCK_FD bash -c "cd $POD && stage1/rootfs/run $UUID"
	refused RKT_LOCK_FD
	native_run --private-users=100000:x
	refused private-users
	no_groups
	echo '{' >"$POD/pod"
	native_run
	refused 'pod manifest'
}
# The app's root has the host's owners: native maps them itself.
test_private_users_of_a_plain_directory() {
	make_pod "$(sh_app 'id -u; stat -c "%u %n" /bin/busybox; cat /proc/self/uid_map; >/made')"
	native_run --private-users=1900000000:65536
	ok
	is "$(tr -s ' ' <<<"$out")" $'0\n0 /bin/busybox\n 0 1900000000 65536'
	is "$(app_status)" 0
	is "$(stat -c %u "$POD/stage1/rootfs/opt/stage2/app/rootfs/made")" 0
}
# As rkt's stage0 leaves it: owners on disk have been changed.
test_private_users_of_a_shifted_copy() {
	make_pod "$(sh_app 'id -u; stat -c "%u %n" /bin/busybox; >/made')"
	chown -R -h 1900000000:1900000000 "$POD/stage1/rootfs/opt/stage2/app/rootfs"
	native_run --private-users=1900000000:65536
	ok
	is "$out" $'0\n0 /bin/busybox'
	is "$(stat -c %u "$POD/stage1/rootfs/opt/stage2/app/rootfs/made")" 1900000000
}
test_private_users_of_an_overlay_that_is_not_mapped() {
	make_pod "$(sh_app 'id -u')"
	mkdir "$T/o"
	run unshare -m bash -c "$(declare -f stage0)
		mount -t tmpfs rkt-check $T/o && mkdir $T/o/{u,w} && cd $POD/stage1/rootfs/opt/stage2/app &&
		mount -t overlay -o lowerdir=rootfs,upperdir=$T/o/u,workdir=$T/o/w overlay rootfs
		POD=$POD stage0 run --private-users=1900000000:65536 $UUID"
	refused 'overlay' 'stage0 did not map them'
}
test_interactive() {
	make_pod "$(sh_app 'tty; stty size; read x; echo got $x; exit 3')"
	cat >"$T/drive.py" <<-'E'
		import fcntl, os, pty, select, struct, subprocess, sys, termios, time
		m, s = pty.openpty()
		fcntl.ioctl(s, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 99, 0, 0))
		before = termios.tcgetattr(s)
		def child():
		    os.setsid()
		    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
		p = subprocess.Popen(sys.argv[1:], stdin=s, stdout=s, stderr=s, preexec_fn=child)
		seen, end = b'', time.time() + 10
		os.write(m, b'words\r')
		while b'got words' not in seen and time.time() < end:
		    if select.select([m], [], [], .1)[0]: seen += os.read(m, 4096)
		print(seen.decode(), p.wait(), termios.tcgetattr(s) == before)
	E
	out=$(declare -f stage0 >"$T/stage0.sh"; python3 "$T/drive.py" unshare -m bash -c ". $T/stage0.sh; POD=$POD stage0 run --interactive $UUID")
	has "$out" /dev/console '33 99' 'got words' '3 True'
	make_pod "$(sleeper)"
	native_start
	out=$(cd "$POD" && python3 "$T/drive.py" stage1/rootfs/enter --pid="$pid1" --appname=app -- /bin/sh -c 'tty; stty size; read x; echo got $x; exit 4')
	has "$out" /dev/pts/ '33 99' 'got words' '4 True'
	kill -TERM "$outer"
	native_finish
}
