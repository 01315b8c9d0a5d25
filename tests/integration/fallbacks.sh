# shellcheck shell=bash
# Kernels that lack something: every fallback is forced.

lacking() { # NAMES: a whole life of a pod without those calls
	local rkt=("$HELPERS/nosys" "$1" "$RKT" --dir="$DATA" --insecure-options=image)
	mkdir -p v
	echo here >v/f
	run "${rkt[@]}" run --uuid-file-save="$T/u" --volume=data,kind=host,source="$T/v",readOnly=true "$TESTAPP" --exec=/bin/testapp -- cat /data/f + write /x y + ifs + fds + write /data/x y
	ended 1
	has "$out" here 'lo 127.0.0.1 up' 'Read-only file system'
	is "$(grep -c -- '->' <<<"$out")" 3 'descriptors of the app'
	run "${rkt[@]}" status "$(cat "$T/u")"
	has "$out" state=exited app-testapp=1
	"${rkt[@]}" run --uuid-file-save="$T/w" "$TESTAPP" --exec=/bin/testapp -- on-term 5 >"$T/pod.out" 2>"$T/pod.err" &
	pid=$!
	wait_for 10 grep -q waiting "$T/pod.out" || { cat "$T/pod.out"; fail 'the second pod did not start'; }
	# The app may speak before the pod can be entered.
	wait_for 10 test -e "$DATA/pods/run/$(cat "$T/w")/pid" || fail 'the second pod cannot be entered'
	run "${rkt[@]}" enter "$(cat "$T/w")" /bin/testapp echo entered
	is "$out" entered
	run "${rkt[@]}" stop "$(cat "$T/w")"
	ok
	finish
	ended 5
	run "${rkt[@]}" gc --grace-period=0
	ok
	run "${rkt[@]}" gc --grace-period=0
	ok
	is "$("${rkt[@]}" list --no-legend)" ''
}
test_openat2() { lacking openat2; }
test_clone3() { lacking clone3; }
test_mount_setattr() { lacking mount_setattr; }
# all of one kernel version, 5.2
test_mount_api() { lacking open_tree,move_mount,fsopen,fsconfig,fsmount,fspick,mount_setattr; }
test_fsopen() { lacking fsopen,fsconfig,fsmount,fspick; }
test_close_range() { lacking close_range; }
test_pidfd() { lacking pidfd_open,pidfd_send_signal,pidfd_getfd; }
test_renameat2() { lacking renameat2; }
test_copy_file_range() { lacking copy_file_range; }
test_linux_4_x() { lacking openat2,clone3,mount_setattr,open_tree,move_mount,fsopen,fsconfig,fsmount,fspick,close_range,pidfd_open,pidfd_send_signal,pidfd_getfd,faccessat2,copy_file_range; }
test_import_without_new_calls() {
	run "$HELPERS/nosys" openat2,close_range,copy_file_range,landlock,memfd_create "$RKT" --dir="$DATA" --insecure-options=image run "$IMAGES/busybox.aci" --exec=/bin/sh -- -c 'echo ran'
	ok
	is "$out" ran
}
# One option of mount(2) has to name all layers; and what depends on those below is unpacked on a copy.
test_many_layers_without_the_mount_api() {
	"$TOP/tests/images/layout.py" "$T/lay" <<-'EOF_LAYOUT'
		image(layer(*base()), *[layer(d('many'), f('many/%03d' % i)) for i in range(126)], layer(f('lib/through', 't')))
	EOF_LAYOUT
	run "$HELPERS/nosys" fsopen,fsconfig,fsmount,fspick,open_tree,move_mount,mount_setattr "$RKT" --dir="$DATA" --insecure-options=image run oci:lay -- 'ls /many; cat /usr/lib/through'
	ok
	is "$(wc -l <<<"$out")" 127
	has "$out" t
}
test_no_overlay_without_new_calls() {
	run "$HELPERS/nosys" openat2,copy_file_range,open_tree,move_mount "$RKT" --dir="$DATA" --insecure-options=image run --no-overlay "$TESTAPP"
	ok
	is "$out" hello
}
