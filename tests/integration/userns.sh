# shellcheck shell=bash
# --private-users: users of the pod that are not the host's.

range() { sed 's/:.*//' "$DATA/pods/run/$1/private-users-prepared"; } # UUID: what its root is on the host
up() { # [rkt run flags]
	start --private-users "$@" "$TESTAPP" --exec=/bin/testapp -- echo up + sleep 100
	wait_for 5 grep -q up "$T/pod.out" || fail 'the app did not start'
}
down() {
	rkt stop --force "$uuid" >/dev/null
	finish
}
ids_of() { # PID…: what the host sees
	local p
	for p; do sed -n 's/^[UG]id:\t\([0-9]*\).*/\1/p' "/proc/$p/status"; done | sort -u
}
app_pid() { # UUID: the app's process on the host
	pgrep -P "$(cat "$DATA/pods/run/$1/pid")" | head -n 1
}
# With other files in the place of those of /etc that say which ids there are: etc NAME=TEXT… -- CMD…
etc() {
	rm -rf "${T:?}/etc"
	mkdir "$T/etc"
	cp -a /etc/{passwd,group,ld.so.cache} "$T/etc/"
	while [ "$1" != -- ]; do
		printf '%b' "${1#*=}" >"$T/etc/${1%%=*}"
		shift
	done
	shift
	run unshare -m --propagation slave bash -c 'mount --bind "$0" /etc && exec "$@"' "$T/etc" "${RKTC[@]}" "$@"
}
owned_image() { # an image with files of several owners, one of them set-user-id
	mkdir -p x/bin x/home/alice
	cp "$HELPERS/testapp" x/bin/suapp
	chmod 4755 x/bin/suapp
	echo hers >x/home/alice/file
	chown -R 1000:1000 x/home/alice
	chmod 700 x/home/alice
	echo secret >x/rootonly
	chmod 600 x/rootonly
	image_with owned . x
}

test_ids_inside_and_outside() {
	up
	local pod app
	pod=$(range "$uuid")
	app=$(app_pid "$uuid")
	is "$(ids_of "$(cat "$DATA/pods/run/$uuid/pid")" "$app")" "$pod" 'ids of pid 1 and the app on the host'
	is "$(tr -s ' ' <"/proc/$app/uid_map")" " 0 $pod 65536"
	is "$(readlink "/proc/$app/ns/user")" "$(readlink "/proc/$(cat "$DATA/pods/run/$uuid/pid")/ns/user")" 'user namespace of pid 1'
	[ "$(readlink "/proc/$app/ns/user")" != "$(readlink /proc/self/ns/user)" ] || fail 'the namespace is the host'"'"'s'
	run rkt status "$uuid"
	has "$out" "private-users=$pod:65536"
	run rkt status --format=json "$uuid"
	is "$(jq -r .private_users <<<"$out")" "$pod:65536"
	down
}
# The network belongs to the pod, so that its root has there what its capabilities say.
test_network_is_the_pod_s() {
	pod --private-users -- try raw-socket
	ok
	has "$out" 'raw-socket: ok'
}
test_files_on_disk_stay_as_in_the_image() {
	local aci
	aci=$(owned_image)
	run rkt run --private-users --uuid-file-save="$T/u" "$aci" --exec=/bin/testapp -- stat /bin/suapp /home/alice/file /rootonly \
		+ write /new text + chown /rootonly 1000 + cat /home/alice/file
	ok
	has "$out" '/bin/suapp: file 4755 0:0' '/home/alice/file: file 0644 1000:1000' '/rootonly: file 0600 0:0' hers
	uuid=$(cat "$T/u")
	is "$(stat -c %u "$DATA/pods/run/$uuid/overlay/owned/upper/new")" 0
	is "$(stat -c %u "$DATA/pods/run/$uuid/overlay/owned/upper/rootonly")" 1000
	run find "$DATA/cas" "$DATA/pods/run/$uuid/overlay" -uid +65535
	is "$out" ''
}
test_set_user_id_programs() {
	local aci
	aci=$(owned_image)
	run rkt run --private-users "$aci" --user=alice --group=alice --exec=/bin/testapp -- exec /bin/suapp ids
	has "$out" 'uid=1000,0,0'
	run rkt run --private-users "$aci" --user=/home/alice/file --group=/home/alice/file --exec=/bin/testapp -- ids
	has "$out" 'uid=1000,1000,1000 gid=1000,1000,1000'
}
test_no_overlay() {
	local aci
	aci=$(owned_image)
	run rkt run --private-users --no-overlay --uuid-file-save="$T/u" "$aci" --exec=/bin/testapp -- stat /home/alice/file + write /new text + stat /new + cat /home/alice/file
	ok
	has "$out" '/home/alice/file: file 0644 1000:1000' '/new: file 0644 0:0' hers
	is "$(stat -c %u "$DATA/pods/run/$(cat "$T/u")/stage1/rootfs/opt/stage2/owned/rootfs/new")" 0
}
test_layers() {
	"$TOP/tests/images/layout.py" "$T/lay" <<-'EOF'
		image(layer(*base(), f('etc/a', 'a', uid=7), d('gone'), f('gone/x')), layer(d('etc'), f('etc/b', 'b', uid=9)), layer(wh('gone')))
	EOF
	run rkt run --private-users oci:lay -- 'stat -c "%n %u" /etc/a /etc/b; echo more >>/etc/a; cat /etc/a; stat -c %u /etc/a; ls /gone'
	has "$out" '/etc/a 7' '/etc/b 9' amore
	has "$err" '/gone'
}
# Apps of one image share their layers, and each other's memory and ids.
test_several_apps() {
	run rkt run --private-users "$TESTAPP" --name=a --exec=/bin/testapp -- ids + stat /dev/shm --- "$TESTAPP" --name=b --exec=/bin/testapp -- ids
	ok
	is "$(grep -c 'uid=0,0,0' <<<"$out")" 2
	has "$out" '/dev/shm: dir 1777 0:0'
}
# What an app leaves behind when it ends ends with it, though pid 1 is nobody to the control group.
test_left_overs_of_one_app() {
	start --private-users "$TESTAPP" --name=a --exec=/bin/testapp -- orphans 3 100000 --- "$TESTAPP" --name=b --exec=/bin/testapp -- sleep 100
	nothing_is_left_of a
	down
}

