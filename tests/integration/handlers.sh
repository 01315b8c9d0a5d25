# shellcheck shell=bash
# Event handlers: pre-start before the app, post-stop after it.

with_handlers() {
	image_with handlers ".app.mountPoints = [{name: \"data\", path: \"/data\"}] | .app.eventHandlers = $1"
}
test_order() {
	mkdir v
	aci=$(with_handlers '[{name: "pre-start", exec: ["/bin/testapp", "write", "/data/pre", "x"]}, {name: "post-stop", exec: ["/bin/testapp", "write", "/data/post", "x"]}]')
	run rkt run --volume=data,kind=host,source="$T/v" "$aci" --exec=/bin/testapp -- stat /data/pre /data/post
	ok
	has "$out" '/data/pre: file' '/data/post: No such file'
	[ -e v/post ] || fail 'post-stop did not run'
}
test_post_stop_after_a_failure() {
	mkdir v
	aci=$(with_handlers '[{name: "post-stop", exec: ["/bin/testapp", "write", "/data/post", "x"]}]')
	run rkt run --volume=data,kind=host,source="$T/v" "$aci" --exec=/bin/testapp -- exit 4
	ended 4
	[ -e v/post ] || fail 'post-stop did not run'
}
test_pre_start_that_fails() {
	aci=$(with_handlers '[{name: "pre-start", exec: ["/bin/testapp", "exit", "3"]}]')
	run rkt run "$aci" --exec=/bin/testapp -- echo ran
	[ "$status" != 0 ] || fail 'status 0'
	hasnt "$out" ran
	has "$err" pre-start
}
# What bounds the app bounds its handlers: they are in its groups, and see none above. (A post-stop handler once was where rkt was.)
test_groups_of_handlers() {
	local kind how memory
	for kind in pre-start post-stop; do
		aci=$(with_handlers "[{name: \"$kind\", exec: [\"/bin/testapp\", \"cgroup\", \"+\", \"alloc\", \"100\", \"+\", \"echo\", \"unbounded\"]}]")
		for how in --net=none --private-users; do
			run rkt run "$how" "$aci" --memory=32M --exec=/bin/testapp -- cgroup
			is "$(sed -n 's/^[0-9]*:[^:]*://p' <<<"$out" | sort -u)" / 'groups of the handler and its app'
			hasnt "$out" unbounded
			has "$err" "event handler '$kind' was killed by signal 9"
		done
	done
}
test_two_of_one_kind() {
	aci=$(with_handlers '[{name: "pre-start", exec: ["/bin/testapp"]}, {name: "pre-start", exec: ["/bin/testapp"]}]')
	run rkt fetch "$aci"
	refused pre-start
}
test_environment_of_handlers() {
	mkdir v
	aci=$(with_handlers '[{name: "pre-start", exec: ["/bin/testapp", "env", "AC_APP_NAME", "+", "env", "PATH"]}]')
	run rkt run --volume=data,kind=host,source="$T/v" "$aci"
	ok
	has "$out" AC_APP_NAME=handlers PATH=/
}
# Nothing of an app is left that ends before others of the pod.
test_nothing_outlives_an_app_and_its_handler() {
	local users
	aci=$(with_handlers '[{name: "post-stop", exec: ["/bin/testapp", "exit", "0"]}]')
	for users in '' --private-users; do
		start ${users:+$users} "$aci" --name=first --exec=/bin/testapp -- orphans 3 100000 + exit 0 --- "$TESTAPP" --name=other --exec=/bin/testapp -- on-term 0
		nothing_is_left_of first
		rkt stop "$uuid" >/dev/null
		finish
	done
}
