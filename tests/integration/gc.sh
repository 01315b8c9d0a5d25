# shellcheck shell=bash
# gc and rm.

test_gc_respects_the_grace_period() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt gc
	ok
	has "$out$err" "moving pod \"$(cat "$T/u")\" to garbage"
	run rkt status "$(cat "$T/u")"
	has "$out" 'state=exited garbage' app-testapp=0
	run rkt gc --grace-period=0
	ok
	has "$out$err" "Garbage collecting pod \"$(cat "$T/u")\""
	run rkt status "$(cat "$T/u")"
	refused
}
test_gc_leaves_running_pods() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	run rkt gc --grace-period=0
	ok
	run rkt status "$uuid"
	has "$out" state=running
	rkt stop --force "$uuid"
	finish
}
test_gc_expires_prepared_pods() {
	uuid=$(rkt prepare "$TESTAPP")
	run rkt gc --grace-period=0
	ok
	[ -d "$DATA/pods/prepared/$uuid" ] || fail 'a prepared pod was collected at once'
	run rkt gc --expire-prepared=0 --grace-period=0
	ok
	run rkt gc --expire-prepared=0 --grace-period=0
	[ ! -d "$DATA/pods/prepared/$uuid" ] || fail 'an expired pod is still there'
}
test_mark_only() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt gc --mark-only --grace-period=0
	ok
	[ -d "$DATA/pods/exited-garbage/$(cat "$T/u")" ] || fail 'not marked, or swept'
}
test_gc_goes_on_after_a_bad_pod() {
	local good bad
	pod --uuid-file-save="$T/u" -- exit 0
	bad=$(cat "$T/u")
	pod --uuid-file-save="$T/u" -- exit 0
	good=$(cat "$T/u")
	rm -rf "$DATA/pods/run/$bad"/{pod,stage1,appsinfo}
	run rkt gc --grace-period=0
	run rkt gc --grace-period=0
	[ ! -d "$DATA/pods/run/$good" ] && [ ! -d "$DATA/pods/exited-garbage/$good" ] || fail 'the good pod is still there'
	[ ! -d "$DATA/pods/run/$bad" ] && [ ! -d "$DATA/pods/exited-garbage/$bad" ] || fail 'the bad pod is still there'
}
test_gc_never_follows_a_link() {
	pod --uuid-file-save="$T/u" -- exit 0
	mkdir "$T/precious"
	echo x >"$T/precious/file"
	ln -s "$T/precious" "$DATA/pods/run/$(cat "$T/u")/link"
	ln -s "$T/precious" "$DATA/pods/exited-garbage/11111111-1111-4111-8111-111111111111"
	run rkt gc --grace-period=0
	run rkt gc --grace-period=0
	is "$(cat "$T/precious/file")" x
	rm -f "$DATA/pods/exited-garbage/11111111-1111-4111-8111-111111111111"
}
test_gc_never_crosses_a_mount() {
	pod --uuid-file-save="$T/u" -- exit 0
	local dir
	dir=$DATA/pods/run/$(cat "$T/u")/mnt
	mkdir "$dir"
	mount -t tmpfs rkt-check "$dir"
	echo x >"$dir/file"
	run rkt gc --grace-period=0
	run rkt gc --grace-period=0
	local at
	at=$(grep -F "$T" /proc/self/mountinfo | awk '{print $5}' | grep '/mnt$' | tail -n 1)
	is "$(cat "$at/file")" x
	umount "$at"
}
test_gc_of_deep_and_hostile_trees() {
	start "$IMAGES/busybox.aci" --exec=/bin/sh -- -c 'cd /; i=0; while [ $i -lt 300 ]; do mkdir d && cd d || break; i=$((i+1)); done; chmod 000 /d; echo made; exit 0'
	finish
	ok
	run rkt gc --grace-period=0
	ok
	run rkt gc --grace-period=0
	ok
}
test_rm() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt rm "$(cat "$T/u")"
	ok
	has "$out" "\"$(cat "$T/u")\""
	run rkt status "$(cat "$T/u")"
	refused
}
test_rm_uuid_file_and_several() {
	pod --uuid-file-save="$T/u" -- exit 0
	pod --uuid-file-save="$T/v" -- exit 0
	pod --uuid-file-save="$T/w" -- exit 0
	run rkt rm "$(cat "$T/u")" no-such "$(cat "$T/v")"
	ended 254
	run rkt rm --uuid-file="$T/w"
	ok
	run rkt list --no-legend
	is "$out" ''
}
test_rm_of_a_running_pod_is_refused() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	run rkt rm "$uuid"
	ended 254
	run rkt status "$uuid"
	has "$out" state=running
	rkt stop --force "$uuid"
	finish
}
test_nothing_is_mounted_in_the_host_s_namespace() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	hasnt "$(cat /proc/self/mountinfo)" "$DATA/pods"
	kill -9 "$pid"
	killed "$pid"
	hasnt "$(cat /proc/self/mountinfo)" "$DATA/pods"
	wait_for 5 rkt rm "$uuid" >/dev/null 2>&1 || fail 'a killed pod cannot be removed'
}
test_mounts_shared_with_the_host_do_not_matter() {
	# data on a shared mount of its own, as systemd makes everything
	mkdir s
	mount --bind s s
	mount --make-shared s
	run "$RKT" --dir="$T/s/data" --insecure-options=image run "$TESTAPP"
	local left
	left=$(mounts_of "$T/s/data")
	run "$RKT" --dir="$T/s/data" gc --grace-period=0
	run "$RKT" --dir="$T/s/data" gc --grace-period=0
	ok
	umount s
	is "$left" '' mounts
}
