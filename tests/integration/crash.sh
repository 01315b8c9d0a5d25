# shellcheck shell=bash
# Kill -9 at every system call and at random moments: nothing leaks, nothing is lost.
# CRASH_SECONDS=600 tests/run crash      ten minutes of it; CRASH_SEED=N repeats one that failed
# CRASH_KINDS="fetch_layers …"          of these commands only
# alone
# time limit: 1500

# What was done, for those who ask although nothing failed: build/check/crash.
log() { echo "$*" | tee -a "$TOP/build/check/crash"; }
trees() { find "$DATA/cas/tree" -mindepth 1 -maxdepth 1 -regextype posix-extended -regex ".*/[0-9a-f]{$1}" -printf '%f\n' | sort; } # those of images (128) or layers (64)
# Everything still works, and nothing is left. May kill -9 have left a tree to be repaired? Then: sound repaired
sound() {
	local left u p uuids
	mapfile -t uuids < <(find "$DATA/pods" -mindepth 2 -maxdepth 2 -printf '%f\n' 2>/dev/null)
	is "$(mounts_of "$DATA/")" '' 'mounts in the namespace of the host'
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
		is "$(ls "$DATA/cas/image")" "$(trees 128)" 'images and trees'
		is "$(cat "$DATA"/cas/tree/*/layers 2>/dev/null | sort -u)" "$(trees 64)" 'layers of images and their trees'
		is "$(cat "$DATA"/cas/tree/*/layer 2>/dev/null | jq -r .blob | sort -u)" "$(ls "$DATA/cas/blob/sha256")" 'layers and their archives'
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
KINDS=${CRASH_KINDS:-run two prepared bare fly fetch prepare gc rm image_rm image_gc verify stop enter export extract fetch_layers verify_layers image_rm_layers image_gc_layers fetch_docker}
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
# Images with layers, of which another image keeps the lowest; the third depends on it.
layers() {
	[ -d lay ] || "$TOP/tests/images/layout.py" "$T/lay" <<-'EOF'
		low = layer(*base(), f('etc/a', 'a' * 100000))
		image(low, layer(d('etc'), f('etc/b', 'b')), layer(f('lib/foo', 'foo'), wh('etc/a')), ref='one')
		image(low, layer(d('etc'), f('etc/c', 'c')), ref='two')
	EOF
	rkt gc --grace-period=0s >/dev/null # a pod of another test would keep them
	rkt fetch oci:lay:two >/dev/null
}
make_fetch_layers() {
	layers
	rkt image rm lay:one >/dev/null 2>&1
	cmd=("${RKTC[@]}" fetch oci:lay:one)
}
done_fetch_layers() {
	run rkt run oci:lay:one -- 'cat /etc/b /lib/foo; test -e /etc/a || echo hidden'
	is "$out" $'bfoohidden' 'the next fetch'
}
make_verify_layers() {
	layers
	rkt fetch oci:lay:one >/dev/null
	echo bad >"$(find "$DATA/cas/tree" -path '*/rootfs/usr/lib/foo')"
	cmd=("${RKTC[@]}" image verify lay:one)
}
make_image_rm_layers() {
	layers
	rkt fetch oci:lay:one >/dev/null
	cmd=("${RKTC[@]}" image rm lay:one)
}
make_image_gc_layers() {
	layers
	rkt fetch oci:lay:one >/dev/null
	rm "$DATA/cas/image/$(basename "$(dirname "$(grep -l '"lay"' "$DATA"/cas/tree/*/manifest | head -n 1)")")"
	cmd=("${RKTC[@]}" image gc)
}
at='' registry=''
registry() {
	[ -z "$at" ] || return 0
	at=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	printf '%s\n' 'version: 0.1' 'log: {level: error}' "storage: {filesystem: {rootdirectory: $T/registry}}" "http: {addr: '$at'}" >registry.yml
	docker-registry serve registry.yml >registry.log 2>&1 &
	registry=$!
	trap 'kill $registry' EXIT
	wait_for 10 curl -sf -o /dev/null "http://$at/v2/"
	skopeo copy -q --dest-tls-verify=false oci:lay:one "docker://$at/app:v1"
}
make_fetch_docker() {
	layers
	registry
	rkt image rm "$at/app:v1" lay:one >/dev/null 2>&1
	cmd=("${RKTC[@]}" "--insecure-options=image,http" fetch "docker://$at/app:v1")
}
done_fetch_docker() {
	run rkt --insecure-options=image,http run "docker://$at/app:v1" -- 'cat /etc/b /lib/foo'
	is "$out" bfoo 'the next fetch'
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
	end=$((SECONDS + ${CRASH_SECONDS:-20} / 2))
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
	local seed=${CRASH_SEED:-$RANDOM} end i n kind delay round=0 pids kinds=(run two bare fly run prepared fetch prepare gc image_rm image_gc list rm fetch_layers fetch_layers image_rm_layers)
	end=$((SECONDS + ${CRASH_SECONDS:-20} / 2))
	log "seed $seed"
	RANDOM=$seed
	layers
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
			fetch_layers) cmd=("${RKTC[@]}" fetch "oci:lay:$([ $((RANDOM % 2)) = 0 ] && echo one || echo two)") ;;
			image_rm_layers) cmd=("${RKTC[@]}" image rm lay:one) ;;
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

