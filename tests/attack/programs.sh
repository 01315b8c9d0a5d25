# shellcheck shell=bash
# CVE-2019-5736: whatever of ours an app can get hold of as /proc/PID/exe (it makes us execute its `#!/proc/self/exe`, and
# hands the descriptor to somebody who outlives the pod) is of a read-only mount. With --no-overlay stage1 is a copy in the
# pod's directory, whose `gc` root executes afterwards.

is_read_only() { # PID
	python3 -c 'import os, sys; sys.exit(not os.statvfs("/proc/%s/exe" % sys.argv[1]).f_flag & os.ST_RDONLY)' "$1"
}
check_programs() { # FLAGS…
	start "$@" "$TESTAPP" --exec=/bin/testapp -- sleep 100
	case $(readlink "/proc/$pid/exe") in */stage1) ;; *) fail 'this is not stage1' ;; esac
	is_read_only "$pid" || fail 'run can be overwritten'
	is_read_only "$(cat "$DATA/pods/run/$uuid/pid")" || fail 'pid 1 can be overwritten'
	local entered
	"${RKTC[@]}" enter "$uuid" /bin/testapp sleep 100 >/dev/null 2>&1 &
	entered=$!
	wait_for 5 became_stage1 "$entered" || fail 'nothing was entered'
	is_read_only "$entered" || fail 'enter can be overwritten'
	rkt stop --force "$uuid" >/dev/null
	killed "$entered"
	finish
}
became_stage1() { [[ $(readlink "/proc/$1/exe") == */stage1 ]]; }
test_cve_2019_5736_programs_are_read_only() { check_programs; }
test_cve_2019_5736_programs_are_read_only_without_overlay() { check_programs --no-overlay; }
test_cve_2019_5736_shebang_of_our_own_program() {
	mkdir -p more/bin
	printf '#!/proc/self/exe\n' >more/bin/bait
	chmod 755 more/bin/bait
	aci=$(image_with bait '.app.exec = ["/bin/bait"]' "$PWD/more")
	run rkt run "$aci"
	[ "$status" != 0 ] || fail 'it ran'
	has "$err" 'names no entry point'
}
