# shellcheck shell=bash
# Where the groups of a pod are: below the group that rkt was started in, or, where that is the root, in a slice. What is the root
# is a matter of the cgroup namespace: here it is a group of the test's own.
# time limit: 120

group_in() { # HIERARCHY: ours
	local name=${1##*/}
	[ "$name" != unified ] || name=
	sed -n "s/^[0-9]*:\(name=\)\?$name://p" /proc/self/cgroup | head -n 1
}
# Each hierarchy in which we may make a group; that of memory is somebody else's on some machines.
own=rkt-own-$$
hierarchies=()
make_own() {
	local h
	for h in /sys/fs/cgroup/{unified,systemd,pids,cpu,devices,freezer,blkio}; do
		[ -e "$h/cgroup.procs" ] || continue
		h=$h$(group_in "$h")
		mkdir "${h%/}/$own"
		hierarchies+=("${h%/}/$own")
	done
	[ ${#hierarchies[@]} -gt 0 ] || skip 'there is no hierarchy of version 1, nor a hybrid'
	trap remove_own EXIT
}
# Everything below them is gone, but for what a test that fails has left.
remove_own() {
	local h p
	for h in "${hierarchies[@]}"; do
		while read -r p; do kill -9 "$p"; done < <(find "$h" -name cgroup.procs -exec cat {} +)
		wait_for 5 drained "$h"
		find "$h" -depth -type d -exec rmdir {} \;
	done 2>/dev/null
}
drained() { [ -z "$(find "$1" -name cgroup.procs -exec cat {} +)" ]; }
is_empty() { is "$(find "${hierarchies[@]}" -mindepth 1 -type d)" '' 'groups left'; }
# Becomes CMD, in these groups.
become_inside() { # CMD…
	for h in "${hierarchies[@]}"; do echo $BASHPID >"$h/cgroup.procs"; done
	exec "$@"
}
# Becomes CMD, in these groups, which are the roots: HIDDEN names what is not mounted.
become_root() { # CMD…
	HIDDEN=${HIDDEN:-} become_inside unshare -C -m --propagation private bash -euc '
		for h; do
			[ "$h" != -- ] || break
			shift
			h=${h#/sys/fs/cgroup/} h=${h%%/*}
			umount -l "/sys/fs/cgroup/$h"
			case $h in
			"$HIDDEN") ;;
			unified) mount -t cgroup2 none /sys/fs/cgroup/unified ;;
			systemd) mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd ;;
			*) mount -t cgroup -o "$h" none "/sys/fs/cgroup/$h" ;;
			esac
		done
		shift
		exec "$@"' bash "${hierarchies[@]}" -- "$@"
}
own_root() (become_root "$@")
start_in() { # root|inside, flags: as start
	local RKTC=("become_$1" "${RKTC[@]}")
	start "${@:2}"
}
subcgroup() { cat "$DATA/pods/run/$uuid/subcgroup"; }

