# shellcheck shell=bash
# Kill -9 at every system call and at random moments: nothing leaks, nothing is lost.
# CRASH_SECONDS=600 tests/run crash      ten minutes of it; CRASH_SEED=N repeats one that failed
# alone
# time limit: 1500

# What was done, for those who ask although nothing failed: build/check/crash.
log() { echo "$*" | tee -a "$TOP/build/check/crash"; }
# Everything still works, and nothing is left. May kill -9 have left a tree to be repaired? Then: sound repaired
sound() {
	local left u p uuids
	mapfile -t uuids < <(find "$DATA/pods" -mindepth 2 -maxdepth 2 -printf '%f\n' 2>/dev/null)
	is "$(grep -cF "$DATA/" /proc/self/mountinfo || true)" 0 'mounts in the namespace of the host'
	run rkt list
	ok list
	is "$err" '' 'complaints of list'
	for u in "${uuids[@]:0:3}"; do
		run rkt status "$u"
		ok "status $u"
	done
	run rkt gc --grace-period=0s --expire-prepared=0s
	ok gc
	is "$err" '' 'complaints of gc'
	left=$(find "$DATA/pods" -mindepth 2 -maxdepth 2 2>/dev/null | head -n 3)
	is "$left" '' 'pods after one gc'
	run find /sys/fs/cgroup -type d -name 'rkt-????????-*'
	for u in "${uuids[@]}"; do
		hasnt "$out" "$u"
	done
	run rkt image gc
	ok 'image gc'
	if [ -d "$DATA/cas" ]; then
		is "$(ls -A "$DATA/cas/tmp")" '' 'left in cas/tmp'
		is "$(find "$DATA/cas/image" -name '.*' -type f)" '' 'half-written records'
		is "$(ls "$DATA/cas/image")" "$(ls "$DATA/cas/tree")" 'images and trees'
		is "$(ls "$DATA/cas/image")" "$(ls "$DATA/cas/blob/sha512")" 'images and archives'
	fi
	run rkt image list --no-legend --full
	ok 'image list'
	for u in $(awk '{print $1}' <<<"$out"); do
		run rkt image verify "$u"
		ok "image verify $u"
		[ "${1:-}" = repaired ] || hasnt "$out" repaired
	done
	run "${RKTC[@]}" run "$TESTAPP"
	ok run
	is "$out" hello
	rkt gc --grace-period=0s >/dev/null
}
# kill9 waits for the descendants of what it killed; this finds whoever else has a pod's mounts.
no_process_of_ours() {
	local p
	for p in $(grep -lsF "$DATA/pods" /proc/[0-9]*/mountinfo); do
		# a dying process keeps its namespace for a moment
		wait_for 5 test ! -e "${p%/*}/exe" || fail "a process is left: $(tr '\0' ' ' <"${p%/*}/cmdline")"
	done
}

# --- victims: make_KIND sets cmd, after making what it needs; done_KIND looks at that afterwards ---
KINDS='run two prepared bare fly fetch prepare gc rm image_rm image_gc verify stop enter export extract'
cmd=()
make_run() { cmd=("${RKTC[@]}" run "$TESTAPP" --exec=/bin/testapp -- "$@"); }
make_two() { cmd=("${RKTC[@]}" run "$TESTAPP" --name=a --exec=/bin/testapp -- "$@" --- "$TESTAPP" --name=b --memory=64M --exec=/bin/testapp -- "$@"); }
make_prepared() { cmd=("${RKTC[@]}" run-prepared "$(rkt prepare "$TESTAPP" --exec=/bin/testapp -- "$@")"); }
make_bare() { cmd=("${RKTC[@]}" run --no-overlay "$TESTAPP" --exec=/bin/testapp -- "$@"); }
make_fly() { cmd=("${RKTC[@]}" run --stage1-from-dir=stage1-fly.aci "$TESTAPP" --exec=/bin/testapp -- "$@"); }
make_fetch() {
	rkt image rm example.com/busybox >/dev/null 2>&1
	cmd=("${RKTC[@]}" fetch "$IMAGES/busybox.aci")
}
make_prepare() { cmd=("${RKTC[@]}" prepare "$TESTAPP"); }
make_gc() {
	rkt run "$TESTAPP" >/dev/null
	rkt run --no-overlay "$TESTAPP" >/dev/null
	rkt prepare "$TESTAPP" >/dev/null
	cmd=("${RKTC[@]}" gc --grace-period=0s --expire-prepared=0s)
}
make_rm() {
	rkt run --uuid-file-save="$T/u" "$TESTAPP" >/dev/null
	cmd=("${RKTC[@]}" rm "$(cat "$T/u")" "$(rkt prepare "$TESTAPP")")
}
make_image_rm() {
	rkt fetch "$IMAGES/busybox.aci" >/dev/null
	cmd=("${RKTC[@]}" image rm example.com/busybox)
}
make_image_gc() {
	rkt fetch "$IMAGES/busybox.aci" >/dev/null
	mkdir -p "$DATA/cas/tmp/0123456789abcdef/left"
	cmd=("${RKTC[@]}" image gc --grace-period=0s)
}
make_verify() {
	local tree
	rkt fetch "$TESTAPP" >/dev/null
	tree=$DATA/cas/tree/$(sha512sum <"$TESTAPP" | cut -c 1-128)
	echo x >>"$tree/rootfs/bin/plain"
	cmd=("${RKTC[@]}" image verify example.com/testapp)
}
make_stop() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 60
	cmd=("${RKTC[@]}" stop "$uuid")
}
done_stop() {
	rkt stop --force "$uuid" >/dev/null 2>&1 || true
	finish
	[ "$status" = 143 ] || [ "$status" = 137 ] || fail "the stopped pod ended with $status"
}
make_enter() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 60
	cmd=("${RKTC[@]}" enter "$uuid" /bin/testapp "$@")
}
done_enter() {
	run rkt enter "$uuid" /bin/testapp echo entered
	is "$out" entered 'after enter was killed'
	rkt stop --force "$uuid" >/dev/null
	finish
}
make_export() {
	rkt run --uuid-file-save="$T/u" "$TESTAPP" >/dev/null
	cmd=("${RKTC[@]}" export --overwrite "$(cat "$T/u")" "$T/exported.aci")
}
make_extract() {
	rkt fetch "$TESTAPP" >/dev/null
	cmd=("${RKTC[@]}" image extract --overwrite example.com/testapp "$T/extracted")
}
# Kills one and looks. 1: it had ended before.
strike() { # KIND WORDS… -- ARGUMENTS OF kill9…
	local kind=$1 words=() s=0
	shift
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	"make_$kind" "${words[@]}"
	"$HELPERS/kill9" "$@" "${cmd[@]}" >"$T/victim.out" 2>"$T/victim.err" </dev/null || s=$?
	if [ "$(type -t "done_$kind")" = function ]; then "done_$kind"; fi
	case $s in
	0) ;;
	3) return 1 ;;
	*) fail "kill9 $* of $kind: status $s: $(cat "$T/victim.err")" ;;
	esac
}
# At each system call of each command that changes something, as far as the time goes: in an order that the seed says.
test_kill_9_before_every_system_call() {
	local seed=${CRASH_SEED:-$RANDOM} end kind n mode kills=0 round=0 max
	local -A order=()
	end=$((SECONDS + ${CRASH_SECONDS:-26} / 2))
	log "seed $seed"
	RANDOM=$seed
	# where a sync costs nothing
	mount -t tmpfs rkt-check "$DATA"
	rkt run --stage1-from-dir=stage1-fly.aci "$TESTAPP" >/dev/null
	rkt run "$TESTAPP" >/dev/null
	for kind in $KINDS; do
		"make_$kind" exit 0
		max=$("$HELPERS/kill9" call 1000000 ONE "${cmd[@]}" 2>&1 >/dev/null </dev/null | sed -n 's/^kill9: ended after \([0-9]*\) calls$/\1/p')
		if [ "$(type -t "done_$kind")" = function ]; then "done_$kind"; fi
		[ -n "$max" ] || fail "$kind: not counted"
		order[$kind]=$(seq "$max" | shuf --random-source=<(yes "$seed$kind"))
		log "$kind: $max calls"
	done
	sound
	while [ $SECONDS -lt $end ]; do
		round=$((round + 1))
		left=
		for kind in $KINDS; do
			n=$(sed -n "${round}p" <<<"${order[$kind]}")
			[ -n "$n" ] || continue
			left=1
			[ $SECONDS -lt $end ] || break
			mode=ONE
			[ $((RANDOM % 3)) != 0 ] || mode=ALL
			echo "$kind $n $mode" >"$T/now"
			! strike "$kind" exit 0 -- call "$n" $mode || kills=$((kills + 1))
			no_process_of_ours
			sound repaired || fail "seed $seed: $(cat "$T/now" "$T/victim.err")"
		done
		[ -n "$left" ] || break
	done
	log "$kills kills"
	[ $kills -gt 0 ]
}
# A dozen at once, each struck at some moment, then all of it is looked at.
test_kill_9_at_random_moments() {
	local seed=${CRASH_SEED:-$RANDOM} end i n kind delay round=0 pids kinds=(run two bare fly run prepared fetch prepare gc image_rm image_gc list rm)
	end=$((SECONDS + ${CRASH_SECONDS:-26} / 2))
	log "seed $seed"
	RANDOM=$seed
	while [ $SECONDS -lt $end ]; do
		round=$((round + 1))
		pids=()
		for ((i = 0; i < 12; i++)); do
			kind=${kinds[RANDOM % ${#kinds[@]}]}
			delay=$((RANDOM % 3 == 0 ? RANDOM % 1000 : RANDOM * 2))
			n=$((RANDOM % 8))
			[ $n != 0 ] || n=ALL
			case $kind in
			fetch) cmd=("${RKTC[@]}" fetch "$IMAGES/busybox.aci") ;;
			gc) cmd=("${RKTC[@]}" gc --grace-period=0s --expire-prepared=0s) ;;
			image_rm) cmd=("${RKTC[@]}" image rm example.com/busybox) ;;
			image_gc) cmd=("${RKTC[@]}" image gc --grace-period=0s) ;;
			list) cmd=("${RKTC[@]}" list) ;;
			rm) cmd=("${RKTC[@]}" rm "$(find "$DATA/pods" -mindepth 2 -maxdepth 2 -printf '%f\n' 2>/dev/null | head -n 1)" 00) ;;
			prepared) make_prepared sleep 2 2>/dev/null || make_run sleep 2 ;;
			*) "make_$kind" sleep 2 ;; # whoever was done with its work is not missed
			esac
			"$HELPERS/kill9" after $delay $n "${cmd[@]}" >"$T/victim.$i" 2>&1 </dev/null &
			pids+=($!)
		done
		for ((i = 0; i < 12; i++)); do
			status=0
			wait "${pids[i]}" || status=$?
			[ $status = 0 ] || [ $status = 3 ] || fail "seed $seed round $round: $(cat "$T/victim.$i")"
		done
		no_process_of_ours
		sound || fail "seed $seed round $round"
	done
	log "$round rounds of 12"
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