test_kernel_filesystems_and_devices() {
	pod --private-users -- stat /dev /dev/null /dev/console /dev/pts /dev/mqueue /dev/shm /etc/hosts + write /dev/null x + mounts
	ok
	has "$out" '/dev: dir 0755 0:0' '/dev/null: char 0666 0:0 1,3' '/dev/pts: dir 0755' '/dev/mqueue: dir 1777 0:0' '/dev/shm: dir 1777 0:0' '/etc/hosts: file 0644 0:0'
	matches "$out" ' /proc/sys ro,'
	matches "$out" ' /sys ro,'
}
# Masks and what is read-only hold for an app that may mount, too.
test_an_app_that_may_mount() {
	pod --private-users --insecure-options=image,seccomp -- ids
	run rkt --insecure-options=image,seccomp run --private-users "$TESTAPP" --caps-retain=CAP_SYS_ADMIN --exec=/bin/testapp -- try mount umount remount + write /proc/sys/kernel/hostname x
	has "$out" 'mount: ok' '/proc/sys/kernel/hostname: Read-only'
	hasnt "$out" 'umount: ok' 'remount: ok'
}

test_root_of_the_pod_is_not_root_in_a_volume() {
	mkdir -m 700 v
	echo secret >v/file
	chmod 600 v/file
	pod --private-users --volume=data,kind=host,source="$T/v" -- cat /data/file + write /data/new x + ls /data
	has "$out" '/data/file: Permission denied'
	hasnt "$out" secret
	pod --private-users --volume=data,kind=host,source="$T/v" -- write /data/new x
	has "$out" '/data/new: Permission denied'
	[ ! -e v/new ] || fail 'a file was made'
	chmod 777 v
	pod --private-users --uuid-file-save="$T/u" --volume=data,kind=host,source="$T/v" -- write /data/new x + stat /data/file /data/new
	has "$out" '/data/file: file 0600 65534:65534' '/data/new: file 0644 0:0'
	is "$(stat -c %u v/new)" "$(range "$(cat "$T/u")")"
}
test_volume_below_what_only_root_may_enter() {
	mkdir -m 700 closed
	mkdir -m 755 closed/v
	echo hello >closed/v/file
	pod --private-users --volume=data,kind=host,source="$T/closed/v" -- cat /data/file
	ok
	is "$out" hello
}
test_empty_volumes() {
	pod --private-users --volume=data,kind=empty,uid=1000,gid=1000,mode=750 -- stat /data + write /data/x 1 + stat /data/x
	ok
	has "$out" '/data: dir 0750 1000:1000' '/data/x: file 0644 0:0'
	pod --private-users --volume=data,kind=empty,uid=70000 -- exit 0
	refused data 65535
	pod --private-users -- stat /data
	has "$out" '/data: dir 0755 0:0'
}
# The other way: ids of the host are the pod's, as podman's idmap.
test_mapped_volume() {
	mkdir -m 700 v v/sub
	echo secret >v/file
	chmod 600 v/file
	chown 1000:1000 v/sub
	pod --private-users --volume=data,kind=host,source="$T/v",idmap=true -- cat /data/file + stat /data /data/file /data/sub + write /data/new x
	ok
	has "$out" secret '/data: dir 0700 0:0' '/data/file: file 0600 0:0' '/data/sub: dir 0700 1000:1000'
	is "$(stat -c %u v/new)" 0
	pod --volume=data,kind=host,source="$T/v",idmap=true -- stat /data/file
	has "$out" '/data/file: file 0600 0:0'
	mkdir ram
	mount -t ramfs rkt-check ram
	pod --private-users --volume=data,kind=host,source="$T/ram",idmap=true -- stat /data
	refused ramfs /ram
	# … one that is mounted below is told from the volume itself
	pod --private-users --volume=data,kind=host,source="$T",idmap=true -- stat /data
	local below=$status why=$err
	pod --private-users --volume=data,kind=host,source="$T",idmap=true,recursive=false -- stat /data/v/file
	umount ram
	has "$out" '/data/v/file: file 0600 0:0'
	status=$below err=$why
	refused "mounted below '$T'" recursive=false
	pod --volume=data,kind=empty,idmap=true -- stat /data
	refused idmap
}
# Mounts of a user namespace reach nobody outside of it: that is said, and not left out silently.
test_shared_propagation_is_refused() {
	local command
	mkdir v
	for command in run prepare; do
		run unshare -m --propagation=shared "${RKTC[@]}" $command --private-users --volume=data,kind=host,source="$T/v",propagation=shared "$TESTAPP"
		refused propagation=shared --private-users=false
	done
	is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2 -name '*-*')" '' 'pods'
}
# What the host mounts below it later on is seen, or not; what the app mounts stays in the pod.
test_propagation_of_host_volumes() {
	local kind
	mkdir -p v
	cp /bin/busybox "$T/busybox"
	for kind in slave private; do
		as_host 'mount -t tmpfs -o mode=777 rkt-check "$T/v"; mkdir "$T/v/sub" "$T/v/mine"; cp "$T/busybox" "$T/v"
			rkt --insecure-options=image,seccomp run --private-users --volume=d,kind=host,source="$T/v",propagation='$kind' "$TESTAPP" --mount=volume=d,target=/d --caps-retain=CAP_SYS_ADMIN \
				--exec=/d/busybox -- sh -c "/d/busybox mount -t tmpfs inside /d/mine && echo mounted; echo >/d/up; until [ -e /d/go ]; do /d/busybox sleep .02; done; /d/busybox ls /d/sub" >"$T/seen" &
			wait_for 10 test -e "$T/v/up"; mount -t tmpfs rkt-check "$T/v/sub"; echo >"$T/v/sub/late"; grep -c inside /proc/self/mountinfo >"$T/count" || :; echo >"$T/v/go"; wait $!'
		has "$(cat seen)" mounted
		is "$(cat count)" 0 'mounts of the app on the host'
		if [ "$kind" = slave ]; then has "$(cat seen)" late; else hasnt "$(cat seen)" late; fi
	done
}
# A mount below a volume that is read-only, or is mapped, is so too.
test_mounts_below_a_volume() {
	local ids
	mkdir -m 777 v v/sub
	mount -t tmpfs -o mode=777 rkt-check v/sub
	for ids in '' ,idmap=true; do
		pod --private-users --volume=data,kind=host,source="$T/v",readOnly=true$ids -- write /data/sub/new x
		has "$out" 'Read-only file system'
		pod --private-users --volume=data,kind=host,source="$T/v"$ids -- write /data/sub/new$ids x + stat /data/sub/new$ids
		has "$out" ': file 0644 0:0'
	done
	out=$(stat -c %u v/sub/new,idmap=true)
	err=$(stat -c %u v/sub/new)
	umount v/sub
	is "$out" 0
	[ "$err" -ge 65536 ] || fail "the file belongs to $err of the host"
}
test_volumes_in_memory_and_of_images() {
	local aci
	aci=$(owned_image)
	rkt fetch "$aci" >/dev/null
	run rkt run --private-users --volume=data,kind=tmpfs,uid=7,size=1Mi --volume=img,kind=image,source=example.com/owned \
		"$TESTAPP" --mount=volume=img,target=/img --exec=/bin/testapp -- stat /data /img/home/alice/file /img/rootonly + write /data/x y
	ok
	has "$out" '/data: dir 1777 7:0' '/img/home/alice/file: file 0644 1000:1000' '/img/rootonly: file 0600 0:0'
}
test_layered_image_as_volume_and_its_content() {
	"$TOP/tests/images/layout.py" "$T/lay" <<-'EOF'
		image(layer(*base(), d('data'), f('data/a', 'a', uid=7)), layer(d('etc'), f('etc/b', 'b', uid=9)), Volumes={'/data': {}})
	EOF
	local overlay
	for overlay in false true; do
		run rkt run --private-users --no-overlay=$overlay --volume=img,kind=image,source=oci:lay oci:lay --mount=volume=img,target=/img \
			-- 'stat -c "%n %u" /img/data/a /img/etc/b /data/a /data'
		ok
		has "$out" '/img/data/a 7' '/img/etc/b 9' '/data/a 7' '/data 0'
	done
}
test_stdin_stdout_of_the_pod() {
	is "$(echo text | rkt run --private-users "$TESTAPP" --exec=/bin/testapp -- read 2>&1 | head -n 1)" 'read text'
}

