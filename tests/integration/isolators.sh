# shellcheck shell=bash
# What became of each isolator: on standard error where it is not what was asked for, and in `rkt status`.

strange='{name: "example.com/strange", value: {}}'
nnp='{name: "os/linux/no-new-privileges", value: true}'
test_report_is_in_status() {
	aci=$(image_with iso ".app.exec = [\"/bin/testapp\", \"echo\", \"ran\"] | .app.isolators = [$strange, $nnp]")
	run rkt run --uuid-file-save="$T/u" "$aci" --name=x --caps-retain=CAP_KILL
	ok
	is "$err" "app 'x': isolator 'example.com/strange' is ignored: it is not known"
	run rkt status --uuid-file="$T/u"
	ok
	has "$out" 'isolator-x=example.com/strange: ignored (it is not known)' \
		'isolator-x=os/linux/no-new-privileges: enforced' 'isolator-x=os/linux/capabilities-retain-set: enforced'
	run rkt status --uuid-file="$T/u" --format=json
	is "$(jq -c '.apps.x.isolators[0]' <<<"$out")" '{"isolator":"example.com/strange","state":"ignored","why":"it is not known"}'
	is "$(jq -r '.apps.x.isolators[1].state' <<<"$out")" enforced
}
test_nothing_is_written_without_isolators() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --exec=/bin/testapp -- echo ran
	ok
	run ls "$DATA/pods/run/$(cat "$T/u")"
	has "$out" pod
	hasnt "$out" isolators.json
}
test_insecure_options_leave_isolators_out() {
	run "$RKT" --dir="$DATA" --insecure-options=image,capabilities run --uuid-file-save="$T/u" "$TESTAPP" --name=x --caps-retain=CAP_KILL --exec=/bin/testapp -- echo ran
	ok
	is "$err" "app 'x': isolator 'os/linux/capabilities-retain-set' is ignored: --insecure-options=capabilities"
	run rkt status --uuid-file="$T/u"
	has "$out" 'insecure=capabilities'
}
test_strict_isolators() {
	aci=$(image_with iso ".app.exec = [\"/bin/testapp\", \"echo\", \"ran\"] | .app.isolators = [$strange, $nnp]")
	run rkt run --strict-isolators "$aci" --name=x
	refused "app 'x': isolator 'example.com/strange' is ignored: it is not known (--strict-isolators)"
	is "$out" ''
	run rkt run --strict-isolators --uuid-file-save="$T/u" "$aci" --name=x
	run rkt status --uuid-file="$T/u"
	has "$out" 'isolator-x=example.com/strange: ignored (it is not known)' 'isolator-x=os/linux/no-new-privileges: enforced'
	run rkt run --strict-isolators "$TESTAPP" --caps-retain=CAP_KILL --exec=/bin/testapp -- echo ran
	ok
	is "$out" ran
	# it is the pod's: who runs it need not know
	run rkt prepare --strict-isolators "$aci" --name=x
	ok
	run rkt run-prepared "$out"
	refused 'example.com/strange' '--strict-isolators'
	is "$out" ''
}
test_strict_isolators_and_a_stage1_that_enforces_none() {
	run rkt run --strict-isolators --stage1-path="$TOP/$B/stage1-fly.aci" "$TESTAPP" --name=x --memory=64M --exec=/bin/testapp -- echo ran
	refused "isolator 'resource/memory' is ignored: this flavor of stage1 enforces none"
	is "$out" ''
}
test_strict_isolators_and_a_stage1_that_says_nothing() {
	local root=$T/other
	mkdir "$root"
	tar -xf "$TOP/$B/stage1-fly.aci" -C "$root"
	jq 'del(.annotations[] | select(.name | endswith("isolator-report")))' "$root/manifest" >"$root/m"
	"$TOP/tests/images/mkaci.sh" "$root/rootfs" "$root/m" "$T/other.aci"
	run rkt run --strict-isolators --stage1-path="$T/other.aci" "$TESTAPP" --exec=/bin/testapp -- echo ran
	refused '--strict-isolators' 'does not say what it enforces'
	[ ! -d "$DATA/pods/run" ] || is "$(ls "$DATA/pods/run")" ''
}
test_pod_bounds_are_reported() {
	fetch testapp
	jq -n --arg id "$id" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "x", image: {id: $id},
		app: {exec: ["/bin/testapp", "echo", "ran"], user: "0", group: "0", isolators: [{name: "resource/memory", value: {limit: "64M"}}]}}],
		isolators: [{name: "resource/memory", value: {limit: "32M"}}, {name: "example.com/podwide", value: 1}]}' >pod.json
	run rkt run --uuid-file-save="$T/u" --pod-manifest=pod.json
	ok
	has "$err" "app 'x': isolator 'resource/memory' is changed: the pod's limit is lower" "pod: isolator 'example.com/podwide' is ignored: it is not known"
	run rkt status --uuid-file="$T/u"
	has "$out" 'isolator=resource/memory: enforced' 'isolator-x=resource/memory: changed' 'isolator=example.com/podwide: ignored'
}
# A stage1 may write what it likes there.
test_hostile_report() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --memory=64M --exec=/bin/testapp -- echo ran
	ok
	local dir
	dir=$DATA/pods/run/$(cat "$T/u")
	printf '{"pod":[{"isolator":"\\u001b[2J","state":"enforced"}],"apps":{}}' >"$dir/isolators.json"
	run rkt status --uuid-file="$T/u"
	ok
	hasnt "$out" $'\e'
	has "$out" 'isolator=\x1b[2J: enforced'
	echo '{"pod":' >"$dir/isolators.json"
	run rkt status --uuid-file="$T/u"
	ok
	hasnt "$out" isolator
}

