# shellcheck shell=bash
# What became of each isolator: on standard error where it is not what was asked for, and in `rkt status`.

strange='{name: "example.com/strange", value: {}}'
nnp='{name: "os/linux/no-new-privileges", value: true}'
test_report_is_in_status() {
	aci=$(image_with iso ".app.exec = [\"/bin/testapp\", \"echo\", \"ran\"] | .app.isolators = [$strange, $nnp]")
	run rkt run --uuid-file-save="$T/u" "$aci" --name=x --caps-retain=CAP_KILL
	ok
	is "$err" "app 'x': isolator 'example.com/strange' is ignored: it is not known"
	run rkt status --uuid-file="$T/u"
	ok
	has "$out" 'isolator-x=example.com/strange: ignored (it is not known)' \
		'isolator-x=os/linux/no-new-privileges: enforced' 'isolator-x=os/linux/capabilities-retain-set: enforced'
	run rkt status --uuid-file="$T/u" --format=json
	is "$(jq -c '.apps.x.isolators[0]' <<<"$out")" '{"isolator":"example.com/strange","state":"ignored","why":"it is not known"}'
	is "$(jq -r '.apps.x.isolators[1].state' <<<"$out")" enforced
}
test_nothing_is_written_without_isolators() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --exec=/bin/testapp -- echo ran
	ok
	run ls "$DATA/pods/run/$(cat "$T/u")"
	has "$out" pod
	hasnt "$out" isolators.json
}
test_insecure_options_leave_isolators_out() {
	run "$RKT" --dir="$DATA" --insecure-options=image,capabilities run --uuid-file-save="$T/u" "$TESTAPP" --name=x --caps-retain=CAP_KILL --exec=/bin/testapp -- echo ran
	ok
	is "$err" "app 'x': isolator 'os/linux/capabilities-retain-set' is ignored: --insecure-options=capabilities"
	run rkt status --uuid-file="$T/u"
	has "$out" 'insecure=capabilities'
}
test_strict_isolators() {
	aci=$(image_with iso ".app.exec = [\"/bin/testapp\", \"echo\", \"ran\"] | .app.isolators = [$strange, $nnp]")
	run rkt run --strict-isolators "$aci" --name=x
	refused "app 'x': isolator 'example.com/strange' is ignored: it is not known (--strict-isolators)"
	is "$out" ''
	run rkt run --strict-isolators "$TESTAPP" --caps-retain=CAP_KILL --exec=/bin/testapp -- echo ran
	ok
	is "$out" ran
	# it is the pod's: who runs it need not know
	run rkt prepare --strict-isolators "$aci" --name=x
	ok
	run rkt run-prepared "$out"
	refused 'example.com/strange' '--strict-isolators'
	is "$out" ''
}
test_strict_isolators_and_a_stage1_that_enforces_none() {
	run rkt run --strict-isolators --stage1-path="$TOP/$B/stage1-fly.aci" "$TESTAPP" --name=x --memory=64M --exec=/bin/testapp -- echo ran
	refused "isolator 'resource/memory' is ignored: this flavor of stage1 enforces none"
	is "$out" ''
}
test_strict_isolators_and_a_stage1_that_says_nothing() {
	local root=$T/other
	mkdir "$root"
	tar -xf "$TOP/$B/stage1-fly.aci" -C "$root"
	jq 'del(.annotations[] | select(.name | endswith("isolator-report")))' "$root/manifest" >"$root/m"
	"$TOP/tests/images/mkaci.sh" "$root/rootfs" "$root/m" "$T/other.aci"
	run rkt run --strict-isolators --stage1-path="$T/other.aci" "$TESTAPP" --exec=/bin/testapp -- echo ran
	refused '--strict-isolators' 'does not say what it enforces'
	[ ! -d "$DATA/pods/run" ] || is "$(ls "$DATA/pods/run")" ''
}
test_pod_bounds_are_reported() {
	fetch testapp
	jq -n --arg id "$id" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "x", image: {id: $id},
		app: {exec: ["/bin/testapp", "echo", "ran"], user: "0", group: "0", isolators: [{name: "resource/memory", value: {limit: "64M"}}]}}],
		isolators: [{name: "resource/memory", value: {limit: "32M"}}, {name: "example.com/podwide", value: 1}]}' >pod.json
	run rkt run --uuid-file-save="$T/u" --pod-manifest=pod.json
	ok
	has "$err" "app 'x': isolator 'resource/memory' is changed: the pod's limit is lower" "pod: isolator 'example.com/podwide' is ignored: it is not known"
	run rkt status --uuid-file="$T/u"
	has "$out" 'isolator=resource/memory: enforced' 'isolator-x=resource/memory: changed' 'isolator=example.com/podwide: ignored'
}
# A stage1 may write what it likes there.
test_hostile_report() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --memory=64M --exec=/bin/testapp -- echo ran
	ok
	local dir
	dir=$DATA/pods/run/$(cat "$T/u")
	printf '{"pod":[{"isolator":"\\u001b[2J","state":"enforced"}],"apps":{}}' >"$dir/isolators.json"
	run rkt status --uuid-file="$T/u"
	ok
	hasnt "$out" $'\e'
	has "$out" 'isolator=\x1b[2J: enforced'
	echo '{"pod":' >"$dir/isolators.json"
	run rkt status --uuid-file="$T/u"
	ok
	hasnt "$out" isolator
}