# Servers log to /dev/stdout, which opens the pipe anew.
test_pipes_open_by_name() {
	local user
	for user in root alice; do
		is "$(rkt run --private-users "$TESTAPP" --user=$user --group=$user --exec=/bin/testapp -- write /dev/stdout text 2>&1 | cat)" text
	done
	up
	is "$(rkt enter "$uuid" /bin/testapp write /dev/stderr text 2>&1 | cat)" text
	down
}
test_enter() {
	up --volume=data,kind=empty
	local entered
	run rkt enter "$uuid" /bin/testapp ids + caps + ns user
	ok
	matches "$out" '^uid=0,0,0 gid=0,0,0'
	has "$out" "$(readlink "/proc/$(app_pid "$uuid")/ns/user")"
	"${RKTC[@]}" enter "$uuid" /bin/testapp sleep 100 &
	entered=$!
	wait_for 5 pgrep -P "$entered" -f 'testapp sleep' >/dev/null || fail 'nothing entered'
	is "$(ids_of "$(pgrep -P "$entered")")" "$(range "$uuid")"
	kill "$(pgrep -P "$entered")"
	killed "$entered" 15
	down
}
test_enter_as_the_app_s_user() {
	start --private-users "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- caps + ids + env + sleep 100
	wait_for 5 grep -q AC_APP_NAME "$T/pod.out" || fail 'the app did not start'
	wait_for 5 grep -q 'uid=' "$T/pod.out"
	run rkt enter "$uuid" /bin/testapp caps + ids + env
	ok
	diff <(sort "$T/pod.out") <(sort "$T/out") || fail 'enter differs from the app'
	down
}
test_export_has_the_image_s_ids() {
	local aci
	aci=$(owned_image)
	run rkt run --private-users --uuid-file-save="$T/u" "$aci" --exec=/bin/testapp -- write /made x + chown /made 1000
	ok
	run rkt export "$(cat "$T/u")" "$T/out.aci"
	ok
	run tar --numeric-owner -tvf "$T/out.aci"
	matches "$out" '1000/[0-9]+ .* rootfs/made'
	matches "$out" '1000/1000 .* rootfs/home/alice/file'
	matches "$out" '0/0 .* rootfs/rootonly'
}
test_prepared() {
	uuid=$(rkt prepare --private-users "$TESTAPP" --exec=/bin/testapp -- ids + stat /bin/testapp)
	local shift
	shift=$(sed 's/:.*//' "$DATA/pods/prepared/$uuid/private-users-prepared")
	run rkt run-prepared "$uuid"
	ok
	has "$out" 'uid=0,0,0' '/bin/testapp: file 0755 0:0'
	is "$(range "$uuid")" "$shift"
}
test_handlers() {
	mkdir -m 777 v
	aci=$(image_with handlers '.app.mountPoints = [{name: "data", path: "/data"}] | .app.eventHandlers = [
		{name: "pre-start", exec: ["/bin/testapp", "write", "/data/pre", "x"]}, {name: "post-stop", exec: ["/bin/testapp", "write", "/data/post", "x"]}]')
	run rkt run --private-users --uuid-file-save="$T/u" --volume=data,kind=host,source="$T/v" "$aci" --exec=/bin/testapp -- stat /data/pre /data/post
	ok
	has "$out" '/data/pre: file 0644 0:0' '/data/post: No such file'
	is "$(stat -c %u v/pre v/post | sort -u)" "$(range "$(cat "$T/u")")"
}
test_interactive() {
	run on_terminal "${RKTC[@]}" run --private-users --interactive "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- tty + stat /dev/console + write /dev/tty open + exit 5
	ended 5
	has "$out" open
	matches "$out" '/dev/console: char 06[02]0 1000:5 '
}
test_score_of_the_oom_killer() {
	run rkt run --private-users "$TESTAPP" --oom-score-adj=321 --exec=/bin/testapp -- cat /proc/self/oom_score_adj
	ok
	is "$out" 321
}
test_redis() {
	start --private-users --net=none "$IMAGES/redis.aci" -- --save '' --port 0 --unixsocket /tmp/sock
	local app
	wait_for 5 grep -qi 'ready to accept' "$T/pod.out" || fail 'redis is not ready'
	app=$(app_pid "$uuid")
	is "$(ids_of "$app" | head -n 1)" "$(($(range "$uuid") + 100))"
	run rkt stop "$uuid"
	finish
}

