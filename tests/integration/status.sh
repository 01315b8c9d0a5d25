# shellcheck shell=bash
# rkt status and rkt list.

test_status_of_a_running_pod() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	run rkt status "$uuid"
	ok
	has "$out" state=running created= started= "pid=$(cat "$DATA/pods/run/$uuid/pid")" exited=false
	hasnt "$out" app-testapp=
	matches "$out" 'created=[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+ [+-][0-9]{4} [A-Z]+'
	rkt stop --force "$uuid"
	finish
}
test_status_of_an_exited_pod() {
	pod --uuid-file-save="$T/u" -- exit 5
	ended 5
	run rkt status --uuid-file="$T/u"
	ok
	has "$out" state=exited exited=true app-testapp=5
	is "$(head -n 1 <<<"$out")" state=exited
}
test_status_json() {
	pod --uuid-file-save="$T/u" -- exit 5
	run rkt status --format=json "$(cat "$T/u")"
	ok
	is "$(jq -r .name <<<"$out")" "$(cat "$T/u")"
	is "$(jq -r .state <<<"$out")" exited
	is "$(jq -r '.app_names[0]' <<<"$out")" testapp
	run rkt status --format=json-pretty "$(cat "$T/u")"
	ok
	[ "$(wc -l <<<"$out")" -gt 5 ] || fail 'not pretty'
}
test_status_by_prefix() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt status "$(cut -c 1-8 "$T/u")"
	ok
}
test_status_wait() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 0.7
	run rkt status --wait=30s "$uuid"
	ok
	has "$out" state=exited
	finish
}
test_status_wait_times_out() {
	start "$TESTAPP" --exec=/bin/testapp -- sleep 100
	run rkt status --wait=200ms "$uuid"
	refused 'not exited within'
	run rkt status --wait-ready=10s "$uuid"
	ok
	rkt stop --force "$uuid"
	finish
}
test_status_unknown() {
	run rkt status 00000000
	refused 'no matches found for "00000000"'
	run rkt status ''
	refused 'UUID cannot be empty'
	run rkt status --uuid-file=/nowhere
	ended 1
}
test_list_of_nothing() {
	run rkt list
	ok
}
test_list() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt list
	ok
	matches "$(head -n 1 <<<"$out")" $'^UUID[\t ]+APP[\t ]+IMAGE NAME[\t ]+STATE[\t ]+CREATED[\t ]+STARTED[\t ]+NETWORKS'
	matches "$(sed -n 2p <<<"$out")" "^$(cut -c 1-8 "$T/u")[[:space:]]+testapp[[:space:]]+example.com/testapp:1.0.0[[:space:]]+exited"
	run rkt list --no-legend
	is "$(wc -l <<<"$out")" 1
	run rkt list --full --no-legend
	has "$out" "$(cat "$T/u")" sha512-
}
test_list_json() {
	run rkt list --format=json
	ok
	is "$(jq length <<<"$out")" 0
	pod -- exit 0
	pod -- exit 1
	run rkt list --format=json
	ok
	is "$(jq length <<<"$out")" 2
	is "$(jq -r '.[0].state' <<<"$out")" exited
}
test_list_of_two_apps() {
	run rkt run "$TESTAPP" --name=a --exec=/bin/testapp -- exit 0 --- "$TESTAPP" --name=b --exec=/bin/testapp -- exit 0
	run rkt list --no-legend
	is "$(wc -l <<<"$out")" 2
	matches "$(sed -n 2p <<<"$out")" '^[[:space:]]+b'
}
test_list_survives_a_damaged_pod() {
	pod --uuid-file-save="$T/u" -- exit 0
	pod --uuid-file-save="$T/v" -- exit 0
	echo '{"not": a manifest' >"$DATA/pods/run/$(cat "$T/u")/pod"
	run rkt list
	has "$out" "$(cut -c 1-8 "$T/v")"
	run rkt rm "$(cat "$T/u")"
	ok
}
test_cat_manifest() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt cat-manifest "$(cat "$T/u")"
	ok
	is "$(jq -r .acKind <<<"$out")" PodManifest
	is "$(jq -r '.apps[0].name' <<<"$out")" testapp
	run rkt cat-manifest --pretty-print=false --uuid-file="$T/u"
	ok
	is "$(wc -l <<<"$out")" 1
}
