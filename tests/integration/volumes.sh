# shellcheck shell=bash
# Volumes and mounts.

test_host_volume_by_mount_point_name() {
	mkdir v
	echo from-the-host >v/f
	pod --volume=data,kind=host,source="$T/v" -- cat /data/f + write /data/g written
	ok
	is "$out" from-the-host
	is "$(cat v/g)" written
}
test_read_only_host_volume() {
	mkdir v
	pod --volume=data,kind=host,source="$T/v",readOnly=true -- write /data/g x
	ended 1
	has "$out" 'Read-only file system'
	is "$(ls v)" ''
}
test_read_only_is_recursive() {
	mkdir -p v/sub
	mount -t tmpfs rkt-check v/sub
	status=0
	pod --volume=data,kind=host,source="$T/v",readOnly=true -- write /data/sub/g x
	umount v/sub
	ended 1
	has "$out" 'Read-only file system'
}
test_recursive_and_not() {
	mkdir -p v/sub
	mount -t tmpfs rkt-check v/sub
	echo deep >v/sub/f
	pod --volume=data,kind=host,source="$T/v" -- cat /data/sub/f
	local with=$out
	pod --volume=data,kind=host,source="$T/v",recursive=false -- cat /data/sub/f
	umount v/sub
	is "$with" deep
	has "$out" 'No such file'
}
test_mount_flag() {
	mkdir v
	echo here >v/f
	run rkt run --volume=other,kind=host,source="$T/v" "$TESTAPP" --mount=volume=other,target=/new/place --exec=/bin/testapp -- cat /new/place/f + stat /new
	ok
	has "$out" here '/new: dir 0755 0:0'
}
test_mount_before_the_first_image_is_for_all() {
	mkdir v
	echo here >v/f
	run rkt run --volume=other,kind=host,source="$T/v" --mount=volume=other,target=/m "$TESTAPP" --name=a --exec=/bin/testapp -- cat /m/f --- "$TESTAPP" --name=b --exec=/bin/testapp -- cat /m/f
	ok
	is "$(grep -c here <<<"$out")" 2
}
test_file_volume() {
	echo single >f
	run rkt run --volume=other,kind=host,source="$T/f" "$TESTAPP" --mount=volume=other,target=/etc/single --exec=/bin/testapp -- cat /etc/single
	ok
	is "$out" single
}
test_empty_volume_is_shared_and_has_its_mode() {
	run rkt run --volume=data,kind=empty,mode=0770,uid=1000,gid=50 "$TESTAPP" --name=a --exec=/bin/testapp -- stat /data + write /data/x shared --- \
		"$TESTAPP" --name=b --exec=/bin/testapp -- wait-file /data/x + sleep 0.1 + cat /data/x
	ok
	has "$out" '/data: dir 0770 1000:50' shared
}
test_implicit_empty_volume() {
	pod -- stat /data + write /data/x y
	ok
	has "$out" '/data: dir 0755 0:0'
}
test_missing_source() {
	run rkt run --volume=data,kind=host,source=/this/directory/does/not/exist "$TESTAPP"
	[ "$status" = 254 ] || fail "status $status"
	has "${err,,}" 'stat /this/directory/does/not/exist: no such file or directory'
}
test_duplicate_volume() {
	run rkt run --volume=data,kind=empty --volume=data,kind=empty "$TESTAPP"
	refused 'duplicate volume name'
}
test_mount_of_unknown_volume() {
	run rkt run "$TESTAPP" --mount=volume=nothing,target=/m --exec=/bin/testapp -- ls /
	[ "$status" != 0 ] || fail 'it ran'
	has "$err" nothing
}
test_unmatched_volume_is_told_of() {
	mkdir v
	run rkt run --volume=unused,kind=host,source="$T/v" "$TESTAPP"
	ok
	is "$err" "run: volume 'unused' is in no app: --mount=volume=unused,target=PATH says where"
	run rkt prepare --quiet --volume=unused,kind=host,source="$T/v" "$TESTAPP"
	ok
	is "$err" ''
	run rkt run --volume=used,kind=empty --mount=volume=used,target=/v "$TESTAPP"
	ok
	is "$err" ''
}
test_unknown_parameters_are_told_the_known_ones() {
	run rkt run --volume=v,kind=host,source="$T",readonly=true "$TESTAPP"
	refused "unknown parameter 'readonly': there are kind, source, readOnly, "
	run rkt run --volume=v,kind=empty "$TESTAPP" --mount=volume=v,path=/v
	refused "unknown parameter 'path': there are volume, target"
}
test_bad_volumes() {
	local bad
	for bad in nokind data,kind=wrong data,kind=host data,kind=host,source=relative data,kind=empty,mode=99999 data,kind=empty,uid=-2 'BAD NAME,kind=empty' data,kind=empty,what=1 ''; do
		run rkt run --volume="$bad" "$TESTAPP"
		refused
	done
}
test_symlink_as_source_is_refused() {
	mkdir v
	ln -s v l
	run rkt run --volume=data,kind=host,source="$T/l" "$TESTAPP"
	[ "$status" != 0 ] || fail 'a symbolic link was followed'
	mkdir -p v/sub
	run rkt run --volume=data,kind=host,source="$T/l/sub" "$TESTAPP"
	[ "$status" != 0 ] || fail 'a symbolic link in the way was followed'
}
test_cve_2019_18837_target_symlink_stays_inside() {
	mkdir -p v x/
	echo inside >v/f
	mkdir outside
	ln -s "$T/outside" x/escape
	aci=$(image_with escape '.app.mountPoints = [{name: "m", path: "/escape"}] | .app.exec = ["/bin/testapp", "cat", "/escape/f"]' x)
	run rkt run --volume=m,kind=host,source="$T/v" "$aci"
	is "$(ls outside)" ''
	# either refused or mounted at the link's target inside of the image
	[ "$status" != 0 ] || is "$out" inside
}
# However whoever made the image wrote it: a --mount at /data fills the mount point "/data/".
test_spellings_of_a_target() {
	mkdir v
	echo here >v/f
	local target
	for target in /data/ //data /data/. /data; do
		run rkt run --volume=v,kind=host,source="$T/v" "$TESTAPP" --mount=volume=v,target=$target --exec=/bin/testapp -- cat /data/f
		ok
		is "$out" here
	done
	aci=$(image_with slash '.app.mountPoints = [{name: "m", path: "/data//", readOnly: true}]')
	run rkt run --volume=v,kind=host,source="$T/v" "$aci" --mount=volume=v,target=/data --exec=/bin/testapp -- write /data/f x
	has "$out" 'Read-only file system'
	run rkt run --volume=v,kind=host,source="$T/v" "$TESTAPP" --mount=volume=v,target=/a --mount=volume=v,target=/a/. --exec=/bin/testapp
	refused 'two volumes' /a
}
# In whatever order they are written; where links of the image make the order another one, no pod starts without a volume.
test_targets_below_each_other() {
	local order
	mkdir -p v1/b/c v2/c v3 x/z
	for order in 1 2 3; do echo "in $order" >v$order/f; done
	ln -s z x/link
	aci=$(image_with links . x)
	local v=()
	for order in 1 2 3; do v+=(--volume="v$order,kind=host,source=$T/v$order"); done
	for order in '1:/a 2:/a/b 3:/a/b/c' '3:/a/b/c 2:/a/b 1:/a' '2:/a/b 3:/a/b/c 1:/a' '1:/link 2:/z/b 3:/z/b/c'; do
		local m=() one
		for one in $order; do m+=(--mount="volume=v${one%:*},target=${one#*:}"); done
		local top=/a
		[[ $order != *link* ]] || top=/link
		run rkt run "${v[@]}" "$aci" "${m[@]}" --exec=/bin/testapp -- cat $top/f $top/b/f $top/b/c/f
		ok
		has "$out" $'in 1\nin 2\nin 3'
	done
	for order in '1:/link 2:/z' '2:/link/b 1:/z'; do
		m=()
		for one in $order; do m+=(--mount="volume=v${one%:*},target=${one#*:}"); done
		run rkt run "${v[@]:0:2}" "$aci" "${m[@]}" --exec=/bin/testapp -- ls /z
		refused 'would be hidden'
	done
}
test_cve_2019_16884_volume_over_proc() {
	mkdir v
	run rkt run --volume=other,kind=host,source="$T/v" "$TESTAPP" --mount=volume=other,target=/proc --exec=/bin/testapp -- ls /proc
	[ "$status" = 0 ] || return 0
	# if it is let through, the kernel's own masks must not be gone
	run rkt run --volume=other,kind=host,source="$T/v" "$TESTAPP" --mount=volume=other,target=/proc --exec=/bin/testapp -- try sysrq kcore
	hasnt "$out" ': ok'
}
test_host_mounts_do_not_propagate_out() {
	mkdir v
	pod --volume=data,kind=host,source="$T/v" -- mounts
	ok
	hasnt "$(cat /proc/self/mountinfo)" "$DATA/pods"
}
test_volume_of_the_host_root_needs_no_more_mounts() {
	mkdir v
	for i in 1 2 3 4 5; do mkdir "v/$i"; echo "$i" >"v/$i/f"; done
	local flags=()
	for i in 1 2 3 4 5; do flags+=(--volume="v$i,kind=host,source=$T/v/$i" --mount="volume=v$i,target=/m/$i"); done
	run rkt run "${flags[@]}" "$TESTAPP" --exec=/bin/testapp -- cat /m/1/f /m/2/f /m/3/f /m/4/f /m/5/f
	ok
	is "$out" $'1\n2\n3\n4\n5'
}
test_pid_of_apps_see_each_other_s_volume_not_root() {
	run rkt run "$TESTAPP" --name=a --exec=/bin/testapp -- write /secret x + sleep 0.3 --- "$TESTAPP" --name=b --exec=/bin/testapp -- sleep 0.2 + stat /secret
	has "$out" '/secret: No such file'
}
# --- tmpfs, images, propagation ------------------------------------------------------------------
test_tmpfs_volume_has_its_size_and_mode() {
	pod --volume=data,kind=tmpfs,size=64K,mode=0700,uid=7,gid=8 -- stat /data + fill /data/f 200000
	has "$out" '/data: dir 0700 7:8' 'No space left'
	[ -z "$(find "$DATA/pods" -path '*sharedVolumes*' -type f)" ] || fail 'a file of the tmpfs is on disk'
}
test_tmpfs_volume_is_shared_by_the_apps() {
	run rkt run --volume=data,kind=tmpfs "$TESTAPP" --name=a --exec=/bin/testapp -- write /data/x shared --- \
		"$TESTAPP" --name=b --exec=/bin/testapp -- wait-file /data/x + sleep 0.1 + cat /data/x
	ok
	has "$out" shared
	hasnt "$(cat /proc/self/mountinfo)" "$DATA/pods"
}
test_tmpfs_volume_with_fly() {
	pod --stage1-from-dir=stage1-fly.aci --volume=data,kind=tmpfs,size=64K -- stat /data + fill /data/f 200000
	has "$out" '/data: dir 1777 0:0' 'No space left'
}
test_volume_over_sys() {
	local flags
	mkdir v
	echo here >v/f
	for flags in --no-overlay=false --stage1-from-dir=stage1-fly.aci; do
		run rkt run $flags --volume=v,kind=host,source="$T/v" "$TESTAPP" --mount=volume=v,target=/sys --exec=/bin/testapp -- ls /sys
		ok
		is "$out" f
	done
}
test_shm_size_with_fly() {
	run rkt run --shm-size=1M --stage1-path="$TOP/$B/stage1-fly.aci" "$TESTAPP" --exec=/bin/testapp -- ids
	refused fly --shm-size
}
test_shm_size() {
	pod --shm-size=64K -- fill /dev/shm/f 200000
	has "$out" 'No space left'
	run rkt run --shm-size=64K "$TESTAPP" --name=a --exec=/bin/testapp -- fill /dev/shm/f 200000 --- "$TESTAPP" --name=b
	has "$out" 'No space left'
	for bad in 0 -1 x; do
		run rkt run --shm-size="$bad" "$TESTAPP"
		[ "$status" = 254 ] || fail "--shm-size=$bad: status $status"
	done
}
test_image_volume_is_another_image_read_only() {
	mkdir -p x
	echo from-the-image >x/tool
	aci=$(image_with tools '.' x)
	run rkt run --volume=tools,kind=image,source="$aci" "$TESTAPP" --mount=volume=tools,target=/tools --exec=/bin/testapp -- \
		cat /tools/tool + ls /tools/bin
	ok
	has "$out" from-the-image testapp
	run rkt run --volume=tools,kind=image,source="$aci" "$TESTAPP" --mount=volume=tools,target=/tools --exec=/bin/testapp -- write /tools/new x
	has "$out" 'Read-only file system'
	run rkt run --volume=tools,kind=image,source=no-such.example.com/image --pull-policy=never "$TESTAPP"
	[ "$status" = 254 ] || fail "status $status"
	has "$err" tools
}
test_image_volume_with_layers() {
	"$TOP/tests/images/layout.py" "$T/lay" <<-'EOF'
		image(layer(*base(), f('etc/a', 'low'), f('etc/b', 'gone')), layer(d('etc'), f('etc/a', 'high'), wh('etc/b')))
	EOF
	for how in '' --no-overlay; do
		run rkt run $how --volume=i,kind=image,source=oci:lay "$TESTAPP" --mount=volume=i,target=/i --exec=/bin/testapp -- cat /i/etc/a + cat /i/etc/b
		has "$out" high '/i/etc/b: No such file'
		run rkt run $how --volume=i,kind=image,source=oci:lay "$TESTAPP" --mount=volume=i,target=/i --exec=/bin/testapp -- write /i/etc/a x
		has "$out" 'Read-only file system'
	done
}
# However many layers it has, and whether they are mounted or copied.
test_image_volume_makes_nobody_root() {
	local layers how
	for layers in '' ', layer(d("more"))'; do
		rm -rf lay
		"$TOP/tests/images/layout.py" "$T/lay" <<-EOF
			image(layer(*base(), d('x'), (entry('x/su', tarfile.REGTYPE, 0o4755)[0], open('$HELPERS/testapp', 'rb').read()))$layers)
		EOF
		for how in --no-overlay=false --no-overlay=true; do
			run rkt run $how --volume=i,kind=image,source=oci:lay "$TESTAPP" --mount=volume=i,target=/i --user=alice --group=alice --exec=/bin/testapp -- exec /i/x/su ids
			has "$out" 'uid=1000,1000,1000'
		done
	done
}
test_image_volume_keeps_its_image() {
	mkdir -p x
	echo kept >x/tool
	aci=$(image_with tools '.' x)
	id=$(rkt fetch --full "$aci")
	uuid=$(rkt prepare --volume=tools,kind=image,source="$id" "$TESTAPP" --mount=volume=tools,target=/tools --exec=/bin/testapp -- cat /tools/tool)
	rkt image rm "$id"
	rkt image gc --grace-period=0s >/dev/null
	run rkt run-prepared "$uuid"
	ok
	has "$out" kept
	rkt rm "$uuid"
	rkt image gc --grace-period=0s >/dev/null
	hasnt "$(ls "$DATA/cas/tree")" "${id#sha512-}"
}
test_propagation_of_host_volumes() {
	mkdir -p v/sub
	for kind in slave private; do
		as_host 'mount -t tmpfs rkt-check "$T/v"; mkdir "$T/v/sub"
			rkt run --volume=d,kind=host,source="$T/v",propagation='$kind' "$TESTAPP" --mount=volume=d,target=/d --exec=/bin/testapp -- \
				write /d/up x + wait-file /d/go + ls /d/sub >"$T/seen" &
			wait_for 10 test -e "$T/v/up"; mount -t tmpfs rkt-check "$T/v/sub"; echo >"$T/v/sub/late"; echo >"$T/v/go"; wait $!'
		if [ "$kind" = slave ]; then has "$(cat seen)" late; else hasnt "$(cat seen)" late; fi
	done
}
# What the host mounts later is not read-only: it does not show up in a volume that is, unless that was asked for.
test_mounts_that_come_later_below_what_is_read_only() {
	local more
	mkdir -p v
	for more in '' ,propagation=slave; do
		rm -f signs
		mkdir -p signs
		as_host 'mount -t tmpfs rkt-check "$T/v"; mkdir "$T/v/sub"
			rkt run --volume=d,kind=host,source="$T/v",readOnly=true'$more' --volume=s,kind=host,source="$T/signs" "$TESTAPP" --mount=volume=d,target=/d --mount=volume=s,target=/s \
				--exec=/bin/testapp -- write /s/up x + wait-file /s/go + ls /d/sub + write /d/sub/new x >"$T/seen" &
			wait_for 10 test -e "$T/signs/up"; mount -t tmpfs rkt-check "$T/v/sub"; echo >"$T/v/sub/late"; echo >"$T/signs/go"; wait $! || :; ls "$T/v/sub" >"$T/left"'
		if [ "$more" ]; then
			has "$(cat seen)" late
		else
			is "$(cat seen)" '/d/sub/new: Read-only file system'
			is "$(cat left)" late
		fi
		rm -r signs
	done
}
test_shared_propagation_reaches_the_host_and_takes_nothing_along() {
	mkdir -p v
	for apps in '' '--- '"$TESTAPP"' --name=second'; do
		as_host 'mount -t tmpfs rkt-check "$T/v"; mkdir "$T/v/mine" "$T/v/theirs" "$T/v/bin"; mount -t tmpfs rkt-check "$T/v/mine"; echo >"$T/v/mine/f"
			cp /bin/busybox "$T/v/bin/busybox"
			rkt --insecure-options=image,capabilities,seccomp,paths run --volume=d,kind=host,source="$T/v",propagation=shared "$TESTAPP" --mount=volume=d,target=/d --caps-retain=CAP_SYS_ADMIN \
				--exec=/d/bin/busybox -- mount -t tmpfs inside /d/theirs '"$apps"'
			grep -c " $T/v/theirs .* inside " /proc/self/mountinfo >"$T/count"; ls "$T/v/mine" >"$T/mine"'
		is "$(cat count)" 1 'mounts of the app on the host'
		is "$(cat mine)" f 'what the host has mounted there'
	done
}
test_shared_propagation_needs_a_shared_mount() {
	mkdir v
	unshare -m --propagation=private "${RKTC[@]}" run --volume=d,kind=host,source="$T/v",propagation=shared "$TESTAPP" --mount=volume=d,target=/d 2>"$T/why" && fail 'it ran'
	has "$(cat why)" 'not shared'
}
# --- volumes of Docker images --------------------------------------------------------------------
docker_image() {
	"$TOP/tests/images/layout.py" "$T/lay" <<-'EOF'
		image(layer(*base(), d('data', 0o750, uid=3, gid=4), f('data/seed', 'from-the-image', 0o640, uid=5), s('data/link', '/etc/passwd'), d('srv'), s('srv/d', '/data')),
		      Volumes={'/data': {}})
	EOF
}
test_docker_volume_begins_with_what_the_image_has() {
	docker_image
	run rkt run oci:lay -- 'cat /data/seed; echo; stat -c "%a %u %g" /data /data/seed; readlink /data/link; echo more >/data/new; ls /data'
	ok
	is "$out" $'from-the-image\n750 3 4\n640 5 0\n/etc/passwd\nlink\nnew\nseed'
	run rkt run --volume=volume-data,kind=empty,mode=0700 oci:lay --mount=volume=volume-data,target=/data -- 'stat -c %a /data; ls /data'
	is "$out" $'700\nlink\nseed'
}
test_docker_volume_that_has_something_is_left_alone() {
	docker_image
	mkdir v
	run rkt run --volume=v,kind=host,source="$T/v" oci:lay --mount=volume=v,target=/data -- 'ls /data'
	is "$out" ''
	is "$(ls v)" '' 'the directory of the host'
	run rkt run --volume=v,kind=empty,readOnly=true oci:lay --mount=volume=v,target=/data -- 'ls /data'
	is "$out" ''
}
# … and gets nothing of what the host has in that place.
test_docker_volume_in_a_directory_of_the_host() {
	docker_image
	mkdir -p v/sub
	echo of-the-host >v/sub/f
	run rkt run --volume=h,kind=host,source="$T/v" --volume=e,kind=empty oci:lay --mount=volume=h,target=/srv --mount=volume=e,target=/srv/sub -- 'ls /srv/sub; ls /srv'
	ok
	is "$out" sub
	# in a volume of the pod it is the image's
	"$TOP/tests/images/layout.py" "$T/lay2" <<-'EOF'
		image(layer(*base(), d('data'), d('data/sub', 0o700), f('data/sub/seed', 'x'), f('data/top', 'y')), Volumes={'/data': {}, '/data/sub/': {}})
	EOF
	run rkt run oci:lay2 -- 'cd /data; stat -c %a sub; ls; ls sub'
	ok
	is "$out" $'700\nsub\ntop\nseed'
}
test_docker_volume_shared_by_two_apps_is_filled_once() {
	docker_image
	# cat uses sendfile(2), and two at once write to the same place of a file that they share
	run rkt run --volume=v,kind=empty oci:lay --name=a --mount=volume=v,target=/data -- 'ls /data; echo "$(cat /data/seed)"' --- \
		oci:lay --name=b --mount=volume=v,target=/data -- 'ls /data; echo "$(cat /data/seed)"'
	ok
	is "$(grep -o from-the-image <<<"$out" | wc -l)" 2
}
