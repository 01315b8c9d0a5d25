# shellcheck shell=bash
# Dozens side by side.
# alone
# time limit: 120

test_runs_at_once() {
	fetch testapp
	local i failed=0 pids=()
	for i in $(seq 40); do
		"${RKTC[@]}" run "$id" --exec=/bin/testapp -- exit $((i % 7)) >/dev/null 2>"$T/err.$i" &
		pids+=($!)
	done
	for i in $(seq 40); do
		status=0
		wait "${pids[i - 1]}" || status=$?
		[ "$status" = $((i % 7)) ] || { cat "$T/err.$i"; failed=1; }
	done
	[ $failed = 0 ] || fail 'some ended otherwise'
	is "$(rkt list --no-legend | wc -l)" 40
}
test_fetch_of_one_image_at_once() {
	local i pids=() ids
	for i in $(seq 8); do
		"${RKTC[@]}" fetch "$IMAGES/redis.aci" >"$T/id.$i" 2>"$T/err.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "a fetch failed: $(cat "$T"/err.*)"; done
	ids=$(cat "$T"/id.* | sort -u)
	is "$(wc -l <<<"$ids")" 1
	is "$(find "$DATA/cas/tree" -mindepth 1 -maxdepth 1 | wc -l)" 1
	run rkt image verify "$ids"
	ok
}
# gc, rm, list, status and run, all at once, for some seconds; each either works or says why not.
test_everything_at_once() {
	fetch testapp
	local end=$((SECONDS + 8)) pids=() w
	worker() { # KIND
		local s u
		while [ $SECONDS -lt $end ]; do
			s=0
			case $1 in
			run) rkt run "$id" --exec=/bin/testapp -- exit 3 || s=$?; [ $s = 3 ] || { echo "run: $s"; exit 1; } ;;
			prepare) u=$(rkt prepare "$id") && rkt run-prepared "$u" || { s=$?; [ $s = 254 ] || { echo "prepared: $s"; exit 1; }; } ;;
			list) rkt list || { echo "list: $?"; exit 1; } ;;
			json) rkt list --format=json | jq -e 'type == "array"' || { echo "json: $?"; exit 1; } ;;
			status) for u in $(rkt list --no-legend --full | awk '/^[0-9a-f]/{print $1}' | head -n 4); do rkt status "$u" || { s=$?; [ $s = 254 ] || exit 1; }; done ;;
			gc) rkt gc --grace-period=0 || { echo "gc: $?"; exit 1; } ;;
			rm) for u in $(rkt list --no-legend --full | awk '/exited/{print $1}' | head -n 4); do rkt rm "$u" || { s=$?; [ $s = 254 ] || exit 1; }; done ;;
			fetch) rkt fetch "$TESTAPP" || { echo "fetch: $?"; exit 1; } ;;
			esac
		done >"$T/w.$1" 2>&1 </dev/null
	}
	for w in run run run prepare list json status gc gc rm rm fetch; do
		worker $w &
		pids+=($!)
	done
	local failed=0
	for w in "${pids[@]}"; do wait "$w" || failed=1; done
	[ $failed = 0 ] || { tail -n 5 "$T"/w.*; fail 'a command ended with something unexpected'; }
	run rkt image verify "$id"
	ok
}
# The same while images come and go: whoever loses one says so in a line, and nothing half-done stays.
test_two_dozen_while_images_come_and_go() {
	local end=$((SECONDS + 8)) pids=() w i=0 failed=0
	rkt fetch "$TESTAPP" >/dev/null
	bad() { # WHAT STATUS FILE
		echo "$1: $2: $(cat "$3")"
		exit 1
	}
	worker() { # NUMBER KIND
		local s u e=$T/e.$1
		while [ $SECONDS -lt $end ]; do
			s=0
			case $2 in
			run) rkt run "$TESTAPP" --exec=/bin/testapp -- exit 0 2>"$e" || s=$? ;;
			bare) rkt run --no-overlay "$TESTAPP" --exec=/bin/testapp -- exit 0 2>"$e" || s=$? ;;
			prepared) { u=$(rkt prepare "$TESTAPP" 2>"$e") && rkt run-prepared "$u" 2>"$e"; } || s=$? ;;
			fetch) rkt fetch "$IMAGES/busybox.aci" 2>"$e" || s=$? ;;
			list) rkt list 2>"$e" && rkt image list 2>"$e" || bad list $? "$e" ;;
			gc) rkt gc --grace-period=0s 2>"$e" || bad gc $? "$e" ;;
			image_gc) rkt image gc --grace-period=0s 2>"$e" || bad 'image gc' $? "$e" ;;
			image_rm) rkt image rm example.com/busybox example.com/testapp 2>"$e" || bad 'image rm' $? "$e" ;;
			verify) rkt image verify example.com/testapp 2>"$e" || s=$? ;;
			export) rkt image export --overwrite example.com/testapp "$T/$1.aci" 2>"$e" || s=$? ;;
			esac
			[ $s = 0 ] || [ $s = 254 ] || bad "$2" $s "$e"
			[ $s = 0 ] || [ "$(grep -c . "$e")" = 1 ] || bad "$2" $s "$e"
			[ $s = 0 ] || grep -qE 'missing|no image|No such file|is busy|gone' "$e" || bad "$2" $s "$e"
		done >"$T/w.$1" 2>&1 </dev/null
	}
	for w in run run run run bare bare prepared prepared prepared fetch fetch fetch list list gc gc gc image_gc image_gc image_rm image_rm verify verify export; do
		i=$((i + 1))
		worker $i $w &
		pids+=($!)
	done
	for w in "${pids[@]}"; do wait "$w" || failed=1; done
	[ $failed = 0 ] || { grep -h : "$T"/w.* | grep -v moving | tail -n 5; fail 'a command ended with something unexpected'; }
	run rkt run "$TESTAPP"
	is "$out" hello
	for w in $(rkt image list --no-legend --full | awk '{print $1}'); do
		run rkt image verify "$w"
		ok
		hasnt "$out" repaired
	done
}
test_no_lock_that_others_wait_for() {
	fetch testapp
	local pids=() i before after
	for i in 1 2 3 4 5 6; do
		"${RKTC[@]}" run "$id" --exec=/bin/testapp -- sleep 1 &
		pids+=($!)
	done
	before=$(date +%s%N)
	run rkt run "$id" --exec=/bin/testapp -- exit 0
	after=$(date +%s%N)
	ok
	for i in "${pids[@]}"; do wait "$i"; done
	[ $(((after - before) / 1000000)) -lt 700 ] || fail "it waited $(((after - before) / 1000000)) ms"
}
