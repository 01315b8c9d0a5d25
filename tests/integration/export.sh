# shellcheck shell=bash
# rkt export: what an exited app left, as an image that runs.

test_round_trip() {
	pod --uuid-file-save="$T/u" -- write /made-here text + rm /bin/plain
	ok
	run rkt export "$(cat "$T/u")" "$T/out.aci"
	ok
	run rkt run "$T/out.aci" --exec=/bin/testapp -- cat /made-here + stat /bin/plain
	ok
	has "$out" text '/bin/plain: No such file'
}
test_refuses_to_overwrite() {
	pod --uuid-file-save="$T/u" -- exit 0
	echo mine >"$T/out.aci"
	run rkt export "$(cat "$T/u")" "$T/out.aci"
	refused
	is "$(cat "$T/out.aci")" mine
	run rkt export --overwrite "$(cat "$T/u")" "$T/out.aci"
	ok
	tar -tf "$T/out.aci" >/dev/null
}
test_running_pod_is_refused() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	run rkt export "$uuid" "$T/out.aci"
	refused
	[ ! -e "$T/out.aci" ] || fail 'a file was left'
	rkt stop --force "$uuid"
	finish
}
test_one_of_two_apps() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --name=a --exec=/bin/testapp -- write /a x --- "$TESTAPP" --name=b --exec=/bin/testapp -- write /b x
	ok
	run rkt export "$(cat "$T/u")" "$T/out.aci"
	refused
	run rkt export --app=b "$(cat "$T/u")" "$T/out.aci"
	ok
	has "$(tar -tf "$T/out.aci")" rootfs/b
	hasnt "$(tar -tf "$T/out.aci")" $'rootfs/a\n'
}
test_no_overlay() {
	pod --no-overlay --uuid-file-save="$T/u" -- write /made-here text
	run rkt export "$(cat "$T/u")" "$T/out.aci"
	ok
	has "$(tar -tf "$T/out.aci")" rootfs/made-here
}
test_volumes_are_not_exported() {
	mkdir v
	echo secret >v/f
	pod --volume=data,kind=host,source="$T/v" --uuid-file-save="$T/u" -- exit 0
	run rkt export "$(cat "$T/u")" "$T/out.aci"
	ok
	hasnt "$(tar -tf "$T/out.aci")" data/f
}
test_nothing_is_left_when_it_fails() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt export "$(cat "$T/u")" /nowhere/out.aci
	refused /nowhere
}
