# shellcheck shell=bash
# The default filter: EPERM, not death, for what no app needs.

test_default_filter_is_loaded() {
	pod -- caps
	ok
	matches "$out" $'Seccomp:[[:space:]]*2'
}
test_what_it_forbids() {
	pod -- try mount umount unshare-user unshare-net setns pivot_root bpf keyctl reboot swapon kexec init_module perf userfaultfd open_by_handle
	ok
	hasnt "$out" ': ok'
	is "$(grep -c 'Operation not permitted' <<<"$out")" 15 'calls refused with EPERM'
}
test_what_it_allows() {
	pod -- try getpid chroot raw-socket
	ok
	is "$(grep -c ': ok' <<<"$out")" 3
}
test_it_stays_with_all_capabilities() {
	run "$RKT" --dir="$DATA" --insecure-options=image,capabilities run "$TESTAPP" --exec=/bin/testapp -- try kexec init_module + caps
	hasnt "$out" ': ok'
}
test_insecure_options_seccomp() {
	run "$RKT" --dir="$DATA" --insecure-options=image,seccomp run "$TESTAPP" --exec=/bin/testapp -- caps
	ok
	matches "$out" $'Seccomp:[[:space:]]*0'
}
test_no_new_privileges() {
	aci=$(image_with nnp '.app.exec = ["/bin/testapp", "caps"] | .app.isolators = [{name: "os/linux/no-new-privileges", value: true}]')
	run rkt run "$aci"
	ok
	matches "$out" $'NoNewPrivs:[[:space:]]*1'
	pod -- caps
	matches "$out" $'NoNewPrivs:[[:space:]]*0'
}
test_another_user_is_filtered_too() {
	run rkt run "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- caps + try unshare-user keyctl
	ok
	matches "$out" $'Seccomp:[[:space:]]*2'
	hasnt "$out" ': ok'
}
