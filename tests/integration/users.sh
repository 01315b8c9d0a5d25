# shellcheck shell=bash
# user, group, supplementary groups: resolved by the image's own files.

test_default_is_what_the_image_says() {
	pod -- ids
	ok
	matches "$out" '^uid=0,0,0 gid=0,0,0 groups=0?$'
}
ids() { run rkt run "$TESTAPP" "$@" --exec=/bin/testapp -- ids; }
test_by_name() {
	ids --user=alice --group=alice
	ok
	matches "$out" '^uid=1000,1000,1000 gid=1000,1000,1000'
}
test_by_number() {
	ids --user=4711 --group=42
	ok
	matches "$out" '^uid=4711,4711,4711 gid=42,42,42'
}
test_by_owner_of_a_path() {
	aci=$(image_with owner '.app.user = "/data/mine" | .app.group = "/data/mine" | .app.mountPoints = [] | .app.exec = ["/bin/testapp", "ids"]' "$(mkdir -p x/data && touch x/data/mine && chown 1234:5678 x/data/mine && echo x)")
	run rkt run "$aci"
	ok
	matches "$out" '^uid=1234,1234,1234 gid=5678,5678,5678'
}
test_supplementary_groups() {
	ids --user=alice --group=alice --supplementary-gids=50,60
	ok
	has "$out" 50 60
}
test_no_groups_of_the_host() {
	run setpriv --groups=27,44 "$RKT" --dir="$DATA" --insecure-options=image run "$TESTAPP" --exec=/bin/testapp -- ids
	ok
	matches "$out" '^uid=0,0,0 gid=0,0,0 groups=0?$'
}
test_user_not_there() {
	ids --user=user2
	[ "$status" != 0 ] || fail 'it ran'
	has "$err" '"user2" user not found'
}
test_group_not_there() {
	ids --group=group2
	[ "$status" != 0 ] || fail 'it ran'
	has "$err" '"group2" group not found'
}
test_cve_2024_40635_uid_above_int_max() {
	ids --user=4294967295
	[ "$status" != 0 ] || fail 'it ran'
	hasnt "$out" uid=
	ids --user=4294967296
	[ "$status" != 0 ] || fail 'it ran'
	hasnt "$out" uid=
	ids --user=-1
	[ "$status" != 0 ] || fail 'it ran'
}
test_cve_2026_47262_huge_group_file() {
	mkdir -p x/etc
	{ echo staff:x:50: && head -c 3000000 /dev/zero | tr '\0' x; } >x/etc/group
	aci=$(image_with huge '.app.group = "staff" | .app.exec = ["/bin/testapp", "ids"]' x)
	run rkt run "$aci"
	refused '"staff" group not found' /etc/group
}
test_cve_2024_9676_passwd_is_a_fifo() {
	mkdir -p x/etc
	tar -xf "$TESTAPP" -C x
	rm x/rootfs/etc/passwd
	mkfifo x/rootfs/etc/passwd
	jq '.app.user = "alice"' x/manifest >x/m
	"$TOP/tests/images/mkaci.sh" x/rootfs x/m "$T/fifo.aci"
	run timeout 10 "$RKT" --dir="$DATA" --insecure-options=image run "$T/fifo.aci" --exec=/bin/testapp -- ids
	[ "$status" != 0 ] && [ "$status" != 124 ] || fail "status $status"
	hasnt "$out" uid=
}
test_passwd_as_a_link_out_of_the_image() {
	mkdir -p x
	tar -xf "$TESTAPP" -C x
	ln -sf ../../../../../../../../../etc/passwd x/rootfs/etc/passwd
	printf 'hostonly:x:4000:4000::/:/bin/sh\n' >host-passwd
	jq '.app.user = "nobody"' x/manifest >x/m
	"$TOP/tests/images/mkaci.sh" x/rootfs x/m "$T/link.aci"
	run rkt run "$T/link.aci" --exec=/bin/testapp -- ids
	[ "$status" != 0 ] || fail "a user of the host's passwd was used"
}