# --- ranges --------------------------------------------------------------------------------------
test_fifty_at_once_are_all_different() {
	local i pids=()
	rkt fetch "$TESTAPP" >/dev/null
	for i in {1..50}; do
		"${RKTC[@]}" run --private-users --uuid-file-save="$T/u$i" "$TESTAPP" --exec=/bin/testapp -- echo up + sleep 100 >"$T/out$i" 2>&1 </dev/null &
		pids+=($!)
	done
	for i in {1..50}; do wait_for 20 grep -q up "$T/out$i" || fail "pod $i: $(cat "$T/out$i")"; done
	is "$(cat "$DATA"/pods/run/*/private-users-prepared | sort -u | wc -l)" 50 'different ranges'
	# … as the kernel has it
	is "$(for i in "$DATA"/pods/run/*/pid; do cat "/proc/$(cat "$i")/uid_map"; done | sort -u | wc -l)" 50 'different maps'
	is "$(find "$DATA/pods/private-users" -type f | wc -l)" 50 reservations
	for i in {1..50}; do kill -9 "${pids[i - 1]}"; killed "${pids[i - 1]}"; done
}
test_tiny_subuid() {
	local two='rkt:300000:131072\n'
	etc subuid="$two" subgid="$two" -- prepare --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	ok
	local first=$out
	etc subuid="$two" subgid="$two" -- prepare --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	ok
	is "$(cat "$DATA"/pods/prepared/*/private-users-prepared | sort)" $'300000:65536\n365536:65536'
	etc subuid="$two" subgid="$two" -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused 'users of the pod' 'each of the 2 ranges' 'rkt gc'
	is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2 -name '*-*' | wc -l)" 2 'pods'
	# other ranges that overlap those are no way round
	etc subuid='rkt:330000:65536\n' subgid='rkt:330000:65536\n' -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused 'each of the 1 ranges'
	rkt rm "$first" >/dev/null
	etc subuid="$two" subgid="$two" -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	ok
}
test_killed_then_collected_then_reused() {
	local one='rkt:400000:65536\n'
	up
	kill -9 "$pid"
	killed "$pid"
	etc subuid="$one" subgid="$one" -- run --private-users --uuid-file-save="$T/u2" "$TESTAPP" --exec=/bin/testapp -- ids
	ok
	is "$(range "$(cat "$T/u2")")" 400000
	etc subuid="$one" subgid="$one" -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused 'each of the 1 ranges'
	rkt gc --grace-period=0 >/dev/null
	rkt gc --grace-period=0 >/dev/null
	is "$(ls "$DATA/pods/private-users")" ''
	etc subuid="$one" subgid="$one" -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	ok
}
# The root of a pod must not be somebody else: by another line, by an account, least of all root.
test_ids_of_others() {
	local own
	for own in 'rkt:0:65536\n' 'rkt:1:65536\n' 'rkt:65536:65536\nalice:131071:1\n'; do
		etc subuid="$own" subgid="$own" -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
		refused 'ids of its own' /etc/subuid
	done
	own='rkt:65536:131072\nalice:70000:10\n'
	etc subuid="$own" subgid="$own" -- prepare --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	ok
	is "$(cat "$DATA"/pods/prepared/*/private-users-prepared)" 131072:65536
	etc subuid="$own" subgid="$own" -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused 'each of the 1 ranges'
}
# A reservation whose pod is gone is taken when there is no other.
test_left_over_reservation() {
	local one='rkt:400000:65536\n'
	mkdir -p "$DATA/pods/private-users"
	echo 400000:65536 >"$DATA/pods/private-users/6"
	etc subuid="$one" subgid="$one" -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	ok
}
test_files_that_make_no_sense() {
	etc subuid='rkt:100000\n' subgid='' -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused /etc/subuid 'line 1'
	etc subuid='# of users\n\nother:1:2\nrkt:99999999999:1\n' subgid='' -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused /etc/subuid 'line 4'
	etc subuid='rkt:100000:65536\n' subgid='' -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused /etc/subgid
	etc subuid='rkt:100000:65536\n' subgid='rkt:200000:65536\n' -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused 'in a row'
	etc subuid='rkt:100000:65536\n\0\n' subgid='rkt:100000:65536\n' -- run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused 'line 2'
	is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2 -name '*-*')" ''
}
test_configured() {
	mkdir -p config/pods.d
	echo '{"rktKind": "pods", "rktVersion": "v1", "privateUsers": true}' >config/pods.d/users.json
	pod --uuid-file-save="$T/u" -- ids
	ok
	[ -e "$DATA/pods/run/$(cat "$T/u")/private-users-prepared" ] || fail 'it has the host'"'"'s users'
	pod --private-users=false --uuid-file-save="$T/u2" -- ids
	ok
	[ ! -e "$DATA/pods/run/$(cat "$T/u2")/private-users-prepared" ] || fail 'it has users of its own'
	run rkt config
	is "$(jq -r '.stage0[] | select(.rktKind == "pods").privateUsers' <<<"$out")" true
	echo '{"rktKind": "pods", "rktVersion": "v1", "privateUsers": "yes"}' >config/pods.d/users.json
	pod -- ids
	refused users.json boolean
	rm config/pods.d/users.json
}
test_fly_has_none() {
	run rkt run --private-users --stage1-path="$TOP/$B/stage1-fly.aci" "$TESTAPP" --exec=/bin/testapp -- ids
	refused fly --private-users
}
# A filesystem that cannot show other users is named, and nothing is left.
test_filesystem_that_cannot() {
	mkdir -m 700 data2
	mount -t ramfs -o mode=700 rkt-check data2
	local rkt=("$RKT" --dir="$T/data2" --insecure-options=image --local-config="$T/config") command
	for command in run prepare; do
		run "${rkt[@]}" $command --private-users --no-overlay "$TESTAPP" --exec=/bin/testapp -- ids
		[ "$status" = 254 ] && [[ $err == *ramfs* ]] || { umount data2; fail "$command"; }
	done
	out=$(find data2/pods -mindepth 2 -maxdepth 2 -name '*-*')
	umount data2
	is "$out" ''
}
test_kernel_that_cannot() {
	run "$HELPERS/nosys" mount_setattr "${RKTC[@]}" run --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused 'Linux 5.12'
	run "$HELPERS/nosys" mount_setattr "${RKTC[@]}" prepare --private-users "$TESTAPP" --exec=/bin/testapp -- ids
	refused 'Linux 5.12'
	is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2 -name '*-*')" ''
}