# --- sysctls ---------------------------------------------------------------------------------------
test_sysctls_are_in_force_in_the_pod_alone() {
	local before
	before=$(cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_unprivileged_port_start)
	run rkt run --uuid-file-save="$T/u" --sysctl kernel.shmmni=1 "$TESTAPP" --exec=/bin/testapp -- shm 101 + shm 102
	has "$out" 'shm ok' 'shmget: No space left on device'
	run rkt status --uuid-file="$T/u"
	has "$out" 'isolator=os/unix/sysctl: enforced'
	# a port below 1024 for who has no capabilities
	run rkt run "$TESTAPP" --name=server --user=alice --group=alice --exec=/bin/testapp -- listen 80 --- "$TESTAPP" --name=client --exec=/bin/testapp -- sleep 0.1
	has "$out" 'listen: Permission denied'
	run rkt run --sysctl net/ipv4/ip_unprivileged_port_start=0 "$TESTAPP" --name=server --user=alice --group=alice --exec=/bin/testapp -- listen 80 \
		--- "$TESTAPP" --name=client --exec=/bin/testapp -- connect 80
	ok
	has "$out" 'server heard thanks'
	is "$(cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_unprivileged_port_start)" "$before" 'those of the host'
}
test_sysctl_of_a_pod_manifest_and_of_an_image() {
	fetch testapp
	jq -n --arg id "$id" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "x", image: {id: $id},
		app: {exec: ["/bin/testapp", "shm", "101", "+", "shm", "102"], user: "0", group: "0"}}],
		isolators: [{name: "os/unix/sysctl", value: {"kernel.shmmni": "1"}}]}' >pod.json
	run rkt run --pod-manifest=pod.json
	has "$out" 'shmget: No space left on device'
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "shm", "101"] | .app.isolators = [{name: "os/unix/sysctl", value: {"kernel.shmmni": "0"}}]')
	run rkt run "$aci" --name=x
	ok
	is "$err" "app 'x': isolator 'os/unix/sysctl' is ignored: it is one of pods, not of apps"
}
# Nothing of these reaches the host, and nothing of a pod is made for them.
test_cve_2022_0811_sysctls_of_the_host() {
	local before bad why
	before=$(cat /proc/sys/kernel/core_pattern)
	while IFS='|' read -r bad why; do
		run rkt run --sysctl "$bad" "$TESTAPP" --exec=/bin/testapp -- echo ran
		refused "$why"
		is "$out" ''
	done <<-'END'
		kernel.core_pattern=x|'kernel.core_pattern' is of no namespace of the pod
		kernel.shm_rmid_forced=1+kernel.core_pattern=y|is not one line of plain text
		net/../kernel/core_pattern=x|is not a name
		net.ipv4./../.kernel.core_pattern=x|is not a name
		vm.drop_caches=1|is of no namespace of the pod
		kernel.hostname=x|--hostname
		net.ipv4.ip_forward|NAME=VALUE wanted
		=1|NAME=VALUE wanted
	END
	run rkt run --sysctl $'net.ipv4.ip_forward=1\nx' "$TESTAPP"
	refused 'plain text'
	run rkt run --net=host --sysctl net.ipv4.ip_forward=1 "$TESTAPP"
	refused "sysctl 'net.ipv4.ip_forward' would be the host's, with --net=host"
	run rkt run --ipc=parent --sysctl kernel.shmmni=1 "$TESTAPP"
	refused "sysctl 'kernel.shmmni' would be the host's, with --ipc=parent"
	[ ! -e "$DATA/pods" ] || is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2)" '' pods
	is "$(cat /proc/sys/kernel/core_pattern)" "$before"
	# a prepared one meets its network later
	run rkt prepare --sysctl net.ipv4.ip_forward=1 "$TESTAPP" --exec=/bin/testapp -- echo ran
	ok
	local uuid=$out
	run rkt run-prepared --net=host "$uuid"
	refused --net=host
	run rkt run-prepared "$uuid"
	ok
	is "$out" ran
}
test_sysctl_that_is_not_there() {
	run rkt run --sysctl net.ipv4.no_such_thing=1 "$TESTAPP" --exec=/bin/testapp -- echo ran
	ended 254
	has "$err" "sysctl 'net.ipv4.no_such_thing'" 'No such file'
	hasnt "$out" ran
}
test_sysctl_on_a_kernel_without_openat2() {
	run "$HELPERS/nosys" openat2 "${RKTC[@]}" run --sysctl kernel.shmmni=1 "$TESTAPP" --exec=/bin/testapp -- shm 101 + shm 102
	has "$out" 'shmget: No space left on device'
}

