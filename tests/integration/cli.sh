# shellcheck shell=bash
# Help, manual pages and completions: all of them come from the tables, and say the same.

MAN=$TOP/$B/man

# The commands, as `rkt help` lists them.
commands() {
	"$RKT" help | sed -n '/^PODS$/,/^GLOBAL/p' | sed -nE 's/^  ([a-z-]+( [a-z-]+)?)  +.*/\1/p'
}
page_of() { echo "$MAN/rkt-${1// /-}.1"; }
plain() { sed -e 's/\\-/-/g' -e 's/\\&//g' -e 's/\\e/\\/g' "$1"; }
flags_of() { # COMMAND…
	"$RKT" help "$@" | sed -nE 's/^  (--[^ ]+)$/\1/p'
}

test_every_command_is_listed() {
	[ "$(commands | wc -l)" -ge 24 ]
	has "$(commands)" run prepare 'image list' completion
}
test_synopsis_of_the_manual_is_that_of_help() {
	local command help page
	commands >list
	while read -r command; do
		# shellcheck disable=SC2086
		help=$("$RKT" help $command | sed -n '/^USAGE$/{n;s/^  //p}')
		page=$(plain "$(page_of "$command")" | sed -n '/^\.SH SYNOPSIS$/,/^\.fi$/p' | sed -n 3p)
		is "$page" "$help" "synopsis of $command"
		# shellcheck disable=SC2086
		is "$("$RKT" $command --help)" "$("$RKT" help $command)" "help of $command"
	done <list
}
test_every_option_is_in_its_page() {
	local command flag
	commands >list
	while read -r command; do
		# shellcheck disable=SC2086
		for flag in $(flags_of $command); do
			plain "$(page_of "$command")" | grep -qFx ".B $flag" || fail "$flag is not in the page of $command"
		done
	done <list
}
test_pages_are_whole() {
	local page section
	for page in "$MAN"/*.1; do
		for section in NAME SYNOPSIS DESCRIPTION '"GLOBAL OPTIONS"' '"EXIT STATUS"' EXAMPLES FILES '"SEE ALSO"'; do
			grep -qx "\.SH $section" "$page" || fail "$page has no $section"
		done
		! grep -q '^@' "$page" || fail "$page was not filled"
	done
	commands >list
	is "$(find "$MAN" -name '*.1' | wc -l)" $(($(wc -l <list) + 1)) 'one page a command and one of rkt'
}
test_examples_keep_their_quotes() {
	has "$(mandoc -T ascii "$MAN/rkt-list.1" | col -b)" 'select(.state == "running")'
	has "$(mandoc -T ascii "$MAN/rkt-config.1" | col -b)" 'select(.rktKind == "paths")'
	# .B takes quotes for its own, unless they surround an argument
	! grep -nE '^\.(B|I) .*[^ ]"[^ ]|^\.(B|I) .* "[^ "]*$' "$TOP"/Documentation/man/*.in || fail 'a quote that is lost'
}
test_pages_refer_to_pages_that_exist() {
	local name
	for name in $(plain <(cat "$MAN"/*.1) | sed -nE 's/^\.BR (rkt[a-z-]*) \(1\).*/\1/p' | sort -u); do
		[ -s "$MAN/$name.1" ] || fail "$name"
	done
}

