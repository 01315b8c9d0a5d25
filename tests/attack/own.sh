# shellcheck shell=bash
# What no runtime has been attacked by yet, but what the design of this one invites.

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