# --- limits of processes ---------------------------------------------------------------------------
test_rlimits() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --name=x --rlimit nofile=3 --rlimit fsize=65536:131072 --exec=/bin/testapp -- cat /etc/passwd
	has "$out" 'Too many open files'
	run rkt status --uuid-file="$T/u"
	has "$out" 'isolator-x=os/linux/rlimits: enforced'
	run rkt run "$TESTAPP" --rlimit fsize=65536:131072 --exec=/bin/testapp -- fill /big 65536 + fill /big 200000
	ended 153 # SIGXFSZ
	run rkt run "$TESTAPP" --rlimit core=0 --user=alice --group=alice --exec=/bin/testapp -- limits
	matches "$out" 'Max core file size +0 +0 '
}
test_rlimits_are_inherited() {
	run bash -c 'ulimit -Sn 77; ulimit -Hn 88; exec "$@"' _ "${RKTC[@]}" run "$TESTAPP" --exec=/bin/testapp -- limits
	matches "$out" 'Max open files +77 +88 '
}
test_rlimits_of_enter() {
	start "$TESTAPP" --rlimit nofile=3 --exec=/bin/testapp -- sleep 60
	run rkt enter "$uuid" /bin/testapp cat /etc/passwd
	has "$out" 'Too many open files'
	rkt stop --force "$uuid" >/dev/null
	finish
}
test_rlimit_that_may_not_be_raised() {
	local run=(setpriv --inh-caps=-sys_resource --bounding-set=-sys_resource bash -c 'ulimit -n 1000; exec "$@"' _ "${RKTC[@]}")
	run "${run[@]}" run "$TESTAPP" --name=x --rlimit nofile=500:2000 --exec=/bin/testapp -- limits
	ok
	is "$err" "app 'x': isolator 'os/linux/rlimits' is changed: nofile is 1000, the most that may be set here"
	matches "$out" 'Max open files +500 +1000 '
	run "${run[@]}" run --strict-isolators "$TESTAPP" --name=x --rlimit nofile=500:2000 --exec=/bin/testapp -- limits
	refused 'nofile is 1000' '(--strict-isolators)'
	run "${run[@]}" run "$TESTAPP" --name=x --oom-score-adj=-900 --caps-retain=CAP_SYS_RESOURCE,CAP_KILL --exec=/bin/testapp -- echo ran
	ok
	has "$err" "isolator 'os/linux/oom-score-adj' is changed: it stays" "isolator 'os/linux/capabilities-retain-set' is changed: rkt does not hold CAP_SYS_RESOURCE"
}
# What takes CAP_SYS_RESOURCE an image does not give itself: rkt's own limits, and its own score, are the most.
test_attack_image_that_raises_its_own_limits() {
	local aci here
	as_is() { bash -c 'ulimit -n 1000; echo 100 >/proc/self/oom_score_adj; exec "$@"' _ "${RKTC[@]}" "$@"; }
	raising() { image_with iso ".app.exec = [\"/bin/testapp\", \"limits\"] | .app.isolators = [$1]"; }
	aci=$(raising '{name: "os/linux/rlimits", value: {nofile: "500:2000", core: "0"}}')
	run as_is run "$aci"
	refused 'the image asks for the limit nofile of' "above 1000, which is rkt's own: --rlimit=nofile=... grants it"
	[ ! -e "$DATA/pods" ] || is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2)" '' pods
	run as_is run "$aci" --rlimit=nofile=400:600
	ok
	matches "$out" 'Max open files +400 +600 '
	run as_is run --private-users "$aci" --name=x
	ok
	is "$err" "app 'x': isolator 'os/linux/rlimits' is changed: nofile is 1000, the most that may be set here"
	rkt fetch "$aci" >/dev/null
	here=$(id_of "$aci")
	jq -n --arg id "$here" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "x", image: {id: $id}}]}' >pod.json
	run as_is run --pod-manifest=pod.json
	refused "app 'x': the image asks for the limit nofile"
	aci=$(raising '{name: "os/linux/oom-score-adj", value: 50}')
	run as_is run "$aci"
	refused "the image asks for an OOM score of 50, below 100, which is rkt's own: --oom-score-adj=50 grants it"
	run as_is run "$aci" --oom-score-adj=50
	ok
	aci=$(raising '{name: "os/linux/oom-score-adj", value: 100}, {name: "os/linux/rlimits", value: {nofile: "1000"}}')
	run as_is run "$aci"
	ok
	is "$err" ''
}
test_bad_rlimits() {
	local bad why
	while IFS='|' read -r bad why; do
		run rkt run "$TESTAPP" --rlimit "$bad"
		refused --rlimit "$why"
	done <<-'END'
		files=3|'files' is not a limit
		nofile=x|SOFT or SOFT:HARD wanted
		nofile=5:4|the soft limit is above the hard one
		nofile=-3|SOFT or SOFT:HARD wanted
		nofile|NAME=SOFT[:HARD] wanted
		nofile=99999999999999999999|SOFT or SOFT:HARD wanted
	END
}

