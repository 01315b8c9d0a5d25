# shellcheck shell=bash
# What a member of the group rkt may look at is a way to nothing else. The app works for the member, and makes setuid programs wherever
# it may write; the image has one, too.

# shellcheck source=tests/members.sh
. "$TOP/tests/members.sh"

grouped() {
	with_group "${RKTC[@]}" prepare "$TESTAPP"
	ok
	rkt rm "$out" >"$T/rm"
}
# What a member can reach below the pods' directories, names of pods left out.
reached() {
	# shellcheck disable=SC2016
	member bash -c 'cd "$1" && find . ! -type d 2>/dev/null; find . ! -path ./embryo -perm /6000 2>/dev/null; true' - "$DATA/pods"
	ok
	sed -E 's,^\./[a-z-]+/[0-9a-f-]{36}/,,' <<<"$out" | LC_ALL=C sort -u
}
SETUID='for f in /made /data/made /etc/hosts /etc/resolv.conf; do cp /bin/busybox $f; chmod 6755 $f; done; true'
OURS='^(isolators\.json|pod|pod-created|pod\.lck|pid|subcgroup|stage1TreeStoreID|insecure-options|no-overlay|private-users-prepared|appsinfo/app/(manifest|treeStoreID)|stage1/manifest|stage1/rootfs/rkt/(status|pid)/app(-started|-reason)?)$'
test_cve_2021_41091_setuid_programs_of_pods() {
	grouped
	local root=$T/root how beside
	mkdir -p "$root/bin"
	cp "$(command -v busybox)" "$root/bin/busybox"
	chmod 6755 "$root/bin/busybox"
	local image
	image=$(image_with testapp '.app.exec = ["/bin/busybox"]' "$root")
	for how in '' --private-users --no-overlay '--private-users --no-overlay'; do
		# shellcheck disable=SC2086
		run rkt run $how --uuid-file-save="$T/u" --volume=data,kind=empty --hosts-entry=192.0.2.1=one --dns=192.0.2.1 "$image" --name=app \
			--mount=volume=data,target=/data --exec=/bin/busybox -- sh -c "$SETUID"
		ok "the pod $how"
		[ "$(find "$DATA"/pods/run -perm -6000 -type f | wc -l)" -ge 3 ] || fail "there is nothing to be found: $how"
		beside=$(reached | grep -Ev "$OURS" || true)
		is "$beside" '' "what a member reaches, $how"
		rkt rm --uuid-file="$T/u" >"$T/rm"
	done
}
both_secrets() { [ "$(find "$DATA/pods/run" -name secret | wc -l)" = 2 ]; }
# Nor while it runs, when more is mounted, nor by the processes' directories.
test_members_and_a_pod_that_runs() {
	grouped
	start --volume=data,kind=empty "$TESTAPP" --name=app --mount=volume=data,target=/data --exec=/bin/testapp -- write /data/secret x + write /secret x + sleep 60
	wait_for 10 both_secrets
	is "$(reached | grep -Ev "$OURS" || true)" '' 'what a member reaches'
	local main
	main=$(cat "$DATA/pods/run/$uuid/pid")
	# shellcheck disable=SC2016
	member bash -c 'for p in "$@"; do ls /proc/$p/root/ /proc/$p/cwd/ /proc/$p/fd/ 2>/dev/null; done; true' - "$pid" "$main"
	is "$out" ''
	rkt stop "$uuid" >"$T/stop"
	finish
}
# A pod that has ended does not look as if it ran, and can be collected, whatever a member locks; and nothing is written.
test_members_lock_and_write_nothing() {
	grouped
	pod --uuid-file-save="$T/u" -- exit 0
	local dir before
	dir=$DATA/pods/run/$(cat "$T/u")
	before=$(rkt status --uuid-file="$T/u")
	# shellcheck disable=SC2016
	as_member bash -c 'cd "$1"; for f in pod.lck pod pid . ..; do { exec {fd}<"$f" && flock -n $fd && echo "locked $f"; } 2>/dev/null; done
		for f in pod.lck pod pid stage1/rootfs/rkt/status/testapp; do { echo 7 >>"$f" && echo "wrote $f"; rm -f "$f" && echo "removed $f"; mv "$f" x && echo "moved $f"; } 2>/dev/null; done
		for d in .. ../../embryo ../../garbage ../../private-users . stage1/rootfs/rkt/status; do mkdir "$d/x" 2>/dev/null && echo "made $d/x"; done
		echo "done $$"; exec sleep 60' - "$dir" >"$T/tried" 2>&1 &
	local member=$!
	wait_for 10 grep -q ^done "$T/tried"
	hasnt "$(cat "$T/tried")" 'locked pod.lck' wrote removed moved made
	is "$(rkt status --uuid-file="$T/u")" "$before"
	run rkt gc --grace-period=0
	ok
	is "$(rkt list --no-legend)" '' 'pods after gc'
	kill "$(sed -n 's/^done //p' "$T/tried")"
	wait "$member" || status=$?
	is "$(find "$DATA/pods" -mindepth 2)" ''
}
