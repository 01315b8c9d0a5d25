# shellcheck shell=bash
# --exec, its arguments, working directory; programs that cannot be executed.

test_exec_replaces_the_image_s() {
	run rkt run "$TESTAPP" --exec=/bin/testapp -- echo other
	is "$out" other
}
test_exec_without_slash_is_searched_in_path() {
	run rkt run "$TESTAPP" --exec=testapp -- echo found
	ok
	is "$out" found
}
test_arguments_without_exec_are_appended() {
	run rkt run "$TESTAPP" -- more words
	ok
	is "$out" 'hello more words'
}
not_found='Unable to open "/foo-not-there": No such file or directory'
test_program_not_there() {
	run rkt run "$TESTAPP" --exec=/foo-not-there
	ended 203
	has "$err" "$not_found"
}
test_program_not_there_is_recorded() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --exec=/foo-not-there
	run rkt status "$(cat "$T/u")"
	ok
	has "$out" 'app-testapp=203'
}
test_program_not_executable() {
	run rkt run "$TESTAPP" --exec=/bin/plain
	ended 203
	has "$err" /bin/plain
}
test_program_is_a_directory() {
	run rkt run "$TESTAPP" --exec=/bin
	ended 203
	has "$err" /bin
}
test_program_of_another_architecture() {
	run rkt run "$TESTAPP" --exec=/bin/foreign
	ended 203
	has "$err" /bin/foreign
}
test_program_without_a_format() {
	run rkt run "$TESTAPP" --exec=/bin/text
	ended 203
	has "$err" /bin/text
}
test_interpreter_not_there() {
	run rkt run "$TESTAPP" --exec=/bin/orphaned
	ended 203
	has "$err" /no/such/interpreter
}
test_working_directory() {
	run rkt run "$TESTAPP" --working-dir=/home/alice --exec=/bin/testapp -- cwd
	ok
	is "$out" /home/alice
}
test_working_directory_default() {
	pod -- cwd
	is "$out" /
}
test_working_directory_of_the_image() {
	aci=$(image_with cwd '.app.workingDirectory = "/tmp" | .app.exec = ["/bin/testapp", "cwd"]')
	run rkt run "$aci"
	is "$out" /tmp
}
test_working_directory_not_there() {
	run rkt run "$TESTAPP" --working-dir=/nowhere --exec=/bin/testapp -- cwd
	[ "$status" != 0 ] || fail 'it ran'
	has "$err" /nowhere
}
test_image_without_app_needs_exec() {
	aci=$(image_with noapp 'del(.app)')
	run rkt run "$aci"
	refused
	run rkt run "$aci" --exec=/bin/testapp -- echo works
	ok
	is "$out" works
}
test_unknown_per_app_flag() {
	run rkt run "$TESTAPP" --no-such-flag
	refused no-such-flag
}
