# shellcheck shell=bash
# time limit: 90
# shellcheck disable=SC2016,SC2034,SC2154
# Control of pods, their network, and what they can exhaust.
. "$TOP/tests/attack/host.bash"

sockets_of() { # PID: the inodes of its sockets
	find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n'
}
# rkt's processes wait for nobody: no socket that another could connect to, of any family, in any namespace.
test_cve_2014_3499_nothing_listens() {
	local p inode
	start "$TESTAPP" --exec=/bin/testapp -- sleep 1000
	"${RKTC[@]}" enter "$uuid" /bin/testapp sleep 1000 >/dev/null 2>&1 &
	entered=$!
	wait_for 5 pgrep -P "$entered" >/dev/null || fail 'nothing was entered'
	for p in "$pid" "$(cat "$DATA/pods/run/$uuid/pid")" "$entered"; do
		while read -r inode; do
			[ -n "$inode" ] || continue
			# a row of /proc/net/unix: address refs protocol flags type state inode [path]
			is "$(awk -v i="$inode" '$7 == i && ($4 != "00000000" || $8 != "")' "/proc/$p/net/unix")" '' "a socket that listens or has a name, of process $p"
			is "$(awk -v i="$inode" '$10 == i' "/proc/$p/net/tcp" "/proc/$p/net/tcp6" "/proc/$p/net/udp" "/proc/$p/net/udp6")" '' "a socket of a network, of process $p"
		done < <(sockets_of "$p")
	done
	rkt stop --force "$uuid" >/dev/null
	killed "$entered"
	finish
	run find "$DATA" "$T" -type s
	is "$out" '' 'sockets among the files'
}
# Names of networks are names, not paths of programs or of configuration.
test_cve_2021_20206_network_that_is_a_program() {
	local name
	guard
	printf '#!/bin/sh\ntouch "%s/pwned"\n' "$HOST" >plugin
	chmod 755 plugin
	mkdir -p config/net.d
	printf '{"name": "evil", "type": "../../../../../../..%s", "cniVersion": "0.3.1"}\n' "$T/plugin" >config/net.d/10-evil.conf
	for name in evil ../../plugin "$T/plugin" "../../../../../../..$T/plugin" '..' 'evil:IP=../../x'; do
		run rkt run --net="$name" "$TESTAPP"
		ended 254
	done
	rm -f plugin
	[ ! -e "$HOST/pwned" ] || fail 'a program was executed'
	untouched
}
# Annotations and labels of images and pods say nothing to rkt, to systemd, or to whoever logs.
test_cve_2024_3154_annotations_are_text() {
	guard
	aci=$(image_with annotated '.annotations = [{name: "org.systemd.property.execstart", value: "[]"}, {name: "org.systemd.property.user", value: "\"0\""}, {name: "io.katacontainers.config", value: "x"},
		{name: "log.driver", value: ("binary://" + env.HELPERS)}, {name: "appc.io/executor/supports-systemd-notify", value: "x"}] | .app.userAnnotations = {"run.oci.delegate-cgroup": "../../x"}
		| .app.userLabels = {"annotation.run.oci.systemd.subgroup": "../../../x"}')
	run rkt run "$aci" --user-annotation=org.systemd.property.delegate=true --user-label=run.oci.delegate-cgroup=../../x --exec=/bin/testapp -- caps + cgroup
	ok
	matches "$out" $'CapBnd:\t00000000a80425fb'
	hasnt "$out" ..
	untouched
}
# What an app says when it is entered passes through and is kept nowhere.
test_cve_2022_31030_endless_output() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 1000
	is "$( (ulimit -v 40000; rkt enter "$uuid" /bin/testapp spam 200000000) | wc -c)" 200000000 'bytes that came through'
	is "$( (ulimit -v 40000; rkt run "$TESTAPP" --exec=/bin/testapp -- spam 200000000) | wc -c)" 200000000 'bytes that came through'
	rkt stop --force "$uuid" >/dev/null
	finish
}
# Memory that a pod's apps share is the pod's, is counted for the app that fills it, and is gone with the pod.
test_cve_2024_3056_shared_memory() {
	local before
	before=$(ipcs -m; ls /dev/shm)
	start "$TESTAPP" --exec=/bin/testapp -- shm 77889900 + fill /dev/shm/left 1000000 + sleep 1000
	wait_for 5 grep -q 'shm ok' "$T/pod.out"
	is "$(ipcs -m; ls /dev/shm)" "$before" 'shared memory of the host'
	kill -9 "$pid"
	killed "$pid"
	is "$(ipcs -m; ls /dev/shm)" "$before" 'shared memory of the host'
	pod --shm-size=64K -- fill /dev/shm/f 200000
	has "$out" 'No space left'
	run rkt run "$TESTAPP" --memory=16M --exec=/bin/testapp -- fill /dev/shm/f 100000000 + echo filled
	hasnt "$out" filled
}
# What is secret is in no output, however much of it is asked for.
test_cve_2019_13509_secrets_in_debug_output() {
	run rkt --debug run --uuid-file-save="$T/u" --set-env=PASSWORD=hunter2-secret "$TESTAPP" --environment=TOKEN=hunter2-secret --exec=/bin/testapp -- echo ran
	ok
	hasnt "$err" hunter2
	for command in list "status $(cat "$T/u")" 'image list' gc; do
		# shellcheck disable=SC2086
		run rkt --debug $command
		hasnt "$out$err" hunter2
	done
}
# Arguments that look like flags or commands, of an image's name for one, are neither.
test_cve_2019_13139_names_that_are_arguments() {
	local name
	guard
	for name in '-oProxyCommand=touch pwned' '--upload-pack=touch pwned' '$(touch pwned)' '`touch pwned`' ';touch pwned' $'a\ntouch pwned' "example.com/a'\$(touch pwned)" 'file:///etc/passwd;touch pwned' 'oci:--x' 'docker://--help/x:y'; do
		run rkt fetch --pull-policy=never -- "$name"
		ended 254
		run rkt run --pull-policy=never "$name"
		[ "$status" != 0 ] || fail "'$name' ran"
		run rkt image rm "$name"
	done
	[ -z "$(find "$T" -name pwned)" ] || fail 'it was executed'
	untouched
}
