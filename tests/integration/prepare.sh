# shellcheck shell=bash
# prepare, run-prepared.

test_prepare_prints_the_uuid_and_nothing_else() {
	run rkt prepare "$TESTAPP" --exec=/bin/testapp -- exit 8
	ok
	matches "$out" '^[0-9a-f]{8}-[0-9a-f-]{27}$'
	uuid=$out
	run rkt status "$uuid"
	has "$out" state=prepared
	run rkt run-prepared "$uuid"
	ended 8
	run rkt run-prepared "$uuid"
	refused
}
test_prefix() {
	uuid=$(rkt prepare "$TESTAPP")
	run rkt run-prepared "${uuid:0:6}"
	ok
	is "$out" hello
}
test_quiet() {
	run rkt prepare --quiet "$TESTAPP"
	ok
	is "$err" ''
}
test_options_of_run_prepared() {
	uuid=$(rkt prepare "$TESTAPP" --exec=/bin/testapp -- hostname + ns net)
	run rkt run-prepared --hostname=later --net=host "$uuid"
	ok
	is "$out" $'later\n'"$(readlink /proc/self/ns/net)"
}
test_prepared_pod_survives_bad_options() {
	uuid=$(rkt prepare "$TESTAPP")
	run rkt run-prepared --dns=nonsense "$uuid"
	refused "--dns 'nonsense'"
	run rkt run-prepared --hosts-entry=x "$uuid"
	refused "--hosts-entry 'x'"
	run rkt run-prepared "$uuid"
	ok
	is "$out" hello
}
test_prepared_pod_survives_image_rm() {
	fetch testapp
	uuid=$(rkt prepare "$id")
	run rkt image rm "$id"
	ok
	run rkt run-prepared "$uuid"
	ok
	is "$out" hello
}
test_no_overlay() {
	uuid=$(rkt prepare --no-overlay "$TESTAPP" --exec=/bin/testapp -- write /x y + stat /x)
	run rkt run-prepared "$uuid"
	ok
	[ -e "$DATA/pods/run/$uuid/stage1/rootfs/opt/stage2/testapp/rootfs/x" ] || fail 'the copy is not where it should be'
}
test_volumes_are_remembered() {
	mkdir v
	echo kept >v/f
	uuid=$(rkt prepare --volume=data,kind=host,source="$T/v" "$TESTAPP" --exec=/bin/testapp -- cat /data/f)
	run rkt run-prepared "$uuid"
	is "$out" kept
}
test_prepare_that_fails_leaves_nothing() {
	run rkt prepare --volume=data,kind=wrong "$TESTAPP"
	refused
	run rkt prepare "$T/not-there.aci"
	refused
	run rkt list --no-legend
	is "$out" ''
}
test_run_of_a_prepared_pod_twice_at_once() {
	uuid=$(rkt prepare "$TESTAPP" --exec=/bin/testapp -- sleep 0.5)
	"${RKTC[@]}" run-prepared "$uuid" & a=$!
	"${RKTC[@]}" run-prepared "$uuid" 2>/dev/null & b=$!
	local sa=0 sb=0
	wait $a || sa=$?
	wait $b || sb=$?
	is "$((sa + sb))" 254 'one runs, the other is refused'
}
