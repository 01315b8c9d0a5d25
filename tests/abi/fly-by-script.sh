# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2119,SC2120
# The fly stage1 with a shell script in the place of stage0: nothing of ours but what the interface says
# (Documentation/abi/stage1-interface.md).

FLY=$TOP/$B/stage1/fly
UUID=076292e6-54c4-4cc8-9fa7-679c5f7dcfd3

# $POD: a pod's directory as it lies before `run`, with the app that the JSON object describes.
make_pod() { # APP_JSON [MORE_OF_THE_POD]
	POD=$T/run/$UUID
	local root=$POD/stage1/rootfs
	rm -rf --one-file-system "$POD"
	mkdir -p "$POD/appsinfo/app" "$POD/stage1"
	cp -a "$FLY/rootfs" "$POD/stage1/"
	cp "$FLY/manifest" "$POD/stage1/"
	mkdir -p "$root/opt/stage2/app/rootfs"/{bin,etc,tmp} "$root/rkt/status"
	root=$root/opt/stage2/app/rootfs
	cp "$(command -v busybox)" "$root/bin/busybox"
	local applet
	for applet in sh cat id ls env pwd readlink sleep true kill mount stat; do ln -s busybox "$root/bin/$applet"; done
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1001:\n' >"$root/etc/group"
	touch "$POD/pod.lck"
	pod_manifest "{\"name\":\"app\",\"image\":{\"id\":\"$ID\"},\"app\":$1}" "${2:-}"
}
ID=sha512-$(printf '0%.0s' {1..128})
pod_manifest() { # APPS [MORE]
	printf '{"acVersion":"0.8.11","acKind":"PodManifest","apps":[%s]%s}\n' "$1" "${2:+,$2}" >"$POD/pod"
}
# The script that plays stage0; the process becomes the entry point.
stage0() { # ENTRY [ARGUMENT]…
	cd "$POD" || exit
	exec 9<pod.lck
	flock -n 9 || [ "$1" != run ] || exit 99
	if [ "$1" = run ]; then export RKT_LOCK_FD=9; else exec 9<&-; fi
	local entry=stage1/rootfs/$1
	shift
	exec "$entry" "$@"
}
sh_app() { # SCRIPT [MORE]: the app object of a shell script
	printf '{"exec":["/bin/sh","-c",%s],"user":"0","group":"0"%s}' "$(jq -Rs . <<<"$1")" "${2:+,$2}"
}
fly_run() { run unshare -m bash -c "$(declare -f stage0); POD=$POD stage0 run \"\$@\"" stage0 "$@" "$UUID"; }
# In the background, until it can be entered; sets $outer and $app.
fly_start() {
	unshare -m bash -c "$(declare -f stage0); POD=$POD stage0 run \"\$@\"" stage0 "$@" "$UUID" \
		</dev/null >"$T/pod.out" 2>"$T/pod.err" &
	outer=$!
	wait_for 5 test -s "$POD/pid" || { cat "$T/pod.err"; fail 'no pid'; }
	app=$(cat "$POD/pid")
}
fly_finish() {
	status=0
	wait "$outer" || status=$?
	out=$(cat "$T/pod.out") err=$(cat "$T/pod.err")
}
# For apps: says so once traps are set.
says_ready() { grep -q ready "$T/pod.out"; }
gone() { ! kill -0 "$1" 2>/dev/null; }
app_status() { cat "$POD/stage1/rootfs/rkt/status/app"; }

test_status() {
	make_pod "$(sh_app 'echo hello; exit 7')"
	fly_run
	ended 7
	is "$out" hello
	is "$(app_status)" 7
	[ -e "$POD/stage1/rootfs/rkt/status/app-started" ] || fail 'app-started is not there'
	[ -s "$POD/pid" ] || fail 'no pid'
	flock -n "$POD/pod.lck" true || fail 'the lock is still held'
}

