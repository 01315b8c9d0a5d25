# shellcheck shell=bash
# What the README promises.

test_demo() {
	run "$TOP/tests/demo.sh"
	ok
	has "$out" 'everything worked'
}
test_demo_of_trust() {
	run "$TOP/tests/demo-trust.sh"
	ok
	has "$out" 'Trust works'
}
test_quick_start() {
	local file=$TOP/README.md
	# each file and target that it names is there
	local name
	for name in $(grep -oE '\]\([A-Za-z/_.-]+\)' "$file" | tr -d ']()'); do
		[ -e "$TOP/$name" ] || fail "README.md names '$name'"
	done
}
test_install() {
	run make -C "$TOP" --no-print-directory install DESTDIR="$T/root" PREFIX=/usr
	ok
	run "$T/root/usr/bin/rkt" --dir="$DATA" --insecure-options=image run "$TESTAPP"
	ok
	is "$out" hello
	mkdir "$T/root/etc"
	run systemd-sysusers --root="$T/root" rkt.conf
	ok
	[[ $(cat "$T/root/etc/group") =~ ^rkt:x:[0-9]+:$ ]] || fail 'no group rkt was made'
}