# --- errors instead of kills ----------------------------------------------------------------------
# Done, or refused in one line.
decent() { # WHAT
	[ "$status" = 0 ] || [ "$status" = 254 ] || fail "$1: status $status"
	[ "$status" = 0 ] || [ "$(grep -c . <<<"$err")" = 1 ] || fail "$1: the error is not one line"
}
half_made() {
	find "$DATA/pods/embryo" "$DATA/pods/prepare" "$DATA/pods/garbage" "$DATA/cas/tmp" -mindepth 1 -maxdepth 1 | sort
}
# BEFORE: what an earlier command, which may, left for the collector.
nothing_half_made() { # WHAT [BEFORE]
	is "$(comm -13 <(printf '%s\n' "${2:-}") <(half_made))" '' "$1: half-made"
}
# Any system call of rkt's first process may fail; what a pod needs stays, whatever fails.
test_an_error_at_any_system_call() {
	local seed=${CRASH_SEED:-$RANDOM} end kind call error n kept before done=0
	local -A most=([openat]=60 [mkdirat]=25 [unlinkat]=40 [getdents64]=30)
	local kinds=(run bare prepare fetch gc rm image_rm image_gc list) errors=(ENOSPC EIO EMFILE ENOMEM)
	local calls=(openat mkdirat write renameat renameat2 fsync syncfs flock mount move_mount fsmount unshare '?fork' clone execve socketpair unlinkat getdents64)
	end=$((SECONDS + ${CRASH_SECONDS:-30} / 5))
	log "seed $seed"
	RANDOM=$seed
	mount -t tmpfs rkt-check "$DATA"
	rkt run "$TESTAPP" >/dev/null
	while [ $SECONDS -lt $end ]; do
		kind=${kinds[RANDOM % ${#kinds[@]}]} call=${calls[RANDOM % ${#calls[@]}]} error=${errors[RANDOM % 4]}
		n=$((1 + RANDOM % ${most[$call]:-12}))
		kept=$(rkt prepare "$TESTAPP")
		case $kind in
		gc) cmd=("${RKTC[@]}" gc --grace-period=0s) ;;
		list) cmd=("${RKTC[@]}" list) ;;
		*) "make_$kind" exit 0 ;;
		esac
		before=$(half_made)
		run strace -qq -o "$T/trace" -e signal=none -e "trace=$call" -e "inject=$call:error=$error:when=$n" "${cmd[@]}"
		if grep -q INJECTED "$T/trace"; then
			done=$((done + 1))
			decent "seed $seed: $kind, $call $n: $error"
			case $kind$call in
			# what cannot be removed is for the collector
			gc* | rm* | image_* | *unlinkat | *getdents64 | *openat | bare*) ;;
			*) nothing_half_made "seed $seed: $kind, $call $n: $error" "$before" ;;
			esac
		fi
		run rkt run-prepared "$kept"
		ok "seed $seed: $kind, $call $n: $error: a pod that was prepared before"
		is "$out" hello
		[ $((done % 5)) != 0 ] || sound
	done
	sound
	log "$done errors"
	[ $done -gt 0 ]
}
# Leaves room for N pages, or for N inodes.
fill_up() { # pages|inodes N
	local files
	case $1 in
	pages)
		fallocate -l $((($(stat -f -c %f "$DATA") - $2) * 4096)) "$DATA/ballast"
		;;
	inodes)
		files=$(($(stat -f -c '%c - %d' "$DATA")))
		mount -o "remount,nr_inodes=$((files + $2))" "$DATA"
		;;
	esac
}
test_full_disk() {
	local what room u
	mount -t tmpfs rkt-check "$DATA"
	layers
	for room in 0 1 2 3 5 8 12 17 25 40 150 450 700; do
		for what in pages inodes; do
			mount -o remount,size=32m,nr_inodes=8000 "$DATA"
			rkt run --uuid-file-save="$T/u" "$TESTAPP" >/dev/null
			rkt run "$TESTAPP" >/dev/null
			rkt image rm example.com/busybox >/dev/null 2>&1
			u=$(cat "$T/u")
			fill_up $what $room
			run rkt fetch oci:lay:one
			decent "room for $room $what: fetch of layers"
			nothing_half_made "room for $room $what: fetch of layers"
			run rkt fetch "$IMAGES/busybox.aci"
			decent "room for $room $what: fetch"
			nothing_half_made "room for $room $what: fetch"
			run rkt prepare "$TESTAPP"
			decent "room for $room $what: prepare"
			nothing_half_made "room for $room $what: prepare"
			run rkt prepare --no-overlay "$TESTAPP"
			decent "room for $room $what: prepare --no-overlay"
			nothing_half_made "room for $room $what: prepare --no-overlay"
			run rkt run "$TESTAPP"
			decent "room for $room $what: run"
			nothing_half_made "room for $room $what: run"
			# making room needs none
			run rkt list
			ok "room for $room $what: list"
			run rkt rm "$u"
			ok "room for $room $what: rm"
			run rkt gc --grace-period=0s --expire-prepared=0s
			ok "room for $room $what: gc"
			is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2)" '' "room for $room $what: after gc"
			run rkt image gc
			ok "room for $room $what: image gc"
			run rkt image rm example.com/busybox
			ok "room for $room $what: image rm"
			rm -f "$DATA/ballast"
			mount -o remount,nr_inodes=8000 "$DATA"
			sound
			rkt image rm lay:one >/dev/null 2>&1
		done
	done
}
test_disk_that_an_app_fills() {
	mount -t tmpfs -o size=24m rkt-check "$DATA"
	# not before the pod has written what is its own
	mkdir "$T/go"
	mkfifo "$T/go/fifo"
	start --volume=go,kind=host,source="$T/go" "$TESTAPP" --mount=volume=go,target=/go --exec=/bin/testapp -- cat /go/fifo + fill /big 100000000
	echo >"$T/go/fifo"
	finish
	ended 1
	has "$out" 'No space left'
	run rkt status "$uuid"
	ok
	run rkt rm "$uuid"
	ok
	sound
	umount "$DATA"
}
# What each command does while a directory is not as it should be.
try_commands() { # WHAT
	run rkt run "$TESTAPP"
	decent "$1: run"
	run rkt list
	decent "$1: list"
	run rkt gc --grace-period=0s --expire-prepared=0s
	decent "$1: gc"
	run rkt fetch "$TESTAPP"
	decent "$1: fetch"
	run rkt image list
	decent "$1: image list"
	run rkt image gc
	decent "$1: image gc"
	run rkt prepare "$TESTAPP"
	decent "$1: prepare"
}
DIRECTORIES='pods pods/embryo pods/prepare pods/prepared pods/run pods/exited-garbage pods/garbage cas cas/blob cas/blob/sha512 cas/image cas/tree cas/tmp'
test_read_only_directories() {
	local dir
	rkt run "$TESTAPP" >/dev/null
	for dir in $DIRECTORIES; do
		rkt run "$TESTAPP" >/dev/null
		mount --bind "$DATA/$dir" "$DATA/$dir"
		mount -o remount,bind,ro "$DATA/$dir"
		try_commands "$dir read-only"
		umount "$DATA/$dir"
		sound
	done
}
test_directories_missing_or_something_else() {
	local dir how
	mkdir "$T/on"
	mount -t tmpfs rkt-check "$T/on"
	DATA=$T/on/data
	RKTC[1]=--dir=$DATA
	for dir in $DIRECTORIES; do
		for how in missing file dangling link; do
			rkt run "$TESTAPP" >/dev/null
			rkt prepare "$TESTAPP" >/dev/null
			mv "$DATA/$dir" "$T/on/aside"
			case $how in
			file) echo x >"$DATA/$dir" ;;
			dangling) ln -s "$T/nowhere" "$DATA/$dir" ;;
			link) ln -s "$T/on/aside" "$DATA/$dir" ;;
			esac
			try_commands "$dir: $how"
			[ ! -e "$T/nowhere" ] || fail "$dir: $how: something was made behind a link"
			[ "$how" = missing ] || rm "$DATA/$dir"
			mkdir -p "$DATA/$dir"
			cp -a --no-clobber "$T/on/aside/." "$DATA/$dir/"
			rm -rf "$T/on/aside"
			rkt gc --grace-period=0s --expire-prepared=0s >/dev/null || fail "after $dir: $how: gc"
		done
		(sound) || fail "after $dir"
	done
	umount "$T/on"
}
lose() { # empty|missing PATH: what a disk makes of what nobody synced
	if [ "$1" = missing ]; then
		rm -r "${2:?}"
	elif [ -d "$2" ]; then
		find "$2" -mindepth 1 -delete
	else
		: >"$2"
	fi
}
# What a power cut leaves of files that nobody synced; each alone.
test_files_that_a_power_cut_emptied() {
	local u f how
	mount -t tmpfs rkt-check "$DATA"
	rkt run --uuid-file-save="$T/u" "$TESTAPP" >/dev/null
	u=$(cat "$T/u")
	mv "$DATA/pods/run/$u" "$T/pod"
	while read -r f; do
		for how in empty missing; do
			cp -a "$T/pod" "$DATA/pods/run/$u"
			lose $how "$DATA/pods/run/$u/$f"
			run rkt list
			ok "$f $how: list"
			has "$out" "${u:0:8}"
			run rkt status "$u"
			decent "$f $how: status"
			run rkt cat-manifest "$u"
			decent "$f $how: cat-manifest"
			run rkt gc --grace-period=0s
			ok "$f $how: gc"
			is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2)" '' "$f $how: after gc"
		done
	done < <(cd "$T/pod" && find . -mindepth 1 ! -type l -printf '%P\n')
}
# Likewise of an image with layers, each of which fetching makes anew.
test_parts_of_layers_that_were_lost() {
	local part how
	mount -t tmpfs rkt-check "$DATA"
	layers
	rkt fetch oci:lay:one >/dev/null
	while read -r part; do
		for how in empty missing; do
			lose $how "$DATA/cas/$part"
			run rkt image list
			ok "$part $how: image list"
			run rkt image verify lay:one
			decent "$part $how: verify"
			run rkt fetch oci:lay:one
			ok "$part $how: fetch"
			run rkt fetch oci:lay:two
			ok "$part $how: fetch of the other"
			run rkt image verify lay:one lay:two
			ok "$part $how: verify"
		done
	done < <(cd "$DATA/cas" && find tree blob image -mindepth 1 -maxdepth 2 -regextype posix-extended -regex '.*/[0-9a-f]{64,128}(/[a-z]+)?')
	sound repaired
	run rkt run lay:one -- 'cat /etc/b /lib/foo'
	is "$out" bfoo
}
# The store, where a disk lost something after all: whatever it was, fetching the image again mends it.
test_parts_of_an_image_that_were_lost() {
	local hex part how
	mount -t tmpfs rkt-check "$DATA"
	rkt run "$TESTAPP" >/dev/null
	rkt gc --grace-period=0s >/dev/null
	hex=$(sha512sum <"$TESTAPP" | cut -c 1-128)
	for part in "image/$hex" "blob/sha512/$hex" "tree/$hex" "tree/$hex/manifest" "tree/$hex/rootfs"; do
		for how in empty missing; do
			lose $how "$DATA/cas/$part"
			run rkt image list
			ok "$part $how: image list"
			run rkt image verify example.com/testapp
			decent "$part $how: verify"
			run rkt fetch "$TESTAPP"
			ok "$part $how: fetch"
			sound repaired
			run rkt run example.com/testapp
			is "$out" hello "$part $how"
		done
	done
}