# Completes the words; the last is the one under the cursor.
complete_bash() {
	"$RKT" completion bash >rkt.bash
	PATH=$(dirname "$RKT"):$PATH bash --norc -c '
		compopt() { :; }
		source ./rkt.bash
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		_rkt
		printf "%s\n" "${COMPREPLY[@]}"' bash "$@"
}
test_bash_completes_commands() {
	has "$(complete_bash rkt '')" run prepare image completion
	is "$(complete_bash rkt stat)" status
	is "$(complete_bash rkt image ver)" verify
	is "$(complete_bash rkt completion z)" zsh
}
test_bash_completes_options() {
	is "$(complete_bash rkt run --uuid)" --uuid-file-save=
	is "$(complete_bash rkt image gc --gr)" --grace-period=
	has "$(complete_bash rkt --debug run img --)" --exec= --readonly-rootfs --dir=
	hasnt "$(complete_bash rkt list --)" --exec --cap-retain
	is "$(complete_bash rkt run -- --exe)" ''
}
test_bash_completes_values() {
	is "$(complete_bash rkt run --net = h)" host
	is "$(complete_bash rkt list --format = '' | xargs)" 'json json-pretty'
	touch a.file
	is "$(complete_bash rkt run --pod-manifest = a.f)" a.file
}
test_bash_completes_pods_and_images() {
	local uuid
	uuid=$(rkt prepare "$IMAGES/busybox.aci")
	is "$(complete_bash rkt --dir = "$DATA" status "${uuid:0:6}")" "$uuid"
	is "$(complete_bash rkt --dir "$DATA" rm "${uuid:0:6}")" "$uuid"
	is "$(complete_bash rkt --dir "$DATA" stat)" status
	is "$(complete_bash rkt --dir "$DATA" run example.com/busy)" example.com/busybox:1.35.0
	has "$(complete_bash rkt --dir "$DATA" image rm sha512-)" sha512-
	is "$(complete_bash rkt --dir "$DATA" run example.com/busybox :)" 1.35.0
	is "$(complete_bash rkt --dir "$DATA" image cat-manifest example.com/busybox : 1.3)" 1.35.0
	is "$(complete_bash rkt --dir "$DATA" image cat-manifest example.com/busybox : 1.35.0 exa)" ''
}
test_bash_knows_every_option() {
	local command flag words
	commands >list
	while read -r command; do
		# shellcheck disable=SC2086
		words=$(complete_bash rkt $command --)
		# shellcheck disable=SC2086
		for flag in $(flags_of $command); do
			flag=${flag%%[=[]*}
			grep -qE "^$flag=?$" <<<"$words" || fail "$flag of $command"
		done
	done <list
}
test_scripts_of_other_shells_parse() {
	"$RKT" completion zsh >_rkt
	"$RKT" completion fish >rkt.fish
	zsh -n _rkt
	fish --no-execute rkt.fish
}
complete_fish() { # LINE: what may stand in its last word's place
	"$RKT" completion fish >rkt.fish
	PATH=$(dirname "$RKT"):$PATH fish --no-config -c "source rkt.fish; complete -C '$1'" | cut -f1
}
complete_zsh() { # LINE…: what becomes of each when Tab is pressed at its end, and Enter
	"$RKT" completion zsh >_rkt
	# zsh completes for a terminal alone, which shows what is typed, too
	cat >typist <<-'EOF'
		zmodload zsh/zpty
		zpty z 'TERM=dumb zsh -f -i'
		zpty -w z 'autoload -U compinit; compinit -D -u; source ./_rkt; typed() { print -r -- "<$*""done>" >>typed.out; print ty""ped; }; alias rkt="typed rkt"; rkt() { $RKT "$@"; }; compdef _rkt typed; setopt complete_aliases; print rea""dy'
		zpty -r -m z out '*ready*'
		for line; do
			zpty -w -n z "$line"$'\t\n'
			zpty -r -m z out '*typed*'
		done
		zpty -d z
	EOF
	rm -f typed.out
	zsh -f typist "$@" >zsh.log 2>&1 || fail "$(cat zsh.log)"
	sed -e 's/^<rkt //' -e 's/ *done>$//' typed.out
}
test_trust_words_are_completed() {
	is "$(complete_bash rkt trust ex)" explain
	is "$(complete_bash rkt trust rm lis)" '' 'a second word'
	is "$(complete_fish 'rkt trust ex')" explain
	is "$(complete_fish 'rkt trust rm lis')" '' 'a second word'
	is "$(complete_zsh 'rkt trust exp')" 'trust explain'
}
test_lists_of_words_are_completed() {
	is "$(complete_bash rkt image list --fields = import)" importtime
	is "$(complete_bash rkt image list --fields name,uni)" name,unique
	is "$(complete_bash rkt image list --sort = '' | xargs)" 'name size importtime lastused'
	is "$(complete_bash rkt run --insecure-options = image,tls,sec)" image,tls,seccomp
	is "$(complete_bash rkt run img --caps-retain = CAP_SYS_PT)" CAP_SYS_PTRACE
	is "$(complete_fish 'rkt image list --fields=id,uni')" --fields=id,unique
	is "$(complete_fish 'rkt image list --sort last')" lastused
	is "$(complete_fish 'rkt --insecure-options=image,sec')" --insecure-options=image,seccomp
	is "$(complete_fish 'rkt run --pull-policy=u')" --pull-policy=update
	is "$(complete_zsh 'rkt image list --fields=id,uni' 'rkt image list --sort last' 'rkt run --insecure-options=image,sec' 'rkt run --pull-policy=u')" \
		'image list --fields=id,unique
image list --sort lastused
run --insecure-options=image,seccomp
run --pull-policy=update'
}
test_words_that_are_completed_are_accepted() {
	local word
	for word in $(complete_bash rkt image list --fields = ''); do
		run rkt image list --fields="$word"
		ok "$word"
	done
	for word in $(complete_bash rkt --insecure-options = ''); do
		run rkt version --insecure-options="$word"
		ok "$word"
	done
}
test_commands_to_explain_are_completed() {
	is "$(complete_bash rkt help image ver)" verify
	is "$(complete_bash rkt help image list ver)" '' 'a third word'
	is "$(complete_bash rkt help fet)" fetch
	is "$(complete_fish 'rkt help image ver')" verify
	is "$(complete_fish 'rkt help fet')" fetch
	is "$(complete_zsh 'rkt help image ver' 'rkt help fet' 'rkt --debug image ver')" $'help image verify\nhelp fetch\n--debug image verify'
}
test_fish_and_zsh_complete_pods_and_images() {
	local uuid
	uuid=$(rkt prepare "$IMAGES/busybox.aci")
	is "$(complete_fish "rkt --dir $DATA status ${uuid:0:6}")" "$uuid"
	is "$(complete_fish "rkt rm --dir=$DATA $uuid ${uuid:0:6}")" "$uuid" 'a second pod'
	is "$(complete_fish "rkt run --dir=$DATA example.com/bus")" example.com/busybox:1.35.0
	is "$(complete_zsh "rkt --dir $DATA status ${uuid:0:6}" "rkt image rm --dir=$DATA example.com/bus")" \
		"--dir $DATA status $uuid
image rm --dir=$DATA example.com/busybox:1.35.0"
}
test_fish_knows_commands() {
	is "$(complete_fish 'rkt stat')" status
	is "$(complete_fish "rkt --dir $DATA image ver")" verify 'behind the value of a flag'
	is "$(complete_fish 'rkt completion z')" zsh
	hasnt "$(complete_fish "rkt --dir $DATA list --")" --exec
	has "$(complete_fish "rkt --dir $DATA run img --")" --exec --dir
}