test_killed_by_a_signal() {
	make_pod "$(sh_app 'kill -9 $$')"
	fly_run
	ended 137
	is "$(app_status)" 137
}

test_the_app_of_the_image() {
	make_pod null
	pod_manifest "{\"name\":\"app\",\"image\":{\"id\":\"$ID\"}}"
	printf '{"acVersion":"0.8.11","acKind":"ImageManifest","name":"example.com/a","app":%s}' \
		"$(sh_app 'echo from the image')" >"$POD/appsinfo/app/manifest"
	fly_run
	ok
	is "$out" 'from the image'
}

test_identity_environment_and_descriptors() {
	make_pod '{"exec":["/bin/sh","-c","id -u; id -g; id -G; pwd; umask; echo /proc/self/fd/*; env"],"user":"user",
		"group":"user","supplementaryGIDs":[7,8],"workingDirectory":"/tmp",
		"environment":[{"name":"FOO","value":"b a\nr"}]}'
	export SECRET=hunter2 NOTIFY_SOCKET=/nowhere
	exec 8<"$POD/pod" # leaked by a careless caller
	fly_run --net=none
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
	fly_run --net=none
	ok
	local n
	for n in net pid ipc uts user cgroup; do has "$out" "$(readlink /proc/self/ns/$n)"; done
	hasnt "$out" "$(readlink /proc/self/ns/mnt)" "$(basename "$T")"
	has "$out" /dev/null "$(grep CapEff /proc/self/status)"
}

test_capabilities_of_another_user() {
	make_pod '{"exec":["/bin/sh","-c","cat /proc/self/status"],"user":"1000","group":"1000"}'
	fly_run
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
	fly_run
	has "$out" content '2770 5 6' localhost
	has "$err" 'ead-only'
	is "$(cat "$T/given/new")" new
	is "$(cat "$POD/sharedVolumes/fresh/f")" kept
	hasnt "$(cat /proc/self/mountinfo)" "$T/"
}

# The outer process makes a namespace of its own: nothing is seen where stage0 made none.
test_mounts_stay_inside() {
	make_pod "$(sh_app 'mount -t tmpfs none /tmp && cat /proc/self/mountinfo >/tmp/x && echo mounted')"
	run bash -c "$(declare -f stage0); POD=$POD stage0 run \"\$@\"" stage0 "$UUID"
	ok
	is "$out" mounted
	hasnt "$(cat /proc/self/mountinfo)" "$T/"
}

test_names_of_the_host_and_of_stage0() {
	make_pod "$(sh_app 'cat /etc/hosts /etc/resolv.conf')"
	echo 'from image' >"$POD/stage1/rootfs/opt/stage2/app/rootfs/etc/hosts"
	mkdir "$POD/stage1/rootfs/etc"
	echo 'nameserver 10.9.8.7' >"$POD/stage1/rootfs/etc/rkt-resolv.conf"
	fly_run --dns-conf-mode=resolv=stage0,hosts=default
	has "$out" 'from image' '10.9.8.7'
	rm "$POD/pid"
	fly_run --dns-conf-mode=resolv=none,hosts=host
	has "$out" "$(head -1 /etc/hosts)"
	hasnt "$out" 'from image' nameserver
}

test_what_cannot_run() {
	make_pod '{"exec":["/not/there"],"user":"0","group":"0"}'
	fly_run
	ended 203
	has "$err" 'Unable to open "/not/there": No such file or directory'
	is "$(app_status)" 203
	make_pod '{"exec":["/bin/true"],"user":"nobody-of-ours","group":"0"}'
	fly_run
	refused "app 'app'" '"nobody-of-ours" user not found'
	[ ! -e "$POD/pid" ] || fail 'a pod that did not start can be entered'
}

