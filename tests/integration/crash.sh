# shellcheck shell=bash
# Kill -9 at random moments, full disks, read-only directories: nothing leaks, nothing is lost.
# CRASH_SECONDS=600 tests/run crash      ten minutes of it
# alone
# time limit: 1500

all_exited() {
	local lock
	for lock in "$DATA"/pods/run/*/pod.lck; do
		[ ! -e "$lock" ] || flock -n "$lock" true || return 1
	done
}
# Everything still works, and nothing is left.
sound() {
	local left p
	# a killed pod takes a moment to die
	wait_for 3 all_exited || fail 'a pod outlives the process that stands for it'
	is "$(grep -cF "$DATA/" /proc/self/mountinfo || true)" 0 'mounts in the namespace of the host'
	run rkt list
	ok list
	run rkt gc --grace-period=0 --expire-prepared=0
	ok gc
	run rkt gc --grace-period=0 --expire-prepared=0
	ok gc
	left=$(find "$DATA/pods" -mindepth 2 -maxdepth 2 | head -n 3)
	is "$left" '' 'pods after gc'
	run rkt image gc
	ok 'image gc'
	is "$(ls -A "$DATA/cas/tmp")" '' 'left in cas/tmp'
	for p in /proc/[0-9]*; do
		[ "$(readlink "$p/ns/mnt" 2>/dev/null)" != "$(readlink /proc/self/ns/mnt)" ] || continue
		if grep -qsF "$DATA" "$p/mountinfo" && [ -e "$p/exe" ] && [ "$p" != /proc/self ]; then
			# a dying process keeps its namespace for a moment
			wait_for 5 test ! -e "$p/exe" || fail "a process is left: $(tr '\0' ' ' <"$p/cmdline")"
		fi
	done
	run rkt run "$TESTAPP"
	ok run
	is "$out" hello
}
# All descendants of a process, by name of what they run: victims by role.
descendants() { # PID
	local c
	for c in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		echo "$c"
		descendants "$c"
	done
}
test_kill_9_at_random_moments() {
	local seed=${CRASH_SEED:-$RANDOM} round=0 rounds=${CRASH_ROUNDS:-60} end=0 victims victim delay kind uuid
	[ -z "${CRASH_SECONDS:-}" ] || { end=$((SECONDS + CRASH_SECONDS)); rounds=1000000; }
	echo "seed $seed"
	RANDOM=$seed
	fetch testapp
	while [ $round -lt "$rounds" ] && { [ $end = 0 ] || [ $SECONDS -lt $end ]; }; do
		round=$((round + 1))
		kind=$((RANDOM % 6))
		delay=$(printf '0.%03d' $((RANDOM % (kind == 5 ? 120 : 25))))
		case $kind in
		0 | 1) "${RKTC[@]}" run "$id" --exec=/bin/testapp -- sleep 5 & ;;
		2) "${RKTC[@]}" run "$TESTAPP" --name=a --exec=/bin/testapp -- sleep 5 --- "$id" --name=b --memory=64M --exec=/bin/testapp -- sleep 5 & ;;
		3)
			uuid=$(rkt prepare "$id" --exec=/bin/testapp -- sleep 5) || fail 'prepare'
			"${RKTC[@]}" run-prepared "$uuid" &
			;;
		4) "${RKTC[@]}" run --no-overlay "$id" --exec=/bin/testapp -- sleep 5 & ;;
		5) "${RKTC[@]}" fetch "$IMAGES/busybox.aci" >/dev/null & ;;
		esac
		pid=$!
		sleep "$delay"
		# stage0 or the outer process of stage1 itself, pid 1, an app, a worker: whatever there is by now
		mapfile -t victims < <(echo $pid; descendants $pid)
		victim=${victims[RANDOM % ${#victims[@]}]}
		kill -9 "$victim" 2>/dev/null || true
		# one of several: the rest must end by itself, or be told to
		if [ "$victim" != $pid ]; then
			{ sleep 3; kill -9 $pid; } >/dev/null 2>&1 &
			local killer=$!
			wait $pid 2>/dev/null || true
			kill $killer 2>/dev/null || true
			wait $killer 2>/dev/null || true
		fi
		wait $pid 2>/dev/null || true
		[ $((round % 5)) != 0 ] || { rkt image rm example.com/busybox >/dev/null 2>&1 || true; }
		[ $((round % 20)) != 0 ] || { echo "round $round, kind $kind, delay $delay"; sound; }
		run rkt image cat-manifest "$id"
		ok "seed $seed round $round: the store"
	done
	echo "$round rounds"
	LEFT_OVERS_OK=1
	sound
	run rkt image verify "$id"
	ok
}
test_kill_9_of_gc_and_rm() {
	local seed=${CRASH_SEED:-$RANDOM} i
	echo "seed $seed"
	RANDOM=$seed
	fetch testapp
	for i in 1 2 3 4 5 6 7 8 9 10; do
		rkt run --no-overlay "$id" >/dev/null
		"${RKTC[@]}" gc --grace-period=0 >/dev/null 2>&1 &
		pid=$!
		sleep "$(printf '0.%03d' $((RANDOM % 12)))"
		kill -9 $pid 2>/dev/null || true
		wait $pid || true
		run rkt list
		ok
	done
	sound
}
test_kill_9_of_image_commands() {
	local seed=${CRASH_SEED:-$RANDOM} i
	echo "seed $seed"
	RANDOM=$seed
	for i in 1 2 3 4 5 6 7 8 9 10; do
		fetch testapp
		case $((i % 3)) in
		0) rkt image rm "$id" ;;
		1) rkt image gc --grace-period=0 ;;
		2) rkt image verify "$id" ;;
		esac >/dev/null 2>&1 &
		pid=$!
		sleep "$(printf '0.%03d' $((RANDOM % 15)))"
		kill -9 $pid 2>/dev/null || true
		wait $pid || true
		run rkt image list
		ok
	done
	rkt image gc --grace-period=0 >/dev/null 2>&1
	sound
}
test_full_disk() {
	local size s
	for size in 64k 300k 1m 2m 3m 4m; do
		mount -t tmpfs -o "size=$size" rkt-check "$DATA"
		run rkt run "$TESTAPP" --exec=/bin/testapp -- echo ran
		s=$status
		if [ $s != 0 ]; then
			[ -n "$err" ] || fail 'nothing was said'
			[ $s = 254 ] || [ $s -ge 203 ] || fail "status $s"
		fi
		run rkt list
		run rkt gc --grace-period=0
		run rkt gc --grace-period=0
		mount -o remount,size=64m "$DATA"
		sound
		umount "$DATA"
	done
}
test_disk_that_an_app_fills() {
	mount -t tmpfs -o size=24m rkt-check "$DATA"
	pod --uuid-file-save="$T/u" -- fill /big 100000000
	ended 1
	has "$out" 'No space left'
	run rkt status "$(cat "$T/u")"
	ok
	run rkt rm "$(cat "$T/u")"
	ok
	sound
	umount "$DATA"
}
test_read_only_directories() {
	local dir
	fetch testapp
	rkt run "$id" >/dev/null
	for dir in pods pods/embryo pods/prepare pods/prepared pods/run pods/exited-garbage cas cas/tmp cas/tree cas/image; do
		[ -d "$DATA/$dir" ] || continue
		mount --bind "$DATA/$dir" "$DATA/$dir"
		mount -o remount,bind,ro "$DATA/$dir"
		run rkt run "$id"
		[ "$status" = 0 ] || [ "$status" = 254 ] || fail "$dir: status $status"
		[ "$status" = 0 ] || [ -n "$err" ] || fail "$dir: nothing was said"
		run rkt list
		run rkt gc --grace-period=0
		run rkt fetch "$IMAGES/busybox.aci"
		umount "$DATA/$dir"
		run rkt image rm example.com/busybox
	done
	sound
}
