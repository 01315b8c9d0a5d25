# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2119,SC2154
# What keeps an app of the native stage1 inside, seen from inside, and hostile images that try to lead stage1 out. A
# script plays stage0, so that nothing but stage1 and stage2 is under test.

STAGE1=$TOP/$B/stage1/native
. "$TOP/tests/abi/stage0.bash"

# A second app beside `app`: the same image, another app object.
two_apps() { # APP_JSON APP_JSON
	make_pod "$1"
	local one
	one=$(jq -c '.apps[0]' "$POD/pod")
	cp -a "$POD/stage1/rootfs/opt/stage2/app" "$POD/stage1/rootfs/opt/stage2/two"
	pod_manifest "$one,{\"name\":\"two\",\"image\":{\"id\":\"$ID\"},\"app\":$2}"
}

test_namespaces() {
	make_pod "$(sh_app 'for n in net pid ipc uts cgroup mnt; do readlink /proc/self/ns/$n; done; echo pid $$; cat /proc/sys/kernel/hostname
		cat /proc/net/dev; cat /proc/self/mountinfo')"
	s1_run --net=none
	ok
	local n
	for n in net pid ipc uts cgroup mnt; do hasnt "$out" "$(readlink /proc/self/ns/$n)"; done
	has "$out" "rkt-$UUID" lo: 'pid 2'
	hasnt "$out" eth0
	s1_run --net=host --hostname=web
	has "$out" "$(readlink /proc/self/ns/net)" web
}

test_confined() {
	make_pod "$(sh_app 'cat /proc/self/status; mount -t tmpfs none /tmp; echo x >/proc/sys/kernel/hostname; ls /sys/fs | sed "s/^/fs: /"; echo x >/sys/fs/cgroup/cgroup.procs; cat /proc/kcore')"
	s1_run --net=none
	has "$out" $'CapEff:\t00000000a80425fb' $'CapBnd:\t00000000a80425fb' $'CapInh:\t0000000000000000' $'Seccomp:\t2'
	has "$err" 'denied' 'ead-only'
	# Of /sys/fs the app's own control groups, read-only, and nothing else.
	is "$(grep '^fs: ' <<<"$out" | grep -vxF 'fs: cgroup')" ''
	has "$err" "can't create /sys/fs/cgroup/cgroup.procs: Read-only file system"
	s1_run --net=none --disable-capabilities-restriction --disable-seccomp --disable-paths
	has "$out" "$(grep CapEff /proc/self/status)" $'Seccomp:\t0'
}

test_apps_share_the_pod_but_not_their_roots() {
	two_apps "$(sh_app 'echo secret >/tmp/x; echo shared >/dev/shm/x; sleep .5')" \
		"$(sh_app 'sleep .2; ls /tmp; cat /dev/shm/x; readlink /proc/self/ns/ipc')"
	s1_run --net=none
	ok
	has "$out" shared
	hasnt "$out" $'x\nshared' "$(readlink /proc/self/ns/ipc)"
}

