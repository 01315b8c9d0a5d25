# shellcheck shell=bash
# The guides of Documentation say what they do: their blocks marked `sh` are typed, in order.
# time limit: 120

typed() { # FILE
	local bin=$T/bin
	mkdir "$bin"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\nexec %s "$@"\n' "$(printf ' %q' "$RKT" --dir="$DATA" --local-config="$T/config")" >"$bin/rkt"
	chmod 755 "$bin/rkt"
	ln -s "$TOP/tests" "$TOP/build" .
	# what is shown in /tmp is ours alone
	sed -n '/^```sh$/,/^```$/{/^```/!p}' "$TOP/Documentation/$1" | sed "s,/tmp/\(pod\|site\|env\|users\),$T/\1,g" >typed
	[ -s typed ] || fail "$1 has no commands"
	run env PATH="$bin:$PATH" bash -euxo pipefail typed
	ok "$1"
}

test_getting_started() {
	typed getting-started.md
	has "$out" hello 'state=exited' "app-busybox=143" $'\n2\n'
}
test_running_pods() {
	rkt fetch "$IMAGES/busybox.aci" "$IMAGES/redis.aci" >/dev/null
	typed running-pods.md
	has "$out" hi hello 'uid=1000 gid=1000' /tmp '1 2 file' 'no writing here' state=prepared
	is "$(grep -c prepared <<<"$out")" 3
	has "$out" '10.0.0.7 db' 'nameserver 9.9.9.9' 'Redis server v='
	matches "$out" $'\n0\n0\n +0 +[0-9]{10} +65536\n'
	has "$out" private-users=
}
test_isolators() {
	rkt fetch "$IMAGES/busybox.aci" >/dev/null
	typed isolators.md
	has "$out" 'isolator-app=resource/memory: enforced' 'as it should be' 1048576 $'\n256\n512'
}
test_images() {
	typed images.md
	has "$out" 'hello from hello' 'Redis server v=' built 'successfully verified' 'successfully removed'
}
# As a person would: the pod has started before the next command is typed.
test_quick_start() {
	ln -s "$TOP/build" .
	sed -n '/^One app, and its exit status/,/^Pods and images live/p' "$TOP/README.md" | sed -n '/^```$/,/^```$/{/^```/!p}' |
		sed "s,sudo build/rkt,rkt,; s,/tmp/pod,$T/pod,; s/^rkt list/sleep 2; &/" >typed
	[ "$(grep -c rkt typed)" -ge 8 ] || fail 'the README has another form'
	{
		declare -f rkt
		printf 'RKTC=(%s)\n' "${RKTC[*]@Q}"
		cat typed
	} >script
	run bash -u script
	ok
	has "$out" hello OK +OK 'app-server=0' 'app-client=143'
	is "$(rkt list --no-legend | wc -l)" 1 'pods, beside the one that was removed'
}
test_links_lead_somewhere() {
	local page link dir
	for page in "$TOP"/README.md "$TOP"/Documentation/*.md "$TOP"/Documentation/*/*.md; do
		dir=$(dirname "$page")
		for link in $(grep -oE '\]\([^)#]+' "$page" | cut -c 3- | grep -v '^http'); do
			[ -e "$dir/$link" ] || fail "${page#"$TOP"/}: $link"
		done
	done
}
