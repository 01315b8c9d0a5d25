# shellcheck shell=bash
# Capabilities: appc's fourteen, and what changes them.

default=00000000a80425fb
caps() { sed -n "s/^$1:[[:space:]]*//p" <<<"$out"; }
test_default_set() {
	pod -- caps
	ok
	# AUDIT_WRITE CHOWN DAC_OVERRIDE FSETID FOWNER KILL MKNOD NET_RAW NET_BIND_SERVICE SETUID SETGID SETPCAP SETFCAP SYS_CHROOT
	is "$(caps CapBnd)" "$default" bounding
	is "$(caps CapEff)" "$default" effective
	is "$(caps CapPrm)" "$default" permitted
}
test_cve_2022_24769_inheritable_is_empty() {
	pod -- caps
	is "$(caps CapInh)" 0000000000000000
	is "$(caps CapAmb)" 0000000000000000
}
test_retain() {
	run rkt run "$TESTAPP" --caps-retain=CAP_NET_ADMIN,CAP_CHOWN --exec=/bin/testapp -- caps
	ok
	is "$(caps CapBnd)" 0000000000001001
	is "$(caps CapEff)" 0000000000001001
}
test_remove() {
	run rkt run "$TESTAPP" --caps-remove=CAP_NET_RAW,CAP_MKNOD --exec=/bin/testapp -- caps
	ok
	is "$(caps CapBnd)" 00000000a00405fb
}
test_retain_and_remove_together() {
	run rkt run "$TESTAPP" --caps-retain=CAP_CHOWN --caps-remove=CAP_KILL
	refused
}
test_unknown_capability() {
	run rkt run "$TESTAPP" --caps-retain=CAP_EVERYTHING
	refused CAP_EVERYTHING
}
test_isolator_of_the_image() {
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "caps"] | .app.isolators = [{name: "os/linux/capabilities-retain-set", value: {set: ["CAP_KILL"]}}]')
	run rkt run "$aci"
	ok
	is "$(caps CapBnd)" 0000000000000020
}
test_cve_2016_8867_none_effective_for_another_user() {
	run rkt run "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- caps
	ok
	is "$(caps CapEff)" 0000000000000000
	is "$(caps CapPrm)" 0000000000000000
	is "$(caps CapBnd)" "$default"
}
test_insecure_options_capabilities() {
	run "$RKT" --dir="$DATA" --insecure-options=image,capabilities run "$TESTAPP" --exec=/bin/testapp -- caps
	ok
	[[ $((16#$(caps CapEff))) -gt $((16#$default)) ]] || fail 'still confined'
}
test_devices() {
	pod -- stat /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/shm /dev/pts /dev/ptmx
	ok
	has "$out" '/dev/null: char 0666 0:0 1,3' '/dev/zero: char 0666 0:0 1,5' '/dev/full: char 0666 0:0 1,7' '/dev/random: char 0666 0:0 1,8' '/dev/urandom: char 0666 0:0 1,9' '/dev/shm: dir 1777' '/dev/pts: dir'
}
test_a_new_device_node_is_of_no_use() {
	pod -- mknod /tmp/kmsg 1 11
	hasnt "$out" ': ok'
	pod -- mknod /dev/shm/kmsg 1 11
	hasnt "$out" ': ok'
}
# Whoever is root in an app may make nodes (CAP_MKNOD is one of appc's defaults), and open none, wherever it makes them.
test_attack_device_nodes_of_its_own() {
	mkdir v
	mknod -m 666 v/node c 1 3
	local where flags
	for flags in '' --no-overlay; do
		# shellcheck disable=SC2086
		pod $flags --volume=data,kind=host,source="$T/v" -- mknod /dev/kmsg 1 11 + mknod /dev/shm/n 1 11 + mknod /n 1 11 + mknod /data/n 1 11 + mknod /tmp/n 1 3
		is "$(grep -c '^open .*: Permission denied$' <<<"$out")" 5
		rm v/n
	done
	pod --volume=data,kind=empty -- mknod /data/n 1 11
	is "$out" 'open /data/n: Permission denied'
	pod --volume=data,kind=host,source="$T/v" -- cat /data/node
	has "$out$err" 'Permission denied'
}
test_devices_work() {
	mknod -m 666 node c 1 5
	run rkt run --volume=d,kind=host,source="$T/node" "$TESTAPP" --mount=volume=d,target=/dev/mine --exec=/bin/testapp -- write /dev/null x + write /dev/mine x + write /dev/console x + write /dev/tty1 x + cat /dev/null
	ok
	hasnt "$out$err" 'ermission denied'
}
test_masked_paths() {
	pod -- try core_pattern sysrq kcore
	ok
	hasnt "$out" ': ok'
	pod -- ls /sys/firmware
	hasnt "$out" efi acpi dmi
}
test_insecure_options_paths() {
	run "$RKT" --dir="$DATA" --insecure-options=image,paths run "$TESTAPP" --exec=/bin/testapp -- mounts
	local open=$out
	pod -- mounts
	[ "$(wc -l <<<"$open")" -lt "$(wc -l <<<"$out")" ] || fail 'no fewer mounts'
}
test_image_does_not_make_itself_root_of_the_host() {
	local cap
	for cap in CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_READ_SEARCH; do
		aci=$(image_with greedy '.app.exec = ["/bin/testapp", "caps"] | .app.isolators = [{name: "os/linux/capabilities-retain-set", value: {set: ["CAP_KILL", "'$cap'"]}}]')
		run rkt run "$aci"
		[ "$status" = 254 ] || fail "status $status"
		has "$err" "$cap" --caps-retain --private-users
		run rkt run "$aci" --caps-retain=CAP_KILL,$cap
		ok
	done
	run rkt run --private-users "$aci"
	ok
	id=$(rkt fetch --full "$aci")
	printf '{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"x","image":{"id":"%s"}}]}' "$id" >pod.json
	run rkt run --pod-manifest=pod.json
	[ "$status" = 254 ] || fail "status $status"
	has "$err" CAP_DAC_READ_SEARCH
}
