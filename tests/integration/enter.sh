# shellcheck shell=bash
# rkt enter: exactly as confined as the app.

up() {
	start "$TESTAPP" --exec=/bin/testapp -- echo up + sleep 100
	wait_for 5 grep -q up "$T/pod.out" || fail 'the app did not start'
}
down() {
	rkt stop --force "$uuid" >/dev/null
	finish
}
in_app() { run rkt enter "$uuid" /bin/testapp "$@"; }

test_output_and_status() {
	up
	in_app echo inside
	ok
	is "$out" inside
	in_app exit 9
	ended 9
	in_app kill 9
	ended 137
	down
}
test_same_namespaces() {
	up
	local mine
	in_app ns pid net ipc uts mnt cgroup
	ok
	mine=$(for n in pid net ipc uts mnt cgroup; do readlink "/proc/self/ns/$n"; done)
	local i
	for i in 1 2 3 4 5 6; do
		[ "$(sed -n ${i}p <<<"$out")" != "$(sed -n ${i}p <<<"$mine")" ] || fail "namespace $i is the host's"
	done
	in_app hostname
	is "$out" "rkt-$uuid"
	down
}
# What the app itself sees, and what `enter` sees, word for word.
test_cve_2019_10144_same_confinement_as_the_app() {
	start "$TESTAPP" --name=a --caps-retain=CAP_CHOWN --exec=/bin/testapp -- caps + ids + cgroup + limits + env + sleep 100
	wait_for 5 grep -q AC_APP_NAME "$T/pod.out" || fail 'the app did not start'
	sleep .1
	in_app caps + ids + cgroup + limits + env
	ok
	diff <(sort "$T/pod.out") <(sort "$T/out") || fail 'enter differs from the app'
	down
}
test_cve_2019_10147_same_cgroup_on_the_host() {
	up
	"${RKTC[@]}" enter "$uuid" /bin/testapp sleep 100 &
	local entered=$!
	sleep .5
	local app_pid enter_pid
	app_pid=$(pgrep -f "^/bin/testapp echo up \+ sleep 100" | head -n 1)
	enter_pid=$(pgrep -f '^/bin/testapp sleep 100' | head -n 1)
	is "$(cat "/proc/$enter_pid/cgroup")" "$(cat "/proc/$app_pid/cgroup")" 'cgroup'
	kill "$enter_pid"
	killed "$entered" 15
	down
}
test_filter_and_capabilities() {
	up
	in_app try mount unshare-user kexec setns + caps
	hasnt "$out" ': ok'
	matches "$out" $'Seccomp:[[:space:]]*2'
	down
}
test_user_of_the_app() {
	start "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- echo up + sleep 100
	wait_for 5 grep -q up "$T/pod.out"
	in_app ids
	matches "$out" '^uid=1000,1000,1000 gid=1000,1000,1000'
	down
}
test_default_command() {
	up
	run rkt enter "$uuid"
	[ "$status" != 0 ] || fail 'there is no bash in this image'
	has "$err" /bin/bash
	down
}
test_which_app() {
	start "$TESTAPP" --name=a --exec=/bin/testapp -- sleep 100 --- "$TESTAPP" --name=b --exec=/bin/testapp -- sleep 100
	run rkt enter "$uuid" /bin/testapp exit 0
	refused
	run rkt enter --app=b "$uuid" /bin/testapp env AC_APP_NAME
	ok
	is "$out" AC_APP_NAME=b
	run rkt enter --app=c "$uuid" /bin/testapp exit 0
	refused
	down
}
test_program_not_there() {
	up
	run rkt enter "$uuid" /nowhere
	[ "$status" != 0 ] || fail 'status 0'
	has "$err" /nowhere
	down
}
test_exited_pod() {
	pod --uuid-file-save="$T/u" -- exit 0
	run rkt enter "$(cat "$T/u")" /bin/testapp exit 0
	refused
}
test_cve_2024_21626_no_descriptor_of_the_host() {
	up
	status=0
	rkt enter "$uuid" /bin/testapp fds + cwd >"$T/out" 9</ || status=$?
	out=$(cat "$T/out")
	ok
	is "$(grep -c -- '->' <<<"$out")" 3 descriptors
	hasnt "$out" "$DATA"
	down
}
test_flags_behind_the_command_are_the_command_s() {
	up
	in_app echo --app=x --help
	is "$out" '--app=x --help'
	down
}
test_stdin_reaches_it() {
	up
	out=$(echo words | rkt enter "$uuid" /bin/testapp read)
	is "$out" 'read words'
	down
}

