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
test_unmatched_volume_is_ignored() {
	mkdir v
	run rkt run --volume=unused,kind=host,source="$T/v" "$TESTAPP"
	ok
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
