# shellcheck shell=bash
# Networks that exist now: none (the default) and host. IPC, UTS and names.

test_none_is_the_default_with_loopback_up() {
	pod -- ifs
	ok
	is "$out" 'lo 127.0.0.1 up'
	pod --net=none -- ifs
	is "$out" 'lo 127.0.0.1 up'
}
test_apps_talk_over_the_loopback() {
	run rkt run "$TESTAPP" --name=server --exec=/bin/testapp -- listen 8123 --- "$TESTAPP" --name=client --exec=/bin/testapp -- connect 8123
	ok
	has "$out" 'client heard hello' 'server heard thanks'
}
test_two_pods_do_not_meet() {
	start "$TESTAPP" --exec=/bin/testapp -- listen 8123
	run timeout 20 "$RKT" --dir="$DATA" --insecure-options=image run "$TESTAPP" --exec=/bin/testapp -- ifs
	ok
	rkt stop --force "$uuid"
	finish
}
test_host() {
	pod --net=host -- ns net
	ok
	is "$out" "$(readlink /proc/self/ns/net)"
}
test_none_is_not_the_host() {
	pod -- ns net
	[ "$out" != "$(readlink /proc/self/ns/net)" ] || fail 'the namespace of the host'
}
test_cve_2020_15257_no_abstract_socket_of_the_host() {
	pod -- cat /proc/net/unix
	ok
	hasnt "$out" @ /run
}
test_other_networks_are_refused() {
	pod --net=no-such-network -- ifs
	refused
}
test_ipc_is_shared_in_the_pod_and_not_beyond() {
	run rkt run "$TESTAPP" --name=a --exec=/bin/testapp -- shm 4242 + write /data/x y + sleep 1 --- "$TESTAPP" --name=b --exec=/bin/testapp -- sleep 0.5 + shm-there 4242
	ok
	has "$out" 'shm there'
	hasnt "$(ipcs -m)" 0x00001092
}
test_ipc_parent() {
	pod --ipc=parent -- ns ipc
	ok
	is "$out" "$(readlink /proc/self/ns/ipc)"
	pod --ipc=private -- ns ipc
	[ "$out" != "$(readlink /proc/self/ns/ipc)" ] || fail 'the namespace of the host'
	pod --ipc=wrong -- ns ipc
	refused
}
test_hostname() {
	pod --uuid-file-save="$T/u" -- hostname
	ok
	is "$out" "rkt-$(cat "$T/u")"
	pod --hostname=my-host -- hostname
	is "$out" my-host
	[ "$(hostname)" != my-host ] || fail "the host's name changed"
}
test_hosts_file() {
	pod --uuid-file-save="$T/u" -- cat /etc/hosts
	ok
	has "$out" '127.0.0.1' localhost "rkt-$(cat "$T/u")"
}
test_hosts_file_of_the_image_is_left_alone() {
	mkdir -p x/etc
	echo '10.1.2.3 mine' >x/etc/hosts
	aci=$(image_with hosts '.app.exec = ["/bin/testapp", "cat", "/etc/hosts"]' x)
	run rkt run "$aci"
	ok
	is "$out" '10.1.2.3 mine'
}
test_mtab() {
	pod -- readlink /etc/mtab
	ok
	is "$out" ../proc/self/mounts
}
test_cve_2024_5154_mtab_link_of_the_image() {
	mkdir -p x/etc
	touch "$T/victim"
	ln -s "$T/victim" x/etc/mtab
	ln -s "$T/victim" x/etc/hosts
	ln -s "$T/victim" x/etc/resolv.conf
	aci=$(image_with mtab '.app.exec = ["/bin/testapp", "echo", "ran"]' x)
	run rkt run "$aci"
	is "$(cat "$T/victim")" ''
}