# --- security modules ------------------------------------------------------------------------------
test_selinux_context() {
	local enabled=
	[ ! -e /sys/fs/selinux/enforce ] || enabled=1
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "echo", "ran"] | .app.isolators = [{name: "os/linux/selinux-context", value: {user: "u", role: "r", type: "t", level: "s0"}}]')
	run rkt run "$aci" --name=x
	if [ "$enabled" ]; then # such a context is none
		ended 254
		has "$err" SELinux
		return
	fi
	ok
	is "$err" "app 'x': isolator 'os/linux/selinux-context' is ignored: SELinux is not enabled"
	run rkt run --strict-isolators "$aci" --name=x
	refused 'SELinux is not enabled'
	is "$out" ''
}
test_apparmor_profile_that_is_not_loaded() {
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "echo", "ran"] | .app.isolators = [{name: "os/linux/apparmor-profile", value: "rkt-check-no-such"}]')
	run rkt run "$aci" --name=x
	refused "app 'x': isolator 'os/linux/apparmor-profile': profile 'rkt-check-no-such'"
	is "$out" ''
	[ ! -e "$DATA/pods" ] || is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2)" '' pods
	fetch testapp
	jq -n --arg id "$id" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "x", image: {id: $id},
		app: {exec: ["/bin/testapp", "echo", "ran"], user: "0", group: "0"}}], isolators: [{name: "os/linux/apparmor-profile", value: "rkt-check-no-such"}]}' >pod.json
	run rkt run --pod-manifest=pod.json
	refused "profile 'rkt-check-no-such'"
}
test_no_new_privileges_of_the_pod() {
	fetch testapp
	jq -n --arg id "$id" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "x", image: {id: $id},
		app: {exec: ["/bin/testapp", "caps"], user: "0", group: "0", isolators: [{name: "os/linux/no-new-privileges", value: false}]}}],
		isolators: [{name: "os/linux/no-new-privileges", value: true}]}' >pod.json
	run rkt run --pod-manifest=pod.json
	has "$out" $'NoNewPrivs:\t1'
	is "$err" "app 'x': isolator 'os/linux/no-new-privileges' is changed: the pod's is true"
}
# Root of a pod with users of its own has no rights over limits, and all over its namespaces.
test_with_private_users() {
	run rkt run --private-users --sysctl kernel.shmmni=1 --sysctl net.ipv4.ip_unprivileged_port_start=0 "$TESTAPP" --name=x --rlimit nofile=100:200 \
		--seccomp mode=remove,errno=EXDEV,chmod --exec=/bin/testapp -- limits + sys64 90 + shm 101 + shm 102
	is "$err" ''
	matches "$out" 'Max open files +100 +200 '
	has "$out" 'sys64 90: Invalid cross-device link' 'shmget: No space left on device'
	run bash -c 'ulimit -n 1000; exec "$@"' _ "${RKTC[@]}" run --private-users "$TESTAPP" --name=x --rlimit nofile=2000 --exec=/bin/testapp -- limits
	is "$err" "app 'x': isolator 'os/linux/rlimits' is changed: nofile is 1000, the most that may be set here"
}
