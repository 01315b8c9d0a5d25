# shellcheck shell=bash
# What every test script may use; tests/run sources it before the script. A script is a file of functions `test_*`, each
# run in a shell of its own with a data directory of its own, that fail by returning non-zero (`set -e` is on).
#
#   $RKT          the program under test           $DATA   this test's data directory (ext4, or tmpfs)
#   ${RKTC[@]}    it with the flags that every test needs; `rkt …` is that, but `"${RKTC[@]}" … &` is what has rkt's own pid in $!
#   $IMAGES       directory of *.aci                $T      this test's scratch directory
#   $HELPERS      build/tests/helpers
#
# out/err/status are what the last `run CMD…` left.

set -u
IMAGES=$TOP/build/images
HELPERS=$TOP/$B/tests/helpers
out='' err='' status=0

# --- running -------------------------------------------------------------------------------------
rkt() { "${RKTC[@]}" "$@"; }
# Runs anything, keeps its output and status, never fails.
run() {
	status=0
	"$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
	out=$(tr '\0' '@' <"$T/out")
	err=$(tr '\0' '@' <"$T/err")
}
# For a shell that is about to become a program, which is to have nothing else open.
only_standard_descriptors() {
	local fd
	for fd in /proc/self/fd/*; do
		[ "${fd##*/}" -lt 3 ] || eval "exec ${fd##*/}>&-"
	done
}
# on_terminal CMD…: with a terminal of its own; what it writes there is printed when it has ended, with its status.
on_terminal() {
	python3 -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
	os.execvp(sys.argv[1], sys.argv[1:])
text = b""
while True:
	try:
		more = os.read(fd, 4096)
	except OSError:
		break
	if not more:
		break
	text += more
print(text.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$@"
}
# A pod of testapp with these words: pod [rkt run flags] -- testapp words
pod() {
	local flags=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	run rkt run "${flags[@]}" "$TESTAPP" --exec=/bin/testapp -- "$@"
}
# `rkt run` in the background; sets $pid, and $uuid once the pod can be entered.
pid='' uuid=''
start() {
	rm -f "$T/uuid"
	"${RKTC[@]}" run --uuid-file-save="$T/uuid" "$@" >"$T/pod.out" 2>"$T/pod.err" </dev/null &
	pid=$!
	wait_for 10 pod_ready || { cat "$T/pod.err" >&2; fail "the pod did not start"; }
}
pod_ready() {
	[ -s "$T/uuid" ] || return 1
	uuid=$(cat "$T/uuid")
	[ -e "$DATA/pods/run/$uuid/pid" ] || [ -e "$DATA/pods/run/$uuid/ppid" ]
}
nothing_is_left_of() { # APP: it ends before the other one of the pod $uuid, and all that it left behind with it
	wait_for 5 test -e "$DATA/pods/run/$uuid/stage1/rootfs/rkt/status/$1" || fail 'the app does not end'
	wait_for 5 alone_in_the_pod || fail "what is left: $(pgrep -l -P "$(cat "$DATA/pods/run/$uuid/pid")")"
}
alone_in_the_pod() { [ "$(pgrep -c -P "$(cat "$DATA/pods/run/$uuid/pid")")" = 1 ]; }
# Waits for $pid, with its status in $status.
finish() {
	status=0
	wait "$pid" || status=$?
	out=$(cat "$T/pod.out") err=$(cat "$T/pod.err")
}
# wait_for SECONDS CMD…: polls.
wait_for() {
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep .02
	done
}
# The host's mounts of SCRIPT are made in a namespace of their own: what leaves a pod is seen there.
as_host() { # SCRIPT: with rkt and wait_for
	unshare -m --propagation=shared bash -euc "$(declare -f rkt wait_for; declare -p RKTC TESTAPP)"$'\n'"$1"
}
id_of() { echo "sha512-$(sha512sum <"$1" | cut -c 1-128)"; } # FILE: the whole id of the image
fetch() { # NAME: an image of tests/images into the store, its whole id in $id (fetch prints 64 digits at most)
	rkt fetch --full "$IMAGES/$1.aci" >/dev/null
	# shellcheck disable=SC2034
	id=$(id_of "$IMAGES/$1.aci")
}
# A manifest for testapp with another "app" object merged in; prints the path of the new ACI.
image_with() { # NAME JQ_FILTER [EXTRA_ROOTFS_DIR]
	local root=$T/image.$1
	mkdir -p "$root"
	tar -xf "$IMAGES/testapp.aci" -C "$root"
	jq ".name = \"example.com/$1\" | $2" "$root/manifest" >"$root/manifest.new"
	[ -z "${3:-}" ] || cp -a "$3/." "$root/rootfs/"
	"$TOP/tests/images/mkaci.sh" "$root/rootfs" "$root/manifest.new" "$T/$1.aci"
	rm -rf "$root"
	echo "$T/$1.aci"
}

# --- judging -------------------------------------------------------------------------------------
fail() {
	echo "FAILED: $*" >&2
	show
	exit 1
}
show() {
	printf -- '--- status %s\n--- out\n%s\n--- err\n%s\n' "$status" "${out:0:4000}" "${err:0:4000}" >&2
}
skip() {
	echo "skip: $*" >&2
	exit 77
}
is() { # GOT WANTED [WHAT]
	[ "$1" = "$2" ] || fail "${3:-value}: got '$1', wanted '$2'"
}
ok() { [ "$status" = 0 ] || fail "${1:-command} ended with $status"; }
ended() { [ "$status" = "$1" ] || fail "ended with $status, not $1"; }
has() { # TEXT PART…
	local text=$1 part
	shift
	for part; do [[ $text == *"$part"* ]] || fail "'$part' is not in what was printed"; done
}
hasnt() {
	local text=$1 part
	shift
	for part; do [[ $text != *"$part"* ]] || fail "'$part' is in what was printed"; done
}
matches() { # TEXT REGEX
	[[ $1 =~ $2 ]] || fail "nothing matches /$2/"
}
# One line on stderr, exit 254, nothing half-made: what bad input gets.
refused() { # [PART…]
	ended 254
	[ "$(grep -c . <<<"$err")" = 1 ] || fail "the error is not one line"
	[[ $err != *$'\e'* ]] || fail 'an escape reached the terminal'
	has "$err" "$@"
}

# A background process of ours that was killed: it must have ended by that, and by nothing else.
killed() { # PID [SIGNAL]
	local s=0
	wait "$1" || s=$?
	is "$s" $((128 + ${2:-9})) 'status of a killed process'
}
# Mounts that have something to do with PATH, a line each, as the caller's mount namespace has them.
mounts_of() { # PATH
	awk -v path="$1" 'index($0, path)' /proc/self/mountinfo
}

# --- life of a test (called by tests/run) --------------------------------------------------------
TESTAPP=$IMAGES/testapp.aci
test_begin() { # NAME
	T=$CHECK_TMP/$1
	mkdir -p "$T/config"
	DATA=$T/data
	mkdir -m 700 "$DATA"
	case ${DATA_ON:-} in
	tmpfs)
		mount -t tmpfs -o mode=700 rkt-check "$DATA"
		;;
	esac
	RKTC=("$RKT" --dir="$DATA" --insecure-options=image --system-config="$T/none" --local-config="$T/config")
	export T DATA RKT IMAGES HELPERS
	cd "$T" || return
}
# Everything that the test's pods had must be gone when they are collected.
test_end() {
	local uuid left pods=()
	cd / || return
	for uuid in "$DATA"/pods/*/????????-*; do
		[ -d "$uuid" ] && pods+=("${uuid##*/}")
	done
	stop_pods "${pods[@]}"
	if [ ${#pods[@]} -gt 0 ]; then
		rkt gc --grace-period=0 --expire-prepared=0 >"$T/gc.out" 2>&1 || { cat "$T/gc.out" >&2; return 1; }
		# the first marks, the second sweeps
		rkt gc --grace-period=0 --expire-prepared=0 >>"$T/gc.out" 2>&1 || { cat "$T/gc.out" >&2; return 1; }
		left=$(find "$DATA/pods" -mindepth 2 -maxdepth 2 | head -5)
		[ -z "$left" ] || { echo "pods left after gc: $left" >&2; return 1; }
	fi
	left=$(mounts_of " $DATA/")
	[ -z "$left" ] || { echo "mounts left: $left" >&2; return 1; }
	for uuid in "${pods[@]}"; do
		left=$(find /sys/fs/cgroup -type d -name "*${uuid:0:8}*" 2>/dev/null | head -3)
		[ -z "$left" ] || { echo "cgroups left: $left" >&2; return 1; }
	done
	if [ -d "$DATA/cas/tmp" ]; then
		left=$(ls -A "$DATA/cas/tmp")
		[ -z "$left" ] || [ -n "${LEFT_OVERS_OK:-}" ] || { echo "left in cas/tmp: $left" >&2; return 1; }
	fi
	while mountpoint -q "$DATA"; do umount "$DATA"; done
	rm -rf --one-file-system "$T"
}
# Pods that a test (or its failure) left running.
stop_pods() {
	local uuid lock
	for uuid; do
		lock=$DATA/pods/run/$uuid/pod.lck
		if [ -e "$lock" ] && ! flock -n "$lock" true; then
			# it may end by itself meanwhile: what counts is that it ends
			rkt stop --force "$uuid" >"$T/stop.out" 2>&1
			flock -w 5 "$lock" true || { echo "pod $uuid does not end" >&2; cat "$T/stop.out" >&2; }
		fi
	done
	return 0
}
