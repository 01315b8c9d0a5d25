# shellcheck shell=bash
# The environment of an app, and which of its sources wins.

test_defaults() {
	pod -- env
	ok
	has "$out" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SHELL=/bin/sh USER=root LOGNAME=root HOME=/root AC_APP_NAME=testapp
}
test_nothing_of_ours_leaks() {
	SECRET=of-the-host pod -- env
	hasnt "$out" SECRET RKT_LOCK_FD CHECK_TMP TOP=
}
test_image_environment() {
	pod -- env FROM_IMAGE
	is "$out" FROM_IMAGE=image
}
test_precedence() {
	printf 'SHARED=file\nFILE=file\n# comment\n\nSET=file\n' >"$T/env"
	export SHARED=parent SET=parent APP=parent PARENT=parent
	run rkt run --inherit-env --set-env-file="$T/env" --set-env=SET=set --set-env=APP=set "$TESTAPP" --environment=APP=app --exec=/bin/testapp -- \
		env PARENT + env SHARED + env FILE + env SET + env APP + env FROM_IMAGE
	ok
	is "$out" $'PARENT=parent\nSHARED=file\nFILE=file\nSET=set\nAPP=app\nFROM_IMAGE=image'
}
test_inherit_only_what_is_not_set() {
	SHARED=parent run rkt run --inherit-env "$TESTAPP" --exec=/bin/testapp -- env SHARED
	is "$out" SHARED=image
}
test_set_env_to_nothing() {
	run rkt run --set-env=SHARED= "$TESTAPP" --exec=/bin/testapp -- env SHARED
	is "$out" SHARED=
}
test_set_env_with_newline_stays_one_variable() {
	run rkt run --set-env=NL=$'a\nEVIL=b' "$TESTAPP" --exec=/bin/testapp -- env EVIL
	is "$out" 'EVIL=(unset)'
}
test_set_env_without_equals() {
	run rkt run --set-env=NOVALUE "$TESTAPP"
	refused
}
test_set_env_bad_name() {
	run rkt run --set-env='BAD NAME=x' "$TESTAPP"
	refused
}
test_environment_is_per_app() {
	run rkt run "$TESTAPP" --name=a --environment=X=1 --exec=/bin/testapp -- env X --- "$TESTAPP" --name=b --exec=/bin/testapp -- env X
	ok
	has "$out" X=1 'X=(unset)'
}
test_home_of_the_user() {
	run rkt run "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- env AC_APP_NAME
	ok
}
test_the_environment_file_that_is_not_there() {
	run rkt run --set-env-file=/nowhere/env "$TESTAPP"
	refused /nowhere/env
}
