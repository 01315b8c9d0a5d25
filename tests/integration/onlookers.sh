# shellcheck shell=bash
# Members of the group rkt look at pods, and at nothing that apps made.

# shellcheck source=tests/members.sh
. "$TOP/tests/members.sh"

# The directories of pods, made where there is a group rkt; what is made in them later inherits it.
grouped() {
	with_group "${RKTC[@]}" fetch "$TESTAPP"
	ok
	with_group "${RKTC[@]}" prepare "$TESTAPP"
	ok
	rkt rm "$out" >"$T/rm"
}
test_a_pod_that_runs() {
	grouped
	start --set-env=WORD=said "$TESTAPP" --name=one --exec=/bin/testapp -- sleep 60
	member "${RKTC[@]}" list --full --no-legend
	ok
	has "$out" "$uuid" one running example.com/testapp
	member "${RKTC[@]}" status "$uuid"
	ok
	has "$out" state=running "pid=$(cat "$DATA/pods/run/$uuid/pid")" created= started= exited=false
	member "${RKTC[@]}" cat-manifest "$uuid"
	ok
	has "$out" WORD said
	is "$out" "$(rkt cat-manifest "$uuid")"
	# by a prefix, and as JSON
	member "${RKTC[@]}" status --format=json "${uuid%%-*}"
	ok
	is "$(jq -r .state <<<"$out")" running
	member "${RKTC[@]}" stop "$uuid"
	refused "$uuid" 'only as root'
	as_member "${RKTC[@]}" status --wait "$uuid" >"$T/waited" 2>&1 &
	local waiter=$!
	run rkt stop "$uuid"
	ok
	finish
	wait "$waiter" || fail "waiting: $(cat "$T/waited")"
	has "$(cat "$T/waited")" state=exited
	member "${RKTC[@]}" status "$uuid"
	ok
	has "$out" state=exited app-one=143
	is "$err" ''
	# of what members do nothing changes
	is "$(rkt status "$uuid")" "$out"
}
test_every_state() {
	grouped
	local state prepared exited
	prepared=$(rkt prepare "$TESTAPP")
	pod --uuid-file-save="$T/u" -- exit 3
	exited=$(cat "$T/u")
	for state in "$prepared=prepared" "$exited=exited"; do
		member "${RKTC[@]}" status "${state%=*}"
		ok
		has "$out" "state=${state#*=}"
	done
	rkt gc --mark-only >"$T/gc"
	member "${RKTC[@]}" list --no-legend
	ok
	has "$out" prepared 'exited garbage'
	is "$(wc -l <<<"$out")" 2
}
test_users_of_its_own() {
	grouped
	run rkt run --private-users --uuid-file-save="$T/u" --volume=data,kind=empty "$TESTAPP" --mount=volume=data,target=/data --exec=/bin/testapp -- exit 4
	ended 4
	member "${RKTC[@]}" status "$(cat "$T/u")"
	ok
	has "$out" state=exited app-testapp=4 private-users=
}
test_loosened_and_bounded() {
	grouped
	run rkt run --insecure-options=image,seccomp --uuid-file-save="$T/u" "$TESTAPP" --oom-score-adj=500 --exec=/bin/testapp -- exit 0
	ok
	member "${RKTC[@]}" status "$(cat "$T/u")"
	ok
	has "$out" insecure=seccomp isolator-testapp=os/linux/oom-score-adj
	is "$(rkt status "$(cat "$T/u")")" "$out"
}
# Copies of images have their setuid programs: closed, with the statuses that lie below.
test_without_overlay() {
	grouped
	pod --no-overlay --uuid-file-save="$T/u" -- exit 5
	ended 5
	member "${RKTC[@]}" status "$(cat "$T/u")"
	ok
	has "$out" state=exited exited=true
	hasnt "$out" app-testapp
	has "$err" 'how its apps ended is for root to see'
	member "${RKTC[@]}" list --no-legend
	ok
	has "$out" testapp exited
}
test_whatever_the_umask() {
	local old
	old=$(umask)
	umask 077
	grouped
	pod --uuid-file-save="$T/u" -- exit 6
	umask "$old"
	member "${RKTC[@]}" status "$(cat "$T/u")"
	ok
	has "$out" app-testapp=6
}
# What was made before there was a group stays root's; gc opens the way to what is made later.
test_a_group_that_came_later() {
	rkt fetch "$TESTAPP" >"$T/id"
	pod --uuid-file-save="$T/old" -- exit 0
	is "$(stat -c %a:%g "$DATA/pods" "$DATA/pods/run" | sort -u)" 750:0
	member "${RKTC[@]}" list --no-legend
	refused 'Permission denied' 'only as root'
	with_group "${RKTC[@]}" gc --grace-period=1h
	ok
	pod --uuid-file-save="$T/new" -- exit 0
	member "${RKTC[@]}" list --full --no-legend
	ok
	has "$out" "$(cat "$T/new")"
	hasnt "$out" "$(cat "$T/old")"
	member "${RKTC[@]}" status "$(cat "$T/old")"
	refused 'Permission denied' 'only as root'
	# a mode that somebody chose stays
	chmod 700 "$DATA/pods"
	with_group "${RKTC[@]}" gc --grace-period=1h
	ok
	is "$(stat -c %a "$DATA/pods")" 700
}
test_whoever_is_no_member() {
	grouped
	pod --uuid-file-save="$T/u" -- exit 0
	local what
	for what in list "status $(cat "$T/u")" "cat-manifest $(cat "$T/u")"; do
		# shellcheck disable=SC2086
		with_group setpriv --reuid=$MEMBER --regid=$MEMBER --clear-groups "${RKTC[@]}" $what
		refused 'Permission denied' 'only as root'
	done
}
test_only_looking() {
	grouped
	pod --uuid-file-save="$T/u" -- exit 0
	local u what
	u=$(cat "$T/u")
	for what in "rm $u" "gc" "export $u x.aci" "enter $u" "run-prepared $u" "app exec $u true"; do
		# shellcheck disable=SC2086
		member "${RKTC[@]}" $what
		[ "$status" != 0 ] || fail "$what"
		has "$err" unprivileged
	done
	is "$(rkt status "$u" | head -1)" state=exited
}
# A filesystem whose files stat(2) shows on another device than the kernel's list of locks.
test_data_on_an_overlay() {
	mkdir -p "$T"/{upper,work,lower}
	mount -t tmpfs tmpfs "$T/upper"
	mkdir "$T"/upper/{u,w}
	mount -t overlay overlay -o "lowerdir=$T/lower,upperdir=$T/upper/u,workdir=$T/upper/w" "$DATA"
	grouped
	start "$TESTAPP" --exec=/bin/testapp -- sleep 60
	member "${RKTC[@]}" list --no-legend
	local listed=$out
	rkt stop "$uuid" >"$T/stop"
	finish
	rkt gc --grace-period=0 >"$T/gc"
	umount "$DATA" "$T/upper"
	has "$listed" running
}
