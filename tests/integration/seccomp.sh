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

# --- lists of an image's own, and --seccomp -------------------------------------------------------
# What testapp needs at the least: a static program that prints.
few=execve,exit_group,arch_prctl,set_tid_address,set_robust_list,rseq,prlimit64,mprotect,brk,getrandom,readlinkat,readlink,fstat,newfstatat,ioctl,write,rt_sigaction,mmap,munmap
test_retain_forbids_all_others() {
	run rkt run "$TESTAPP" --seccomp mode=retain,errno=ENOTSUP,$few --exec=/bin/testapp -- echo ran + sys64 39 + sys64 83 + echo end
	ok
	is "$out" "ran
sys64 39: Operation not supported
sys64 83: Operation not supported
end"
}
# 39, 20 and x32's 39: getpid by each of the interfaces; 90, 15, 90: chmod.
test_remove_forbids_nothing_else() {
	run rkt run "$TESTAPP" --seccomp mode=remove,errno=EXDEV,chmod,@systemd/clock --exec=/bin/testapp -- sys64 39 + sys64 90 + sys32 15 + sysx32 90 + sys64 227 + echo end
	ok
	has "$out" 'sys64 39: ok' 'sys64 90: Invalid cross-device link' 'sys32 15: Invalid cross-device link' 'sysx32 90: Invalid cross-device link' \
		'sys64 227: Invalid cross-device link' end
	# without the filter these come as far as the kernel's own checks
	run rkt run "$TESTAPP" --seccomp mode=retain,@appc.io/all --exec=/bin/testapp -- sys64 90 + sys32 15 + caps
	has "$out" 'sys64 90: Bad address' 'sys32 15: Bad address'
	matches "$out" $'Seccomp:[[:space:]]*0'
}
test_calls_within_socketcall() {
	run rkt run "$TESTAPP" --seccomp mode=remove,errno=EXDEV,connect,shmget --exec=/bin/testapp -- sys32 102 3 + sys32 102 1 + sys32 362 + sys32 117 23 + sys32 117 65559
	ok
	has "$out" 'sys32 102: Invalid cross-device link' 'sys32 102: Bad address' 'sys32 362: Invalid cross-device link'
	is "$(grep -c 'sys32 117: Invalid cross-device link' <<<"$out")" 2
}
test_without_errno_sigsys_kills() {
	local how
	for how in 'sys64 90' 'sys32 15' 'sysx32 90'; do
		# shellcheck disable=SC2086
		run rkt run "$TESTAPP" --seccomp mode=remove,chmod --exec=/bin/testapp -- echo before + $how + echo after
		ended 159
		is "$out" before
	done
	run rkt run "$TESTAPP" --seccomp mode=retain,$few --exec=/bin/testapp -- sys32 20
	ended 159
}
# The list says nothing of what rkt itself does before the app is there: users, capabilities, no_new_privs.
test_lists_and_users() {
	local aci
	run rkt run "$TESTAPP" --user=alice --group=alice --supplementary-gids=5 --seccomp mode=retain,errno=EPERM,$few,openat,open,read,close,getuid,geteuid,getgid,getgroups,getegid,lseek --exec=/bin/testapp -- caps + ids
	ok
	has "$out" $'Seccomp:\t2' $'CapEff:\t0000000000000000' $'CapPrm:\t0000000000000000' $'NoNewPrivs:\t0'
	run rkt run "$TESTAPP" --caps-retain=CAP_KILL --seccomp mode=remove,reboot --exec=/bin/testapp -- caps
	has "$out" $'CapEff:\t0000000000000020' $'CapPrm:\t0000000000000020' $'CapBnd:\t0000000000000020' $'CapInh:\t0000000000000000' $'CapAmb:\t0000000000000000'
	run rkt run "$TESTAPP" --user=alice --group=alice --caps-retain=CAP_KILL --seccomp mode=remove,reboot --exec=/bin/testapp -- caps
	has "$out" $'CapEff:\t0000000000000020' $'CapBnd:\t0000000000000020' $'CapAmb:\t0000000000000020'
	aci=$(image_with nnp '.app.exec = ["/bin/testapp", "caps"] | .app.user = "alice" | .app.isolators = [{name: "os/linux/no-new-privileges", value: true},
		{name: "os/linux/seccomp-remove-set", value: {set: ["reboot"], errno: "EPERM"}}]')
	run rkt run "$aci"
	ok
	has "$out" $'NoNewPrivs:\t1' $'Seccomp:\t2'
}
test_list_of_an_image_and_flag() {
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "sys64", "39"] | .app.isolators = [{name: "os/linux/seccomp-remove-set", value: {set: ["getpid"], errno: "EXDEV"}}]')
	run rkt run --uuid-file-save="$T/u" "$aci" --name=x
	is "$out" 'sys64 39: Invalid cross-device link'
	is "$err" ''
	run rkt status --uuid-file="$T/u"
	has "$out" 'isolator-x=os/linux/seccomp-remove-set: enforced'
	run rkt run "$aci" --seccomp mode=retain,errno=EPERM,@rkt/default-whitelist
	is "$out" 'sys64 39: ok'
	run "$RKT" --dir="$DATA" --insecure-options=image,seccomp run "$aci" --name=x
	is "$out" 'sys64 39: ok'
	is "$err" "app 'x': isolator 'os/linux/seccomp-remove-set' is ignored: --insecure-options=seccomp"
}
test_whitelist_confines_as_the_default() {
	run rkt run "$TESTAPP" --seccomp mode=retain,errno=EPERM,@rkt/default-whitelist --exec=/bin/testapp -- try mount unshare-user keyctl bpf + sys64 435
	ok
	is "$(grep -c 'Operation not permitted' <<<"$out")" 4
	has "$out" 'sys64 435: Function not implemented'
	run rkt run "$TESTAPP" --seccomp mode=remove,@appc.io/empty --exec=/bin/testapp -- try mount unshare-user keyctl
	is "$(grep -c 'Operation not permitted' <<<"$out")" 3
}
# The session keyring of whoever runs rkt is not for an app that may ask for it.
test_no_keyring_of_the_host() {
	local list
	in_a_session() {
		python3 -c 'import ctypes, os, sys
ctypes.CDLL(None).syscall({"x86_64": 250, "aarch64": 219}[os.uname().machine], 1, b"of-the-caller", 0, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])' "$@"
	}
	run in_a_session "$HELPERS/testapp" inherited
	has "$out" 'keyring keyring;' of-the-caller
	for list in mode=retain,@appc.io/all mode=remove,reboot; do
		run in_a_session "${RKTC[@]}" run "$TESTAPP" --seccomp "$list" --exec=/bin/testapp -- try keyctl + inherited
		ok
		has "$out" 'keyring keyring;'
		hasnt "$out" of-the-caller
	done
}
test_enter_is_behind_the_same_list() {
	start "$TESTAPP" --seccomp mode=remove,errno=EXDEV,getppid --exec=/bin/testapp -- sleep 60
	run rkt enter "$uuid" /bin/testapp sys64 110 + sys64 39
	ok
	has "$out" 'sys64 110: Invalid cross-device link' 'sys64 39: ok'
	rkt stop --force "$uuid" >/dev/null
	finish
}
# What cannot be executed is told before nothing can be told any more.
test_errors_behind_a_list() {
	run rkt run "$TESTAPP" --seccomp mode=retain,execve --exec=/bin/nothing
	ended 203
	has "$err" 'Unable to open "/bin/nothing"'
	run rkt run "$TESTAPP" --seccomp mode=retain,execve --exec=nothing
	ended 203
	has "$err" 'Unable to open "nothing"'
	run rkt run "$TESTAPP" --seccomp mode=retain,execve --exec=/etc/passwd
	ended 203
	has "$err" 'it is not executable'
}
test_bad_lists() {
	local bad
	while IFS='|' read -r bad why; do
		run rkt run "$TESTAPP" --seccomp "$bad"
		refused '--seccomp' "$why"
	done <<-'END'
		mode=retain,execve,opne|'opne' is not a system call
		mode=retain,execve,@rkt/opne|'@rkt/opne' is not a set of system calls
		mode=retain,errno=EWRONG,execve|'EWRONG' is not the name of an errno
		mode=retain,read,write|forbids execve
		mode=remove,execve|forbids execve
		mode=remove,@appc.io/all|forbids execve
		mode=keep,read|mode=retain or mode=remove wanted
		read,write|mode=retain or mode=remove wanted
		mode=retain|names of system calls wanted
		mode=retain,mode=remove,read|said twice
		mode=retain,errno=EPERM,errno=EIO,execve|said twice
		mode=retain,action=kill,execve|mode= and errno= are all there is
	END
	aci=$(image_with iso '.app.isolators = [{name: "os/linux/seccomp-retain-set", value: {set: ["read"]}}]')
	run rkt run "$aci" --name=x
	refused "app 'x': isolator 'os/linux/seccomp-retain-set': the list forbids execve"
	aci=$(image_with caps '.app.isolators = [{name: "os/linux/capabilities-retain-set", value: {set: ["CAP_MAGIC"]}}]')
	run rkt run "$aci" --name=x
	refused "app 'x': isolator 'os/linux/capabilities-retain-set'" CAP_MAGIC
	[ ! -e "$DATA/pods" ] || is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2)" '' 'pods'
}