# The app, and a command that is entered, see the same.
test_enter_is_confined_like_the_app() {
	local look='grep -E "^(Cap|Seccomp:|NoNewPrivs|Uid|Gid|Groups)" /proc/self/status; cat /proc/self/cgroup
		for n in net pid ipc uts cgroup mnt user; do readlink /proc/self/ns/$n; done; cat /proc/self/mountinfo; ulimit -a; ls /; echo /proc/self/fd/*'
	make_pod "$(sh_app "$look; env; echo ready; exec sleep 1000" \
		'"environment":[{"name":"FOO","value":"bar"}]' | sed 's/"user":"0","group":"0"/"user":"user","group":"user"/')"
	ln -s busybox "$POD/stage1/rootfs/opt/stage2/app/rootfs/bin/grep"
	export SECRET=hunter2
	s1_start --net=none
	wait_for 5 says_ready
	entry enter --pid="$app" --appname=app -- /bin/sh -c "$look; env; echo ready"
	ok
	diff "$T/pod.out" "$T/out" || fail 'an entered command sees something else'
	entry enter --pid="$app" --appname=app -- /bin/sh -c 'exit 9'
	ended 9
	entry enter --pid="$app" --appname=app -- dunno
	ended 203
	entry enter --pid="$app" --appname=other -- true
	refused "app 'other'"
	entry stop --force "$UUID"
	s1_finish
	ended 137
}

test_pid1_cannot_be_looked_into() {
	make_pod "$(sh_app 'for f in /proc/1/fd/*; do readlink $f; cat $f; done; ls /proc/1/root/; cat /proc/1/environ; readlink /proc/1/exe; readlink /proc/1/cwd
		kill -9 1; echo still here')"
	s1_run --net=none --disable-seccomp
	ok
	is "$out" 'still here'
}

# A hostile image: $ROOT is the root filesystem of `app`.
hostile() { # APP_JSON [MORE_OF_THE_POD]
	make_pod "$@"
	ROOT=$POD/stage1/rootfs/opt/stage2/app/rootfs
	mkdir "$T/host"
	echo untouched >"$T/host/hosts"
	echo untouched >"$T/host/null"
}
untouched() {
	is "$(ls "$T/host")" $'hosts\nnull'
	is "$(cat "$T/host/hosts" "$T/host/null")" $'untouched\nuntouched'
}

# CVE-2023-28642, CVE-2026-47766 and their kind
test_links_for_the_kernels_directories() {
	local d
	for d in proc sys dev; do
		rm -rf "$T/host"
		hostile "$(sh_app true)"
		ln -s "../../../../../../../../../..$T/host" "$ROOT/$d"
		s1_run --net=none
		refused "'/$d'"
		untouched
	done
}

# CVE-2021-30465, CVE-2018-15664 and their kind: links where volumes and files are to be mounted
test_links_for_mount_points() {
	hostile "$(sh_app 'cat /etc/hosts; cat /data/file' '"mountPoints":[{"name":"data","path":"/data"}]')" \
		'"volumes":[{"name":"data","kind":"host","source":"'"$T"'/given"}]'
	mkdir "$T/given"
	echo content >"$T/given/file"
	ln -s "$T/host" "$ROOT/data"
	rmdir "$ROOT/tmp"
	ln -s /tmp/../../../../../../.."$T/host" "$ROOT/tmp"
	rm -r "${ROOT:?}/etc"
	ln -s "$T/host" "$ROOT/etc"
	s1_run --net=none
	untouched
	hasnt "$out" untouched
}

test_links_in_the_source_of_a_volume() {
	hostile "$(sh_app 'ls /data' '"mountPoints":[{"name":"data","path":"/data"}]')" \
		'"volumes":[{"name":"data","kind":"host","source":"'"$T"'/link/sub"}]'
	mkdir -p "$T/real/sub"
	ln -s real "$T/link"
	s1_run --net=none
	refused 'symbolic link'
}

# CVE-2024-21626: a working directory that is a descriptor of the runtime
test_working_directory_by_descriptor() {
	local fd
	for fd in 3 5 7 9; do
		make_pod '{"exec":["/bin/sh","-c","pwd; ls"],"user":"0","group":"0","workingDirectory":"/proc/self/fd/'$fd'"}'
		s1_run --net=none
		refused 'working directory'
	done
}

# CVE-2016-3697, CVE-2024-40635, CVE-2024-9676 and their kind
test_users_that_nobody_is() {
	local user
	for user in 4294967295 4294967296 2147483648 -1 99999999999999999999; do
		make_pod '{"exec":["/bin/id"],"user":"'$user'","group":"0"}'
		s1_run --net=none
		ended 254
		is "$out" ''
	done
	make_pod '{"exec":["/bin/id"],"user":"user","group":"0"}'
	ROOT=$POD/stage1/rootfs/opt/stage2/app/rootfs
	rm "$ROOT/etc/passwd"
	mkfifo "$ROOT/etc/passwd"
	s1_run --net=none
	refused 'not a regular file'
	rm "$ROOT/etc/passwd"
	ln -s /dev/zero "$ROOT/etc/passwd"
	s1_run --net=none
	ended 254
	rm "$ROOT/etc/passwd"
	truncate -s 1G "$ROOT/etc/passwd"
	s1_run --net=none
	refused 'larger than'
}

# CVE-2017-5226: bytes pushed into the terminal of whoever started rkt
test_no_controlling_terminal() {
	make_pod "$(sh_app 'cat /dev/tty; echo x >/dev/tty')"
	s1_run --net=none
	has "$err" '/dev/tty'
	is "$out" ''
}

# CVE-2019-5736: the program that started the app, overwritten through /proc
test_stage1_is_out_of_reach() {
	make_pod "$(sh_app 'for p in /proc/[0-9]*; do readlink $p/exe; done; echo x >/proc/1/exe')"
	local before
	before=$(sha256sum "$POD/stage1/rootfs/stage1")
	s1_run --net=none --disable-seccomp
	is "$(sha256sum "$POD/stage1/rootfs/stage1")" "$before"
	hasnt "$out" stage1
}
