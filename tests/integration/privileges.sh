# shellcheck shell=bash
# shellcheck disable=SC2016
# time limit: 120
# What our processes hold at each step: exactly the table of Documentation/devel/privileges.md.

# shellcheck source=tests/signing.sh
. "$TOP/tests/signing.sh"
# shellcheck source=tests/members.sh
. "$TOP/tests/members.sh"

page=$TOP/Documentation/devel/privileges.md
mapfile -t names < <(grep -o 'X([A-Z_]*)' "$TOP/lib/sys/caps.h" | sed '/X(name)/d; s/X(\(.*\))/\1/' | sed -n '/^CHOWN$/,$p')
every=$(sed -n 's/^CapPrm:\t//p' /proc/self/status)

traced() { # FILE CMD…: with nothing open but 0-2, and a pipe that nobody below is to have
	(
		only_standard_descriptors
		exec 77< <(:)
		exec "$HELPERS/steps" "$@" </dev/null >"$T/out" 2>"$T/err"
	) || fail "$(cat "$T/err"): status $?"
}
field() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<"$line"; }
caps() { # HEX
	local i text=
	case $1 in
	0000000000000000) echo none ;;
	"$every" | 000001ffffffffff) echo all ;;
	00000000a80425fb) echo "appc's" ;;
	*)
		for i in "${!names[@]}"; do
			[ $((0x$1 >> i & 1)) = 0 ] || text+=" ${names[i]}"
		done
		tr ' ' '\n' <<<"${text# }" | sort | paste -sd' '
		;;
	esac
}
yes_no() { case $1 in 0) echo no ;; *) echo yes ;; esac; }
user() {
	case $(field uid),$(field gid) in
	0,0,0,0,0,0,0,0) echo root ;;
	65534,65534,65534,65534,65534,65534,65534,65534) echo nobody ;;
	1000,1000,1000,1000,1000,1000,1000,1000) echo "the app's" ;;
	61234,61234,61234,61234,61234,61234,61234,61234) echo "the member" ;;
	*) [ "$(field uid)" = "$(field gid)" ] && [ "$(field uid | cut -d, -f1)" -ge 65536 ] && echo "the pod's root" ;;
	esac
}
words() { tr ',' '\n' <<<"$1" | sed '/^$/d' | sort -u | paste -sd' ' | sed 's/^$/none/'; }
descriptors() { # those beyond 2; of a step that executes, those that stay
	local fds
	fds=$(field fds | tr ',' '\n' | sed '/^[012]:/d')
	[[ $line != *' execve pid='* ]] || fds=$(sed '/\*$/d' <<<"$fds")
	words "$(sed 's/.*://; s/\*//' <<<"$fds" | paste -sd,)"
}
# Compares the last line of FILE that REGEX matches with the row of that name.
step() { # NAME FILE REGEX
	local line wanted got
	line=$(grep -E "$3" "$2" | tail -n 1)
	[ -n "$line" ] || { cat "$2" >&2; fail "no step is '$1'"; }
	wanted=$(grep -F "| $1 |" "$page") || fail "the page has no row '$1'"
	is "$(field prm)" "$(field eff)" "effective set of '$1'"
	is "$(field inh)$(field amb)" "$(printf %032d 0)" "inheritable and ambient set of '$1'"
	is "$(field reach)" no "reach of an equal of '$1'"
	got="| $1 | $(user) | $(caps "$(field prm)") | $(caps "$(field bnd)") | $(yes_no "$(field nnp)") | $(yes_no "$(field seccomp)") | $(field root) | $(words "$(field new)") | $(descriptors) |"
	[ "$got" = "$wanted" ] || printf 'step: %s\n got:    %s\n wanted: %s\n' "$line" "$got" "$wanted" | tee -a "$T/untrue" >&2
	echo "$1" >>"$T/seen"
}
app=(--exec=/bin/testapp -- sleep 0.1)
run_and_enter() { # FLAGS…: a pod that is entered
	start "$@" "$TESTAPP" --exec=/bin/testapp -- sleep 100
}
stop_it() {
	rkt stop --force "$uuid" >/dev/null
	finish
}
# Whatever is in what it reads, a worker neither grows nor goes on for ever, nor leaves its memory on a disk.
bounded() { # FILE COMM
	local line limit
	line=$(grep "^$2 filtered" "$1" | tail -n 1)
	is "$(field core)" 0 "size of a core of $2"
	for limit in cpu as files; do
		[[ $(field $limit) =~ ^[0-9]+$ ]] || fail "$2 has no limit '$limit': $line"
	done
	[ "$(field files)" -le 1024 ] || fail "$2 may open $(field files) files"
}
workers() {
	traced worker "${RKTC[@]}" fetch "$TESTAPP"
	# shellcheck disable=SC2016
	step '`rkt`: executes a worker' worker '^rkt execve'
	step 'unpack worker: reads an image' worker '^unpack filtered'
	bounded worker unpack
	is "$(grep '^unpack filtered' worker | sed 's/.* groups=\([^ ]*\) .*/\1/' | sort -u)" '' 'groups of the worker'
	traced worker bash -c '! "$@"' - "${RKTC[@]}" --insecure-options=image,http fetch http://127.0.0.1:1/x.aci
	step 'fetch worker: speaks to a server' worker '^fetch filtered'
	bounded worker fetch
	is "$(grep '^fetch filtered' worker | sed 's/.* groups=\([^ ]*\) .*/\1/' | sort -u)" '' 'groups of the worker'
}
# As which a member of the group rkt runs them.
members() {
	in_group "${RKTC[@]}" fetch "$IMAGES/busybox.aci" >/dev/null
	registry
	layout
	push oci:lay:one "docker://$at/app:v1"
	traced worker bash -c 'cd / && . "$TOP/tests/members.sh" && as_member "$@"' - "${RKTC[@]}" --insecure-options=image,http fetch "docker://$at/app:v1"
	step 'fetch worker: of a member' worker '^fetch filtered'
	step 'unpack worker: of a member' worker '^unpack filtered'
	rm -f "$DATA"/cas/incoming/*
	traced worker bash -c 'cd / && . "$TOP/tests/members.sh" && WRAP=("$HELPERS/nosys" unshare) && as_member "$@"' - "${RKTC[@]}" --insecure-options=image,http fetch "docker://$at/app:v1"
	sed -i 's/ new=mnt / new= /' worker # in_group's own
	step 'fetch worker: of a member, without namespaces' worker '^fetch filtered'
	step 'unpack worker: of a member, without namespaces' worker '^unpack filtered'
}
pods() {
	traced pod "${RKTC[@]}" run "$TESTAPP" "${app[@]}"
	# shellcheck disable=SC2016
	step '`rkt`: executes stage1'"'"'s run' pod '^rkt execve .*5?:lock'
	step 'run: starts pid 1' pod '^rkt-run clone'
	step 'run: waits' pod '^rkt-run wait .* new=mnt '
	step 'pid 1: waits' pod '^rkt-pid1 wait .* new=ipc,mnt,net,pid,uts '
	step 'app: enters its root' pod '^rkt-pid1 pivot_root'
	step 'app: executes, root' pod '^rkt-pid1 execve'
	traced pod "${RKTC[@]}" run "$TESTAPP" --user=alice --group=alice "${app[@]}"
	step 'app: executes, another user' pod '^rkt-pid1 execve'
	traced pod "${RKTC[@]}" run --private-users "$TESTAPP" "${app[@]}"
	step 'pid 1: waits, private users' pod '^rkt-pid1 wait .* new=ipc,mnt,net,pid,user,uts '
	step 'app: executes, private users' pod '^rkt-pid1 execve'
	aci=$(image_with handlers '.app.eventHandlers = [{name: "post-stop", exec: ["/bin/testapp", "exit", "0"]}]')
	traced pod "${RKTC[@]}" run "$aci" "${app[@]}"
	step 'pid 1: starts a post-stop handler' pod '^rkt-pid1 clone .* new=ipc,mnt,net,pid,uts .*namespace'
}
entered() {
	run_and_enter
	traced enter "${RKTC[@]}" enter "$uuid" /bin/testapp exit 0
	# shellcheck disable=SC2016
	step '`rkt`: executes stage1'"'"'s enter' enter '^rkt execve'
	step 'enter: waits' enter '^rkt-enter wait .* nnp=1'
	step 'command: executes, root' enter '^rkt-enter execve'
	traced enter "${RKTC[@]}" enter --privileged "$uuid" /bin/testapp exit 0
	step 'command: executes, privileged' enter '^rkt-enter execve'
	stop_it
	run_and_enter --private-users
	traced enter "${RKTC[@]}" enter "$uuid" /bin/testapp exit 0
	step 'command: executes, private users' enter '^rkt-enter execve'
	stop_it
}
collected() {
	rkt gc --mark-only >/dev/null
	traced gc "${RKTC[@]}" gc --grace-period=0
	# shellcheck disable=SC2016
	step '`rkt`: executes stage1'"'"'s gc' gc '^rkt execve .* new=mnt '
	step 'gc: ends' gc '^stage1 exit_group'
}
test_the_table_is_true() {
	members
	workers
	pods
	entered
	collected
	[ ! -s untrue ] || fail 'the table is not true'
	# Nothing in it that nobody looked at.
	diff <(sed -n 's/^| \([^|]*\) | [^|]* | [^|]* | .*/\1/p' "$page" | sed '1,2d' | sort) <(sort -u seen) || fail 'rows without a step'
}
test_nothing_is_set_user_id() {
	DESTDIR=$T/root make -s -C "$TOP" B="$B" install >"$T/install.out" 2>&1 || fail "$(tail -n 5 "$T/install.out")"
	is "$(find root -type f -perm /7000)" '' 'programs that change who one is'
	is "$(getcap -r root 2>/dev/null)" '' 'programs with capabilities'
}