test_bad_input() {
	make_pod "$(sh_app true)"
	local app
	app=$(jq -c '.apps[0]' "$POD/pod")
	pod_manifest "$app,${app/\"app\"/\"two\"}"
	fly_run
	refused 'one app'
	pod_manifest ''
	fly_run
	refused 'at least one'
	echo '{' >"$POD/pod"
	fly_run
	refused
	rm "$POD/pod"
	mkfifo "$POD/pod"
	fly_run
	refused 'not a regular file'
	rm "$POD/pod"
	truncate -s 1G "$POD/pod"
	fly_run
	refused 'larger than'
	pod_manifest "$app"
	fly_run --dunno
	refused "'--dunno'"
	run unshare -m bash -c "cd $POD && exec stage1/rootfs/run $UUID"
	refused RKT_LOCK_FD
	fly_run --mutable
	refused mutable
}

test_enter() {
	make_pod '{"exec":["/bin/sh","-c","echo ready; exec sleep 1000"],"user":"user","group":"user",
		"environment":[{"name":"FOO","value":"bar"}],"workingDirectory":"/tmp",
		"mountPoints":[{"name":"fresh","path":"/fresh"}]}' '"volumes":[{"name":"fresh","kind":"empty","mode":"0777"}]'
	fly_start
	export SECRET=hunter2
	enter() { run bash -c "$(declare -f stage0); POD=$POD stage0 enter \"\$@\"" stage0 --pid="$app" "$@"; }
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
	fly_finish
	[ -e "$POD/sharedVolumes/fresh/x" ] || fail 'enter saw another volume'
}

test_stop() {
	make_pod "$(sh_app 'trap "echo stopping; exit 3" TERM; echo ready; while :; do sleep .1; done')"
	fly_start
	wait_for 5 says_ready
	stop() { run bash -c "$(declare -f stage0); POD=$POD stage0 stop \"\$@\"" stage0 "$@" "$UUID"; }
	stop
	ok
	fly_finish
	ended 3
	has "$out" stopping
	is "$(app_status)" 3
	stop
	ended 254
	rm "$POD/pid"
	: >"$T/pod.out"
	fly_start
	wait_for 5 says_ready
	stop --force
	ok
	fly_finish
	ended 137
}

test_signals() {
	make_pod "$(sh_app 'trap "echo hup" HUP; trap "" TERM INT; echo ready; while :; do sleep .1; done')"
	fly_start
	wait_for 5 says_ready
	kill -HUP "$outer"
	wait_for 5 grep -q hup "$T/pod.out"
	kill -TERM "$outer"
	sleep .2
	kill -0 "$app" || fail 'killed at the first TERM'
	kill -INT "$outer"
	fly_finish
	ended 137
}

test_dies_with_the_outer_process() {
	local user
	for user in 0 1000; do
		make_pod '{"exec":["/bin/sleep","1000"],"user":"'$user'","group":"0"}'
		fly_start
		kill -9 "$outer"
		fly_finish
		wait_for 5 gone "$app" || fail "the app of user $user goes on"
		flock -n "$POD/pod.lck" true || fail 'the lock is still held'
	done
}

test_takes_its_orphans_along() {
	make_pod "$(sh_app '(sleep 1000 & sleep 1000 & echo $!) & sleep .3')"
	fly_run
	ok
	gone "$out" || fail 'an orphan is left'
}

test_event_handlers() {
	make_pod "$(sh_app 'cat /tmp/before; echo main' '"eventHandlers":[
		{"name":"pre-start","exec":["/bin/sh","-c","echo before >/tmp/before"]},
		{"name":"post-stop","exec":["/bin/sh","-c","echo after >/tmp/after"]}]')"
	fly_run
	ok
	is "$out" $'before\nmain'
	is "$(cat "$POD/stage1/rootfs/opt/stage2/app/rootfs/tmp/after")" after
}

test_gc() {
	make_pod "$(sh_app true)"
	gc() { run bash -c "$(declare -f stage0); POD=$POD stage0 gc \"\$@\"" stage0 "$@"; }
	gc --debug --local-config=/etc/rkt "$UUID"
	ok
	gc --dunno "$UUID"
	refused
}
