# shellcheck shell=bash
# time limit: 90
# shellcheck disable=SC2034,SC2154
# What whoever calls rkt hands down without a word, and what apps do to the processes of rkt that they can see.
. "$TOP/tests/attack/host.bash"

# Capabilities that every program is to have, as a caller with inheritable and ambient ones asks for, are not for apps (CVE-2022-24769).
test_capabilities_that_are_handed_down() {
	local how caps=+chown,+kill,+net_admin,+sys_admin,+sys_ptrace
	caller() { setpriv --inh-caps=$caps --ambient-caps=$caps "$@"; }
	is "$(caller sed -n 's/^Cap\(Inh\|Amb\):\t//p' /proc/self/status | sort -u)" 0000000000281021 'what is handed down'
	nothing_kept() { # WANTED_EFFECTIVE
		ok
		is "$(sed -n 's/^Cap\(Inh\|Amb\):\t//p' <<<"$out" | sort -u)" 0000000000000000 'inheritable and ambient'
		is "$(sed -n 's/^CapEff:\t//p' <<<"$out")" "$1" effective
		is "$(sed -n 's/^CapBnd:\t//p' <<<"$out")" 00000000a80425fb bounding
	}
	for how in '' --private-users; do
		# shellcheck disable=SC2086
		run caller "${RKTC[@]}" run $how "$TESTAPP" --exec=/bin/testapp -- caps
		nothing_kept 00000000a80425fb
		# shellcheck disable=SC2086
		run caller "${RKTC[@]}" run $how "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- caps
		nothing_kept 0000000000000000
	done
	start "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- sleep 1000
	run caller "${RKTC[@]}" enter "$uuid" /bin/testapp caps
	nothing_kept 0000000000000000
	rkt stop --force "$uuid" >/dev/null
	finish
}
# A standard descriptor that is closed is given to nothing else: no file of rkt's becomes where messages or apps write.
test_standard_descriptors_that_are_closed() {
	local closed dir
	mkdir v
	without() { # CLOSED CMD…: and nothing else is open
		local c=$1
		shift
		(
			only_standard_descriptors
			[[ $c != *0* ]] || exec 0<&-
			[[ $c != *1* ]] || exec 1>&-
			[[ $c != *2* ]] || exec 2>&-
			exec "$@"
		)
	}
	has_all() { # CLOSED
		status=0
		# asked by the shell itself, which opens nothing for it
		# shellcheck disable=SC2016
		without "$1" "${RKTC[@]}" run --volume=v,kind=host,source="$T/v" "$IMAGES/busybox.aci" --mount=volume=v,target=/v \
			-- -c 'for i in 0 1 2; do [ -c /proc/$$/fd/$i ] || m="$m $i"; done; echo "missing:$m" >/v/fds' >/dev/null 2>&1 </dev/null || status=$?
		out=$(cat v/fds) err=''
		ok "with $1 closed"
		is "$out" missing: "descriptors with $1 closed"
		rm v/fds
	}
	may_be_mute() { "$@" >/dev/null 2>&1 || [ $? = 254 ]; } # 254: it could not say what it did
	# Which number the lock of a pod gets depends on whether there is a store yet, and on how deep it lies.
	for dir in d d/e; do
		RKTC[1]=--dir=$T/$dir
		has_all 012
		rkt gc --grace-period=0 >/dev/null 2>&1
		rkt gc --grace-period=0 >/dev/null 2>&1
	done
	RKTC[1]=--dir=$DATA
	for closed in 012 0 1 2 01 02 12; do
		has_all "$closed"
		# an error, and one in an error's way
		without $closed "${RKTC[@]}" run --volume=v,kind=host,source=/not/there "$TESTAPP" --mount=volume=v,target=/v >/dev/null 2>&1 && fail 'it ran'
		may_be_mute without $closed "${RKTC[@]}" --debug fetch "$IMAGES/busybox.aci"
		may_be_mute without $closed "${RKTC[@]}" --debug prepare "$TESTAPP"
		may_be_mute without $closed "${RKTC[@]}" image rm example.com/busybox
	done
	# what was to be said is in no file of the store, and no pod's
	is "$(grep -rlE 'rkt-worker|image: |stage1: |not/there: |debug' "$DATA" --include=pod.lck --include=pid --include='sha512-*' 2>/dev/null)" '' 'messages in files'
	is "$(find "$DATA" -name pod.lck -size +0)" '' 'locks that were written to'
	fetch testapp
	run rkt image verify "$id"
	ok
}
# The mounts of the host are nothing that an app may read: pid 1 is a process of rkt that it sees.
test_mounts_of_the_host_by_pid_1() {
	local how
	guard
	mkdir volume
	for how in --net=none --net=host --private-users; do
		run rkt run "$how" --volume=v,kind=empty "$IMAGES/busybox.aci" --mount=volume=v,target=/v -- -c '
			cat /proc/self/mountinfo >/own; cat /proc/[0-9]*/task/*/mountinfo /proc/[0-9]*/mountinfo | while read -r l; do busybox grep -qxF "$l" /own || echo "$l"; done
			cat /proc/self/mounts >/own; cat /proc/[0-9]*/mounts | while read -r l; do busybox grep -qxF "$l" /own || echo "$l"; done; busybox wc -l </own'
		ok
		matches "$out" '^[0-9][0-9]$'
	done
	untouched
}
# An app that sends pid 1 whatever there is to be sent, and makes it reap without end, keeps nobody from ending its pod.
test_pid_1_hears_in_spite_of_a_flood() {
	local how
	aci=$(race_image)
	for how in --net=none --private-users; do
		start "$how" "$aci" --exec=/bin/race -- flood /stop
		wait_for 10 grep -q '^go' "$T/pod.out" || fail 'there is no flood'
		sleep 0.3
		run rkt enter "$uuid" /bin/testapp echo entered
		is "$out" entered
		run rkt stop "$uuid"
		ok
		run timeout 30 tail --pid="$pid" -f /dev/null
		ok 'the end of the pod'
		finish
		# TERM ends it, and pid 1 has lived to tell
		ended 143
		run rkt status "$uuid"
		has "$out" state=exited app-race=143
	done
}
