# shellcheck shell=bash
# cpu and memory isolators, oom-score-adj.

test_memory_limit_is_enforced() {
	run rkt run "$TESTAPP" --memory=32M --exec=/bin/testapp -- alloc 8 + alloc 256
	has "$out" 'allocated 8 MiB'
	hasnt "$out" 'allocated 256 MiB'
	ended 137
}
test_memory_limit_is_per_app() {
	run rkt run "$TESTAPP" --name=small --memory=16M --exec=/bin/testapp -- sleep 0.3 --- "$TESTAPP" --name=big --exec=/bin/testapp -- alloc 128
	ok
	has "$out" 'allocated 128 MiB'
}
test_cpu_limit_is_enforced() {
	run rkt run "$TESTAPP" --cpu=200m --exec=/bin/testapp -- cpu 2
	ok
	matches "$out" '^cpu [0-9]+$'
	local got=${out#cpu }
	[ "$got" -le 45 ] || fail "it got $got % of a core"
}
test_isolators_of_the_image() {
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "alloc", "256"] | .app.isolators = [{name: "resource/memory", value: {limit: "32M"}}]')
	run rkt run "$aci"
	ended 137
}
test_flag_beats_the_image() {
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "alloc", "64"] | .app.isolators = [{name: "resource/memory", value: {limit: "32M"}}]')
	run rkt run "$aci" --memory=256M
	ok
}
# appc: an executor must say which isolators it ignores.
test_ignored_isolators_are_reported_once() {
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "echo", "ran"] | .app.isolators = [
		{name: "os/linux/selinux-context", value: {user: "u", role: "r", type: "t", level: "l"}},
		{name: "os/linux/no-new-privileges", value: true}, {name: "example.com/strange", value: {}}]')
	run rkt run "$aci" --name=x
	ok
	is "$out" ran
	is "$err" "app 'x': isolator 'os/linux/selinux-context' is ignored: SELinux is not enabled
app 'x': isolator 'example.com/strange' is ignored: it is not known"
	run rkt run --stage1-path="$TOP/$B/stage1-fly.aci" "$aci" --name=x
	ok
	is "$(grep -c 'is ignored:' <<<"$err")" 3
	pod -- echo quiet
	is "$err" ''
}
test_oom_score_adj() {
	run rkt run "$TESTAPP" --oom-score-adj=500 --exec=/bin/testapp -- cat /proc/self/oom_score_adj
	ok
	is "$out" 500
}
test_cpu_shares() {
	run rkt run "$TESTAPP" --cpu-shares=512 --exec=/bin/testapp -- echo ran
	ok
	is "$out" ran
}
test_groups_are_gone_with_the_pod() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --memory=64M --cpu=500m --exec=/bin/testapp -- exit 0
	ok
	rkt gc --grace-period=0 >/dev/null 2>&1
	rkt gc --grace-period=0 >/dev/null 2>&1
	is "$(find /sys/fs/cgroup -type d -name "*$(cut -c 1-8 "$T/u")*" | head -n 1)" ''
}
test_cgroup_is_its_own_root_inside() {
	pod -- cgroup
	ok
	hasnt "$out" '/..' rkt-check
}