# --- the same as the app, whoever enters ---------------------------------------------------------
# All that a process inherits is other with the one who calls enter than it was with the one who called run: in every
# way below the command has what the app has. (TERM is of who sits at the terminal.)
NAMESPACES='cgroup ipc mnt net pid pid_for_children time time_for_children user uts'
words() {
	echo "caps + ids + cgroup + limits + env + cwd + hostname + ns $NAMESPACES + inherited \
		+ cat /proc/self/oom_score_adj /proc/self/uid_map /proc/self/mountinfo /proc/sys/net/ipv4/ip_default_ttl"
}
# Another session keyring, priority, scheduling, personality, umask, working directory, environment, limits, score and control group; then CMD.
# The score is raised, and limits are soft ones: what needs no capability.
differently() {
	(
		cd / && umask 077 && export SECRET=of-the-caller HOME=/nowhere
		ulimit -S -n 77 && ulimit -S -c 0 && echo 777 >/proc/self/oom_score_adj
		exec python3 -c 'import ctypes, os, sys
ctypes.CDLL(None).syscall({"x86_64": 250, "aarch64": 219}[os.uname().machine], 1, b"of-the-caller", 0, 0, 0)
os.nice(3)
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
libc = ctypes.CDLL(None)
libc.personality(0x0040000) # ADDR_NO_RANDOMIZE
libc.syscall({"x86_64": 251, "aarch64": 30}[os.uname().machine], 1, 0, 3 << 13) # ioprio_set: idle
os.execvp(sys.argv[1], sys.argv[1:])' setpriv --securebits +no_setuid_fixup "$@"
	)
}
same() { # FLAGS of run
	local words
	words=$(words)
	# shellcheck disable=SC2086
	start --set-env=GIVEN=1 --sysctl=net.ipv4.ip_default_ttl=77 "$@" --working-dir=/data --exec=/bin/testapp -- $words + echo complete + sleep 100
	wait_for 5 grep -q complete "$T/pod.out" || fail 'the app did not start'
	# shellcheck disable=SC2086
	run differently "${RKTC[@]}" enter "$uuid" /bin/testapp $words + echo complete
	ok
	has "$out" complete 'user:[' 'securebits 0' $'\n77\n'
	diff <(sort "$T/pod.out") <(sort "$T/out") || fail 'enter differs from the app'
	hasnt "$out" of-the-caller
	down
}
test_same_whoever_enters() { same "$TESTAPP"; }
test_same_for_another_user() { same "$TESTAPP" --user=alice --group=alice --supplementary-gids=50,1001; }
test_same_with_private_users() { same --private-users "$TESTAPP" --rlimit=nofile=100:200 --oom-score-adj=300; }
# A filter that lets keyrings be asked for: the session's is not the caller's.
test_same_without_a_filter() {
	same --insecure-options=image,seccomp,capabilities "$TESTAPP"
	has "$out" 'keyring keyring;'
}
# A namespace of time is inherited: what the one who ran the pod had, and nobody else has.
test_same_time() {
	[ -e /proc/self/ns/time ] || { echo 'no namespaces of time here' && return; }
	RKTC=(unshare --time --boottime 1000000 "${RKTC[@]}")
	same "$TESTAPP"
}
# Where a pod has no group of its own its apps are in that of the one who ran it.
test_same_groups_that_are_not_the_pod_s() {
	local h=/sys/fs/cgroup/memory group
	[ -e $h/cgroup.procs ] || { echo 'no hierarchy of version 1 here' && return; }
	group=$h$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)
	mkdir "$group/rkt-test-$$"
	up
	status=0
	(echo $BASHPID >"$group/rkt-test-$$/cgroup.procs" && exec "${RKTC[@]}" enter "$uuid" /bin/testapp cat /proc/self/cgroup) >"$T/out" || status=$?
	ok
	has "$(cat "$T/out")" :memory:/
	hasnt "$(cat "$T/out")" rkt-test
	down
	rmdir "$group/rkt-test-$$"
}
# What the one who ran the pod did not have to give, who enters does not give either.
test_not_more_capabilities_than_run_had() {
	pod -- exit 0 # so that image and stage1 are there
	RKTC=(setpriv --bounding-set "-net_raw,-audit_write" "${RKTC[@]}")
	start "$TESTAPP" --exec=/bin/testapp -- caps + echo complete + sleep 100
	RKTC=("${RKTC[@]:3}")
	wait_for 5 grep -q complete "$T/pod.out"
	in_app caps + echo complete
	ok
	diff "$T/pod.out" "$T/out" || fail 'enter differs from the app'
	down
}

# --- rkt's other name for it ---------------------------------------------------------------------
test_app_exec() {
	start "$TESTAPP" --name=a --exec=/bin/testapp -- sleep 100 --- "$TESTAPP" --name=b --exec=/bin/testapp -- sleep 100
	run rkt app exec --app=b "$uuid" /bin/testapp env AC_APP_NAME
	ok
	is "$out" AC_APP_NAME=b
	run rkt app exec --app=b "$uuid" /bin/testapp exit 7
	ended 7
	run rkt app exec --app=c "$uuid" /bin/testapp exit 0
	ended 1
	has "$err" 'exec: ' "no app is named 'c'"
	run rkt app exec "$uuid" /bin/testapp exit 0
	ended 1
	run rkt app exec
	ended 1
	run rkt app exec --nonsense "$uuid"
	ended 1
	run rkt app nonsense
	ended 1
	run rkt app
	ended 2
	has "$err" 'missing command' exec
	down
}

