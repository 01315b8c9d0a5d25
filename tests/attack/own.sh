# shellcheck shell=bash
# What no runtime has been attacked by yet, but what the design of this one invites.
# shellcheck disable=SC2016,SC2034,SC2154
. "$TOP/tests/attack/host.bash"

# Handlers come with the image. pid 1 of the pod has the host's files: nothing that follows its links may be granted by an image.
test_event_handlers_have_no_more_than_their_app() {
	local kind look='/bin/testapp", "caps", "+", "cat", "/proc/1/root'
	echo secret >secret
	for kind in pre-start post-stop; do
		aci=$(image_with handlers ".app.eventHandlers = [{name: \"$kind\", exec: [\"$look$T/secret\"]}] | .app.exec = [\"/bin/testapp\", \"exit\", \"0\"]")
		run rkt run "$aci"
		hasnt "$out" secret$'\n'
		has "$out" 'Permission denied'
		matches "$out" $'CapBnd:\t00000000a80425fb'
		run rkt run "$aci" --caps-retain=CAP_CHOWN
		matches "$out" $'CapBnd:\t0000000000000001'
	done
}
# The way out of a changed root by an open descriptor leads to the app's root and no further: there is nothing above it.
test_root_is_the_end() {
	guard
	aci=$(race_image)
	run rkt run "$aci" --exec=/bin/race -- escape "$HOST/secret"
	ok
	is "$out" 'not there'
	run rkt run --no-overlay "$aci" --exec=/bin/race -- escape "$HOST/secret"
	is "$out" 'not there'
	untouched
}
# By none of the kernel's interfaces: mount, unshare, ptrace and keyctl as 64-bit, x32 and 32-bit calls.
test_default_filter_by_every_interface() {
	pod -- sys64 165 1 + sysx32 165 1 + sys32 21 1 + sys64 272 268435456 + sysx32 272 268435456 + sys32 310 268435456 + sys64 101 + sysx32 521 + sys32 26 + sys64 250 + sysx32 250 + sys32 288
	hasnt "$out" ': ok'
	is "$(grep -vcE ': (Operation not permitted|Function not implemented)$' <<<"$out")" 0 'calls that came through'
}
# What is refused for its arguments, by every interface: typing and pasting into a terminal, families of sockets, namespaces, personalities.
# The kernel takes an int where the call has a long (CVE-2019-10063 flatpak, CVE-2019-7303 snapd): what is above counts for nothing.
test_cve_2019_10063_arguments_with_more_bits() {
	local high=$((1 << 32)) n calls=() sti=21522 paste=21532 user=268435456
	for n in 0 $high $((-high)); do
		calls+=(+ sys64 16 0 "$((sti + n))" + sys64 16 0 "$((paste + n))" + sys64 41 "$((40 + n))" 1 + sys64 135 "$((262144 + n))" + sys64 56 "$((user + n))"
			+ sysx32 514 0 "$((sti + n))" + sysx32 16 0 "$((sti + n))" + sysx32 41 "$((40 + n))" 1)
	done
	calls+=(+ sys32 54 0 21522 + sys32 54 0 21532 + sys32 359 40 1 + sys32 136 262144 + sys32 120 268435456)
	pod -- "${calls[@]:1}"
	ok
	is "$(grep -c . <<<"$out")" 29 'calls that were tried'
	is "$(grep -vE ': (Operation not permitted|Function not implemented)$' <<<"$out")" '' 'calls that came through'
	# and what looks like them is not refused
	pod -- sys64 16 0 21523 + sys64 135 -1 + sys64 41 2 1
	is "$out" $'sys64 16: Inappropriate ioctl for device\nsys64 135: ok\nsys64 41: ok'
}
# Files of stage1 lie beside the app's root in the pod's directory: no way leads there.
test_files_of_stage1_are_out_of_reach() {
	guard
	run rkt run --uuid-file-save="$T/u" "$IMAGES/busybox.aci" -- -c 'find / -xdev \( -path "*/opt/stage2*" -o -path "*/rkt/status*" -o -name "pod.lck" -o -name stage1 \)
		for l in /proc/[0-9]*/root /proc/[0-9]*/cwd /proc/1/fd/*; do ls "$l/../../../../rkt/status" "$l/stage1" 2>/dev/null; done
		for f in status/busybox status/x pid/busybox; do echo 0 2>/dev/null >"/proc/1/cwd/stage1/rootfs/rkt/$f"; echo 0 2>/dev/null >"/../rkt/$f"; done; exit 7'
	ended 7
	is "$out" ''
	run rkt status "$(cat "$T/u")"
	has "$out" app-busybox=7
	untouched
}
# With the host's network an app reaches what listens there, abstract sockets among it: that is what is asked for. Nothing of ours does.
test_host_network_is_the_hosts() {
	python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind("\0rkt-test-" + sys.argv[1]); s.listen(); print("up", flush=True); time.sleep(60)' "$$" >listening &
	local listener=$!
	# shellcheck disable=SC2064
	trap "kill $listener 2>/dev/null" EXIT
	wait_for 10 grep -q up listening
	pod --net=host -- cat /proc/net/unix
	has "$out" "@rkt-test-$$"
	hasnt "$(grep ' @' <<<"$out" | grep -v @rkt-test-)" rkt
	pod -- cat /proc/net/unix
	hasnt "$out" "rkt-test-$$"
	trap - EXIT
	kill "$listener"
	killed "$listener" 15
}
# What an image says of itself is printed, and never as it is.
test_escapes_of_an_image_in_what_is_printed() {
	local n=0 filter
	for filter in '.labels += [{name: "version", value: "1\u001b[31m\u0007"}]' '.app.exec = ["/bin/\u001b]0;x\u0007"]' '.app.user = "\u001b[31m"' '.app.workingDirectory = "/\u001b[31m"' \
		'.annotations = [{name: "homepage", value: "\u001b[31m\u009b31m"}]' '.app.isolators = [{name: "resource/memory", value: {limit: "\u001b[31m"}}]' '.app.environment = [{name: "\u001b[31m", value: "x"}]' \
		'.app.mountPoints = [{name: "data", path: "/\u001b[31m/../x"}]' '.app.eventHandlers = [{name: "pre-start", exec: ["/\u001b[31m"]}]'; do
		n=$((n + 1))
		aci=$(image_with "escape$n" ".labels |= map(select(.name != \"version\")) | $filter")
		run rkt run "$aci"
		hasnt "$out$err" $'\e' $'\a' $'\x9b31m'
	done
	for command in list 'image list' 'list --full' 'image list --full' gc; do
		# shellcheck disable=SC2086
		run rkt $command
		hasnt "$out$err" $'\e' $'\a'
	done
}
# A directory as a standard descriptor would be a way out, whoever was so careless as to give it.
test_directories_as_standard_descriptors() {
	local why='standard descriptor 0 is a directory'
	guard
	start "$TESTAPP" --exec=/bin/testapp -- sleep 1000
	status=0
	rkt run "$TESTAPP" --exec=/bin/testapp -- ls /proc/self/fd/0 <"$HOST" >"$T/out" 2>"$T/err" || status=$?
	out=$(cat "$T/out") err=$(cat "$T/err")
	refused "$why"
	is "$out" ''
	rkt enter "$uuid" /bin/testapp ls /proc/self/fd/0 <"$HOST" >"$T/out" 2>"$T/err" && fail 'it was entered'
	is "$(cat "$T/out")" ''
	has "$(cat "$T/err")" "$why"
	rkt run --private-users "$TESTAPP" --exec=/bin/testapp -- ls /proc/self/fd/0 <"$HOST" >"$T/out" 2>&1 && fail 'it ran'
	has "$(cat "$T/out")" "$why"
	rkt stop --force "$uuid" >/dev/null
	finish
	untouched
}
# An app that may mount, with users of the pod's own, puts something else in the place of /proc: who enters then is
# neither kept waiting nor writes to what it has put there.
test_kernels_files_that_an_app_has_replaced() {
	local fake='busybox mount -t tmpfs none /proc && mkdir /proc/self && busybox mkfifo /proc/self/oom_score_adj /proc/self/fifo && ln -s /data/of-the-host /proc/self/link && echo up'
	guard
	mkdir v
	echo untouched >v/of-the-host
	chmod 666 v/of-the-host
	RKTC[2]=--insecure-options=image,seccomp
	start --private-users --volume=data,kind=host,source="$T/v" "$IMAGES/busybox.aci" --mount=volume=data,target=/data --oom-score-adj=300 --caps-retain=CAP_SYS_ADMIN,CAP_DAC_OVERRIDE,CAP_KILL -- -c "$fake; exec sleep 1000"
	wait_for 5 grep -q up "$T/pod.out" || fail 'nothing was put there'
	run timeout 20 "${RKTC[@]}" enter "$uuid" /bin/sh -c 'echo entered'
	[ "$status" != 124 ] || fail 'it waits'
	is "$out" entered
	rkt enter "$uuid" /bin/sh -c 'rm /proc/self/oom_score_adj; mv /proc/self/link /proc/self/oom_score_adj' </dev/null >/dev/null 2>&1 || :
	run timeout 20 "${RKTC[@]}" enter "$uuid" /bin/sh -c 'echo entered'
	[ "$status" != 124 ] || fail 'it waits'
	is "$out" entered
	rkt stop --force "$uuid" >/dev/null
	finish
	is "$(cat v/of-the-host)" untouched
	untouched
}