test_in_the_root_a_pod_is_in_a_slice() {
	make_own
	start_in root "$TESTAPP" --pids-limit=50 --exec=/bin/testapp -- cgroup + on-term 0
	is "$(subcgroup)" "rkt.slice/rkt-$uuid
pids:/rkt.slice/rkt-$uuid"
	for h in "${hierarchies[@]}"; do
		case $h in
		*/unified/* | */pids/*) is "$(cd "$h" && echo rkt.slice/*/*/)" "rkt.slice/rkt-$uuid/testapp/" "groups of $h" ;;
		*) is "$(find "$h" -mindepth 1 -type d)" '' "groups of $h" ;;
		esac
	done
	# Who enters is there, too.
	run own_root "${RKTC[@]}" enter "$uuid" /bin/testapp cgroup
	ok
	hasnt "$out" rkt-
	rkt stop "$uuid" >/dev/null
	finish
	is "$status" 0 'status of the pod'
	hasnt "$out" rkt-
	is_empty
	run own_root "${RKTC[@]}" run "$TESTAPP" --pids-limit=12 --exec=/bin/testapp -- forks 200
	ended 137
	is "$out" 'forked 11: Resource temporarily unavailable'
	is_empty
}
# Elsewhere it stays: to leave would be to escape what somebody bounded that group for.
test_in_a_group_a_pod_stays_in_it() {
	make_own
	start_in inside "$TESTAPP" --pids-limit=50 --exec=/bin/testapp -- on-term 0
	for h in "${hierarchies[@]}"; do
		case $h in
		*/unified/* | */pids/*) [ -d "$h/rkt-$uuid/testapp" ] || fail "no group of the pod in $h" ;;
		esac
		[ ! -e "$h/rkt.slice" ] || fail "a slice in $h"
	done
	rkt stop "$uuid" >/dev/null
	finish
	is_empty
}
test_two_pods_in_the_slice() {
	local first first_pid
	make_own
	start_in root "$TESTAPP" --exec=/bin/testapp -- on-term 0
	first=$uuid first_pid=$pid
	start_in root "$TESTAPP" --exec=/bin/testapp -- on-term 0
	rkt stop "$first" >/dev/null
	wait "$first_pid"
	is "$(cd "${hierarchies[0]}" && echo rkt.slice/*/)" "rkt.slice/rkt-$uuid/" 'what is in the slice'
	rkt stop "$uuid" >/dev/null
	finish
	is_empty
}
# Pods begin while others end.
test_the_slice_comes_and_goes() {
	local i jobs=()
	make_own
	rkt fetch "$TESTAPP" >/dev/null
	# shellcheck disable=SC2016
	for i in 1 2 3; do
		become_root bash -euc 'for i in {1..15}; do "$@"; done' bash "${RKTC[@]}" run "$TESTAPP" --pids-limit=50 --exec=/bin/testapp -- exit 0 >"$T/out.$i" 2>&1 &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i" || fail "a pod did not start: $(cat "$T"/out.?)"; done
	is "$(cat "$T"/out.?)" ''
	is_empty
}
test_gc_removes_the_slice_of_a_pod_that_was_killed() {
	make_own
	start_in root "$TESTAPP" --pids-limit=50 --exec=/bin/testapp -- on-term 0
	kill -9 "$pid"
	killed "$pid"
	has "$(find "${hierarchies[@]}" -type d)" "rkt.slice/rkt-$uuid/testapp"
	own_root "${RKTC[@]}" gc --grace-period=0 >/dev/null 2>&1
	own_root "${RKTC[@]}" gc --grace-period=0 >/dev/null 2>&1
	is_empty
}
# Version 1 alone: what an app leaves is frozen, killed and thawed when it ends, though it forks as fast as it can.
test_nothing_forks_away_from_the_end_of_its_app() {
	local users
	make_own
	for users in '' --private-users; do
		HIDDEN=unified start_in root ${users:+$users} "$IMAGES/busybox.aci" --name=first --exec=/bin/sh -- -c '(f() { (f) & exit; }; f) & exit 0' \
			--- "$TESTAPP" --name=other --exec=/bin/testapp -- on-term 0
		is "$(sed 's/:.*//' "$DATA/pods/run/$uuid/subcgroup" | tr '\n' ' ')" "rkt.slice/rkt-$uuid devices freezer "
		nothing_is_left_of first
		rkt stop "$uuid" >/dev/null
		finish
		is_empty
	done
}

# Where groups cannot be made, a pod goes without, but not without a limit that was asked for.
test_groups_that_cannot_be_made() {
	read_only() { unshare -m --propagation private bash -euc 'for h in /sys/fs/cgroup/*/; do mount -o remount,bind,ro "$h"; done; exec "$@"' bash "$@"; }
	run read_only "${RKTC[@]}" run "$TESTAPP" --exec=/bin/testapp -- echo ran
	ok
	is "$out$err" ran
	run read_only "${RKTC[@]}" run "$TESTAPP" --pids-limit=50
	refused 'limits of apps need a control group in' 'Read-only file system'
	run read_only "${RKTC[@]}" run "$TESTAPP" --cpu-shares=512 --exec=/bin/testapp -- echo ran
	ok
	has "$err" "isolator 'os/linux/cpu-shares' is ignored: " 'Read-only file system'
}
# Killed at any moment: before each system call that changes something, of whichever process.
test_gc_removes_what_a_kill_at_any_moment_leaves() {
	local n s=0
	make_own
	fetch testapp
	run rkt run "$id" --exec=/bin/testapp -- exit 0 # it and stage1 are in the store
	# shellcheck disable=SC2016
	become_root bash -uc 'kill9=$1 T=$2 app=$3 s=0
		shift 3
		for ((n = 1; s != 3 && n < 2000; n++)); do
			"$kill9" call "$n" ALL "$@" run "$app" --pids-limit=50 --exec=/bin/testapp -- exit 0 >"$T/victim" 2>&1 </dev/null
			s=$?
			[ $s = 0 ] || [ $s = 3 ] || { cat "$T/victim"; exit 1; }
			"$@" gc --grace-period=0 >"$T/gc" 2>&1
			left=$(find /sys/fs/cgroup/{unified,pids} -mindepth 1 -type d 2>/dev/null)
			[ -z "$left" ] || { echo "after call $n: $left"; cat "$T/victim" "$T/gc"; exit 1; }
		done
		echo "$n moments"' bash "$HELPERS/kill9" "$T" "$id" "${RKTC[@]}" >"$T/moments" 2>&1 &
	wait $! || s=$?
	is "$s" 0 "$(cat "$T/moments")"
	n=$(sed -n 's/ moments$//p' "$T/moments")
	[ "$n" -gt 20 ] || fail "only $(cat "$T/moments")"
	is_empty
}