# --- privileged ----------------------------------------------------------------------------------
# A log that listens at /dev/log, for what runs in it: with_log CMD…; what it got is in $T/log.
with_log() {
	mkdir "$T/dev"
	run unshare -m --propagation slave python3 -c 'import os, socket, subprocess, sys
new = sys.argv[1] + "/dev"
subprocess.check_call(["mount", "-t", "tmpfs", "dev", new])
for name in "null", "zero", "full", "random", "urandom", "tty":
    open(new + "/" + name, "w").close()
    subprocess.check_call(["mount", "--bind", "/dev/" + name, new + "/" + name])
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
os.chdir(new)
log.bind("log")
subprocess.check_call(["mount", "--move", new, "/dev"])
status = subprocess.call(sys.argv[2:])
log.setblocking(False)
with open(sys.argv[1] + "/log", "wb") as f:
    try:
        while True:
            f.write(log.recv(4096) + b"\n")
    except BlockingIOError:
        pass
sys.exit(status)' "$T" "$@"
}
test_privileged() {
	start "$TESTAPP" --user=alice --group=alice --caps-remove=CAP_CHOWN --exec=/bin/testapp -- caps + ns mnt pid net cgroup + cgroup + limits + env + cwd + echo complete + sleep 100
	wait_for 5 grep -q complete "$T/pod.out"
	SUDO_USER=$'mallory" uid=0\n' with_log "${RKTC[@]}" enter --privileged "$uuid" /bin/testapp \
		ns mnt pid net cgroup + cgroup + limits + env + cwd + echo complete $'two\nlines'
	ok
	diff <(grep -v '^Cap\|^NoNewPrivs\|^Seccomp' "$T/pod.out" | grep -v '^complete' | sort) <(grep -v '^complete\|^lines' "$T/out" | sort) || fail 'it is not where the app is'
	has "$err" 'all privileges' '(logged)'
	is "$(wc -l <"$T/log")" 1 'lines in the log'
	matches "$(cat "$T/log")" "^<85>[A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8} rkt\\[[0-9]+\\]: privileged command: uid=0 "
	has "$(cat "$T/log")" 'sudo_user="mallory\x22 uid=0\x0a"' "pod=$uuid app=testapp" 'command="/bin/testapp" "ns"' '"two\x0alines"'
	in_app caps
	local confined=$out
	run rkt app exec --privileged "$uuid" /bin/testapp ids + caps + try mount
	ok
	has "$out" 'uid=0,0,0 gid=0,0,0'
	matches "$out" $'NoNewPrivs:\t0'
	matches "$out" $'Seccomp:\t0'
	matches "$out" $'CapInh:\t0000000000000000'
	is "$(sed -n 's/^CapEff:\t//p' <<<"$out")" "$(sed -n 's/^CapEff:\t//p' /proc/self/status)" 'capabilities'
	has "$out" 'mount: ok'
	matches "$confined" $'CapEff:\t0000000000000000'
	# and it is an exception
	in_app caps
	is "$out" "$confined"
	down
}
test_privileged_users_of_the_pod() {
	start --private-users "$TESTAPP" --exec=/bin/testapp -- ns user mnt + echo complete + sleep 100
	wait_for 5 grep -q complete "$T/pod.out"
	run rkt enter --privileged "$uuid" /bin/testapp ns user mnt + echo complete
	ok
	is "$out" "$(cat "$T/pod.out")"
	run rkt enter --privileged "$uuid" /bin/testapp cat /proc/self/uid_map + caps + mknod /tmp/sda 8 0
	has "$out" 'mknod: Operation not permitted'
	[[ $(head -n 1 <<<"$out") != *' 0 '*4294967295 ]] || fail 'it is root of the host'
	down
}
# Nobody listens, or nobody reads: it is said, and nobody waits.
test_privileged_without_a_log() {
	up
	mkdir "$T/dev"
	run unshare -m --propagation slave bash -c 'mount --rbind /dev "$0/dev" && mount -t tmpfs none "$0/dev/shm" && :
		for f in null zero urandom tty; do touch "$0/dev/shm/$f"; mount --bind /dev/$f "$0/dev/shm/$f"; done
		mount --move "$0/dev/shm" /dev; exec "$@"' "$T" "${RKTC[@]}" enter --privileged "$uuid" /bin/testapp echo "done"
	ok
	is "$out" 'done'
	has "$err" "not logged: send to '/dev/log'"
	down
}
test_privileged_with_fly() {
	start --stage1-from-dir=stage1-fly.aci "$TESTAPP" --user=alice --group=alice --exec=/bin/testapp -- echo up + sleep 100
	in_app ids
	has "$out" uid=1000
	run rkt enter --privileged "$uuid" /bin/testapp ids
	has "$out" uid=0,0,0
	down
}
