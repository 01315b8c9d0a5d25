#!/bin/bash
# Runs inside of the test bed, where systemd is pid 1 and the project is /host: pods as units.
# usage: units.sh CHECK...      the functions check_* below
# shellcheck disable=SC2016,SC2317 # functions are called by name; wait_for evaluates
set -u
B=${B:-build}
failed=0
rkt="/host/$B/rkt --insecure-options=image"
image=/host/build/images/testapp.aci

# --- what the checks use ------------------------------------------------------------------------
is() { # WHAT GOT WANTED
	[ "$2" = "$3" ] && { echo "  ok: $1"; return; }
	echo "  FAILED: $1: got '$2', wanted '$3'"
	failed=1
}
has() { # WHAT TEXT PART
	[[ $2 == *"$3"* ]] && { echo "  ok: $1"; return; }
	echo "  FAILED: $1: '$3' is not in '$2'"
	failed=1
}
wait_for() { # CMD…
	local end=$((SECONDS + 20))
	while [ $SECONDS -lt $end ]; do
		"$@" 2>/dev/null && return
		sleep .05
	done
	echo "  FAILED: waited in vain for: $*"
	failed=1
}
property() { systemctl show "$1" -p "$2" --value; } # UNIT NAME
is_over() { [[ $(property "$1" ActiveState) =~ ^(failed|inactive)$ ]]; }
says() { [ "$(journalctl -q -u "$1" -o cat | grep -c "$2")" -ge "${3:-1}" ]; } # UNIT TEXT [TIMES]
running() { $rkt list --no-legend | grep -c '[[:space:]]running[[:space:]]'; } # pods
# The hierarchy that processes are tracked in: version 2, the hybrid's one, or that of version 1 that systemd has for it.
hierarchy=/sys/fs/cgroup tracking='0:'
[ "$(stat -fc %T $hierarchy)" = cgroup2fs ] || hierarchy=/sys/fs/cgroup/unified
[ -d $hierarchy ] || { hierarchy=/sys/fs/cgroup/systemd tracking='[0-9]*:name=systemd'; }
group_of() { sed -n "s/^${2:+[0-9]*:}${2:-$tracking}\(,[^:]*\)\?://p" "/proc/$1/cgroup"; } # PID [CONTROLLER]
app_of() { xargs <"/proc/$(pid1_of "$1")/task/$(pid1_of "$1")/children"; } # UUID: its only app's process
# A service that is a pod: unit NAME [-p PROPERTY=VALUE]... -- rkt's arguments after run
unit() {
	local name=$1 properties=()
	shift
	while [ "$1" != -- ]; do
		properties+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2086
	systemd-run -q --unit="$name" -p Type=notify -p KillMode=mixed "${properties[@]}" $rkt run "$@"
}
# The same, with the output and status of the pod.
wait_unit() {
	local properties=()
	while [ "$1" != -- ]; do
		properties+=("$1")
		shift
	done
	shift
	# shellcheck disable=SC2086
	out=$(systemd-run -q --wait --pipe -p Type=notify "${properties[@]}" $rkt run "$@" 2>&1)
	status=$?
}
no_groups_left() { is "no group is left${1:+ $1}" "$(find /sys/fs/cgroup -type d -name 'rkt-????????-*')" ''; }
pod_of() { # UNIT: the UUID, from the end of its command line
	tr '\0' '\n' <"/proc/$(property "$1" MainPID)/cmdline" | tail -n 1
}
pid1_of() { cat "/var/lib/rkt/pods/run/$1/pid"; }

# --- the life of a unit -------------------------------------------------------------------------
check_notify() {
	unit notify -- "$image" --name=a --exec=/bin/testapp -- on-term 0 --- "$image" --name=b --exec=/bin/testapp -- on-term 0
	is 'the unit was started' $? 0
	is 'and is active' "$(property notify ActiveState)" active
	local uuid main
	uuid=$(pod_of notify)
	main=$(property notify MainPID)
	is 'the main process is the pod itself' "$(awk '/^PPid/ { print $2 }' "/proc/$(pid1_of "$uuid")/status")" "$main"
	is 'each app had been executed by then' "$(cd "/var/lib/rkt/pods/run/$uuid/stage1/rootfs/rkt/status" && echo *-started)" 'a-started b-started'
	is 'rkt lists it' "$(running)" 1
	systemctl stop notify
	unit missing -- "$image" --exec=/bin/missing 2>/dev/null
	is 'a pod whose program is missing does not start' $? 1
	is 'with the status of that' "$(property missing ExecMainStatus)" 203
	is 'and leaves the unit failed' "$(property missing ActiveState)" failed
}
check_stop() {
	unit stop -- "$image" --name=a --exec=/bin/testapp -- on-term 5 --- "$image" --name=b --exec=/bin/testapp -- on-term 0
	local uuid
	uuid=$(pod_of stop)
	wait_for says stop '^waiting' 2
	systemctl stop stop
	wait_for says stop 'got TERM' 2 # the journal is not instant
	is 'each app was asked to end' "$(journalctl -q -u stop -o cat | grep -c 'got TERM')" 2
	is "the pod's status is the unit's" "$(property stop ExecMainStatus)" 5
	is 'which was not killed' "$(property stop ExecMainCode) $(property stop Result)" '1 exit-code'
	has 'the status of one app is kept' "$($rkt status "$uuid")" 'app-a=5'
	has 'of the other, too' "$($rkt status "$uuid")" 'app-b=0'
	no_groups_left
	# With the default, systemd asks every process by itself: the pod's own must not take it for more.
	unit group -p KillMode=control-group -- "$image" --exec=/bin/testapp -- on-term 6
	wait_for says group '^waiting'
	systemctl stop group
	is 'KillMode=control-group changes nothing' "$(property group ExecMainStatus)" 6
	unit stubborn -p TimeoutStopSec=1 -- "$image" --exec=/bin/testapp -- ignore-term + sleep 1000
	uuid=$(pod_of stubborn)
	systemctl stop stubborn
	is 'an app that does not end is killed by TimeoutStopSec=' "$(property stubborn Result)" timeout
	is 'with its pod' "$(running)" 0
	no_groups_left 'of that'
}
check_status() {
	wait_unit -- "$image" --exec=/bin/testapp -- echo some words + exit 7
	is 'the exit status of the pod is that of the unit' "$status" 7
	is 'its output goes where that of the unit goes' "$out" 'some words'
	wait_unit -- "$image" --exec=/bin/testapp -- kill 9
	is 'a signal is told as a status' "$status" 137
	# shellcheck disable=SC2086
	systemd-run -q --scope $rkt run "$image" --exec=/bin/testapp -- exit 8
	is 'in a scope, too' $? 8
	unit ending -p SuccessExitStatus=9 -- "$image" --exec=/bin/testapp -- exit 9
	wait_for is_over ending
	is 'SuccessExitStatus= knows it' "$(property ending Result)" success
	wait_unit -p User=nobody -- "$image" --exec=/bin/testapp -- exit 0
	is 'without root there is no pod' "$status $out" '254 run: cannot run as unprivileged user'
	# A shell that starts two is one unit.
	local one="$rkt run $image --exec=/bin/testapp -- exit"
	local two="($one 2; echo \$?) & ($one 3; echo \$?) & wait"
	is 'two pods in one unit' "$(systemd-run -q --wait --pipe bash -c "$two" | sort | xargs)" '2 3'
	no_groups_left
}
check_restart() {
	unit again -p Restart=on-failure -p RestartSec=100ms -- "$image" --exec=/bin/testapp -- on-term 0
	local first
	first=$(pod_of again)
	$rkt stop --force "$first" >/dev/null
	wait_for eval '[ "$(property again NRestarts)$(property again ActiveState)" = 1active ]'
	is 'it is another pod' "$([ "$(pod_of again)" != "$first" ] && echo yes)" yes
	$rkt stop "$(pod_of again)" >/dev/null
	wait_for is_over again
	is 'an orderly end is no failure' "$(property again Result)" success
	sleep .3
	is 'and no reason to start again' "$(property again ActiveState)" inactive
}
check_kill() {
	unit all -- "$image" --exec=/bin/testapp -- ignore-term + sleep 1000
	systemctl kill -s KILL all
	wait_for is_over all
	is 'all processes killed: the unit says so' "$(property all Result)" signal
	unit main -- "$image" --exec=/bin/testapp -- ignore-term + sleep 1000
	local app
	app=$(app_of "$(pod_of main)")
	systemctl kill -s KILL --kill-who=main main
	wait_for is_over main
	is 'the main process killed: so is its app' "$(cat "/proc/$app/comm" 2>/dev/null)" ''
	is 'no pod runs' "$(running)" 0
	no_groups_left
}
check_enter() {
	unit entered -- "$image" --exec=/bin/testapp -- on-term 0
	local uuid group
	uuid=$(pod_of entered)
	group=$(group_of "$(app_of "$uuid")")
	is "the app stays below the unit's group" "$group" "$(property entered ControlGroup)/rkt-$uuid/testapp"
	$rkt enter "$uuid" /bin/testapp sleep 1000 &
	wait_for grep -qxF $! "$hierarchy$group/cgroup.procs"
	is "who enters from elsewhere joins the app's group" "$(grep -cxF $! "$hierarchy$group/cgroup.procs")" 1
	systemctl stop entered
	wait $!
	is 'and ends with the pod' "$?" 137
	no_groups_left
}
check_fly() {
	unit fly -- --stage1-path="/host/$B/stage1-fly.aci" "$image" --exec=/bin/testapp -- on-term 4
	is 'the unit is active' "$(property fly ActiveState)" active
	wait_for says fly '^waiting'
	systemctl stop fly
	is "the app's status is the unit's" "$(property fly ExecMainStatus)" 4
	unit fly2 -- --stage1-path="/host/$B/stage1-fly.aci" "$image" --exec=/bin/testapp -- on-term 0
	systemctl kill -s KILL fly2
	wait_for is_over fly2
	is 'nothing runs' "$(running)" 0
}
check_gc() {
	cp /host/dist/init/systemd/rkt-gc.* /etc/systemd/system/
	ln -sf "/host/$B/rkt" /usr/bin/rkt
	wait_unit -- "$image" --exec=/bin/testapp -- exit 0
	mkdir -p /etc/systemd/system/rkt-gc.service.d
	printf '[Service]\nEnvironment=GRACE_PERIOD=0s\n' >/etc/systemd/system/rkt-gc.service.d/at-once.conf
	systemctl daemon-reload
	is 'the units are fine' "$(systemd-analyze verify rkt-gc.service rkt-gc.timer 2>&1)" ''
	systemctl start rkt-gc.service
	is 'the service collects' "$(property rkt-gc Result) $($rkt list --no-legend)" 'success '
	wait_unit -- "$image" --exec=/bin/testapp -- exit 0
	systemctl start rkt-gc.timer
	wait_for eval '[ "$($rkt list --no-legend)" = "" ]'
	is 'the timer is set' "$(property rkt-gc.timer ActiveState)" active
	systemctl stop rkt-gc.timer
}

# --- limits, where there are controllers --------------------------------------------------------
# A file of version 2, or what it is called in version 1.
knob() { # PID CONTROLLER V2_FILE V1_FILE
	if [ $hierarchy = /sys/fs/cgroup ]; then
		cat "$hierarchy$(group_of "$1")/$3"
	else
		cat "/sys/fs/cgroup/$2$(group_of "$1" "$2")/$4"
	fi
}
check_limits() {
	wait_unit -p Delegate=yes -- "$image" --memory=32M --exec=/bin/testapp -- alloc 300
	is 'more memory than allowed: killed' "$status" 137
	unit throttled -p Delegate=yes -- "$image" --cpu=100m --exec=/bin/testapp -- cpu 1 + on-term 3
	local app
	app=$(app_of "$(pod_of throttled)")
	is 'a limit of cpu alone is set' "$(knob "$app" cpu cpu.max cpu.cfs_quota_us | cut -d' ' -f 1)" 10000
	wait_for eval '[ "$(knob "$app" cpu cpu.stat cpu.stat | awk "/^nr_throttled/ { print \$2 }")" -gt 0 ]'
	echo '  ok: and throttles'
	systemctl kill -s KILL throttled
	wait_for is_over throttled
	$rkt gc --grace-period=0 >/dev/null # version 1: systemd removes groups only in its own hierarchies
	no_groups_left 'of a pod that was killed'
	wait_unit -- "$image" --memory=32M --cpu=100m --exec=/bin/testapp -- exit 3
	is 'without Delegate= it works as long as nobody else is in the unit' "$status" 3
	no_groups_left
}
# Shares that have no weight in proportion.
check_weights() {
	local shares
	for shares in 2 262144; do
		wait_unit -p Delegate=yes -- --uuid-file-save=/run/weights "$image" --name=x --cpu-shares=$shares --exec=/bin/testapp -- exit 5
		is "$shares shares: it runs" "$status" 5
		has 'and tells' "$($rkt status --uuid-file=/run/weights)" 'isolator-x=os/linux/cpu-shares: changed (version 2 of control groups has weights from 1 to 10000'
	done
	wait_unit -p Delegate=yes -- --strict-isolators "$image" --cpu-shares=2 --exec=/bin/testapp -- exit 5
	is 'or does not, where it must not be changed' "$status" 254
	no_groups_left
}
# By what they do, as tests/integration/resources.sh has it for the kernel that it runs on.
check_resources() {
	local got disk
	wait_unit -p Delegate=yes -- "$image" --pids-limit=12 --exec=/bin/testapp -- forks 100
	is 'a fork bomb stops' "$out $status" 'forked 11: Resource temporarily unavailable 137'
	wait_unit -p Delegate=yes -- --pod-pids=12 "$image" --exec=/bin/testapp -- forks 100
	is 'at the limit of the pod, too' "$out $status" 'forked 11: Resource temporarily unavailable 137'
	wait_unit -p Delegate=yes -- --pod-memory=1Mi "$image" --exec=/bin/testapp -- exit 7
	is 'the least memory that a pod can have is enough' "$status" 7
	wait_unit -p Delegate=yes -- --pod-memory=32M --uuid-file-save=/run/oom "$image" --exec=/bin/testapp -- alloc 300
	has 'and a hog, for a reason that is told' "$($rkt status --uuid-file=/run/oom)" 'reason-testapp=oom'
	check_killed_around
	modprobe loop
	truncate -s 32M /run/disk
	disk=$(losetup -f --show /run/disk)
	cat >/run/pod.json <<-END
		{"acKind": "PodManifest", "acVersion": "0.8.11", "apps": [{"name": "x", "image": {"id": "$($rkt fetch --full "$image")"}, "mounts": [{"volume": "d", "path": "/disk"}],
		"app": {"exec": ["/bin/testapp", "direct", "/disk", "48", "64"], "user": "0", "group": "0",
		"isolators": [{"name": "resource/block-bandwidth", "value": {"default": true, "limit": "1Mi"}}]}}],
		"volumes": [{"name": "d", "kind": "host", "source": "$disk"}]}
	END
	wait_unit -p Delegate=yes -- --pod-manifest=/run/pod.json
	got=$(awk '/^direct/ { print int($2) }' <<<"$out")
	is "block devices are slowed down to 1024 KiB a second, within 10 %: $got" "$([ "${got:-0}" -ge 922 ] && [ "$got" -le 1126 ] && echo yes)" yes
	losetup -d "$disk"
	no_groups_left
}
# By the limit of the unit: the app has none, and no group that counts.
check_killed_around() {
	[ $hierarchy = /sys/fs/cgroup ] || return 0
	wait_unit -p MemoryMax=40M -p OOMPolicy=continue -- --uuid-file-save=/run/oom "$image" --exec=/bin/testapp -- alloc 300
	has 'the limit of the unit, too' "$status $($rkt status --uuid-file=/run/oom)" 'reason-testapp=oom'
	wait_unit -p MemoryMax=40M -- --uuid-file-save=/run/oom "$image" --exec=/bin/testapp -- kill 9
	is 'and nothing else is taken for that' "$status $($rkt status --uuid-file=/run/oom | grep -c reason)" '137 0'
}
check_devices() {
	out=$(systemd-run -q --wait --pipe $rkt --insecure-options=image,seccomp run "$image" --caps-retain=CAP_SYS_ADMIN,CAP_MKNOD \
		--exec=/bin/testapp -- try mount + mknod /tmp/null 1 3 + mknod /tmp/fuse 10 229 2>&1)
	is 'no devices but the default ones open' "$out" $'mount: ok\nopen /tmp/null: ok\nopen /tmp/fuse: Operation not permitted'
}
# The app sees its own groups and nothing else, where programs look for them.
check_shown() {
	wait_unit -p Delegate=yes -- "$image" --memory=64M --exec=/bin/testapp -- cat "$1"
	is 'the app reads its own limit' "$out" 64000000
	wait_unit -- "$image" --exec=/bin/testapp -- mkdir /sys/fs/cgroup/x
	has 'and changes none' "$out" 'Read-only file system'
}
check_shown_v2() { check_shown /sys/fs/cgroup/memory.max; }
check_shown_v1() { check_shown /sys/fs/cgroup/memory/memory.limit_in_bytes; }
# From a session: a group with a shell in it, which is not rkt's to change.
check_session() {
	# shellcheck disable=SC2086
	systemd-run -q --scope --unit=session-9 bash -c "$rkt run --uuid-file-save=/run/u $image --memory=64M --exec=/bin/testapp -- on-term 4; echo \$? >/run/status" &
	wait_for test -s /run/u
	local uuid
	uuid=$(cat /run/u)
	wait_for test -s "/var/lib/rkt/pods/run/$uuid/pid"
	is 'a pod with limits has a scope of its own' "$(group_of "$(app_of "$uuid")")" "/machine.slice/rkt-$uuid.scope/rkt-$uuid/testapp"
	is 'with the limits' "$(knob "$(app_of "$uuid")" memory memory.max -)" 64000000
	is 'the session is left as it was' "$(cat "$hierarchy$(property session-9.scope ControlGroup)/cgroup.subtree_control")" ''
	$rkt stop "$uuid" >/dev/null
	wait
	is 'the status of the pod is its own' "$(cat /run/status)" 4
	wait_for is_over "rkt-$uuid.scope"
	is 'and the scope goes with it' "$(property "rkt-$uuid.scope" ActiveState)" inactive
	no_groups_left
}
# From a group that no unit is: one that somebody made, or the root.
in_group() { # DIR CMD…: a shell that joins it and becomes CMD
	systemd-run -q --scope bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$@"
}
# The same, where systemd cannot be found.
without_systemd() { unshare -m --propagation private bash -c 'mount -t tmpfs none /run/systemd && exec "$@"' bash "$@"; }
export -f without_systemd
ready() { [ -s /run/u ] && [ -s "/var/lib/rkt/pods/run/$(cat /run/u)/pid" ]; }
check_place_from_root() { # WHAT, GROUP OF THE POD'S with UUID in the place of its own, STATUS, COMMAND that becomes rkt…
	local uuid job what=$1 group=$2 own=$3
	shift 3
	# shellcheck disable=SC2086
	in_group $hierarchy "$@" $rkt run --uuid-file-save=/run/u "$image" --exec=/bin/testapp -- on-term "$own" &
	job=$!
	wait_for ready
	uuid=$(cat /run/u)
	is "$what" "$(group_of "$(app_of "$uuid")")" "${group//UUID/$uuid}/testapp"
	$rkt stop "$uuid" >/dev/null
	wait $job
	is "$what, with its own status" $? "$own"
	rm /run/u
}
check_root() {
	check_place_from_root 'from the root group a pod goes to a scope' /machine.slice/rkt-UUID.scope/rkt-UUID 4
	# shellcheck disable=SC2016
	check_place_from_root 'without systemd to a slice' /rkt.slice/rkt-UUID 5 bash -c 'without_systemd "$@"' bash
	is 'the slice goes with its pod' "$(find /sys/fs/cgroup -name rkt.slice)" ''
	no_groups_left
}
# With limits of version 2: of the root, and in a namespace whose root may hold no processes beside controllers.
check_slice_limits() {
	local box=$hierarchy/box uuid job
	# shellcheck disable=SC2086
	out=$(in_group $hierarchy bash -c 'without_systemd "$@"' bash $rkt run "$image" --memory=32M --pids-limit=12 --exec=/bin/testapp -- forks 100 2>&1)
	is 'in the slice of the root limits hold' "$out" 'forked 11: Resource temporarily unavailable'
	is 'and the slice goes' "$(find /sys/fs/cgroup -name rkt.slice)" ''
	echo '+memory +pids +cpu' >$hierarchy/cgroup.subtree_control
	mkdir $box
	echo 300M >$box/memory.max
	# shellcheck disable=SC2086
	in_group $box unshare -C -m --propagation private bash -c 'umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' bash \
		$rkt run --uuid-file-save=/run/u "$image" --memory=64M --exec=/bin/testapp -- on-term 4 &
	job=$!
	wait_for ready
	uuid=$(cat /run/u)
	is 'a container that rkt has for itself' "$(group_of "$(app_of "$uuid")")" "/box/rkt.slice/rkt-$uuid/testapp"
	is 'has limits for its apps' "$(cat $box/rkt.slice/rkt-*/testapp/memory.max)" 64000000
	is 'and rkt out of the way' "$(grep -c . $box/cgroup.procs) $(group_of "$(awk '/^PPid/ { print $2 }' "/proc/$(pid1_of "$uuid")/status")")" "0 /box/rkt.slice/rkt-$uuid/supervisor"
	$rkt stop "$uuid" >/dev/null
	wait $job
	is 'it ends as it should' $? 4
	rm /run/u
	is 'and all is as before' "$(find $box -mindepth 1 -type d) $(cat $box/cgroup.subtree_control)" ' '
	rmdir $box
	# Killed, and collected by somebody who is elsewhere.
	# shellcheck disable=SC2086
	in_group $hierarchy bash -c 'without_systemd "$@"' bash $rkt run --uuid-file-save=/run/u "$image" --memory=64M --exec=/bin/testapp -- on-term 4 &
	job=$!
	wait_for ready
	kill -9 "$(awk '/^PPid/ { print $2 }' "/proc/$(pid1_of "$(cat /run/u)")/status")"
	wait $job
	rm /run/u
	has 'a killed pod leaves its groups' "$(find $hierarchy/rkt.slice -type d)" /testapp
	$rkt gc --grace-period=0 >/dev/null
	is 'which gc finds, and the slice' "$(find /sys/fs/cgroup -name rkt.slice)" ''
	no_groups_left
}
# A group with limits of somebody's and a shell in it.
check_bounded() {
	local box=$hierarchy/box
	echo '+memory +pids +cpu' >$hierarchy/cgroup.subtree_control
	mkdir $box
	out=$(in_group $box bash -c "$rkt run $image --memory=32M --exec=/bin/testapp -- cgroup; exit \$?" 2>&1)
	is 'from a group without limits a pod may go to a scope' "$?" 0
	echo 50 >$box/pids.max
	for without in '' 'without_systemd '; do
		out=$(in_group $box bash -c "$without$rkt run $image --memory=32M; exit \$?" 2>&1)
		is 'limits of apps are no way out of limits' "$?" 254
		has 'and the way in is told' "$out" "limits of apps need rkt alone in a control group: '/box' has limits that the pod would escape outside of it"
		is 'in one line' "$(wc -l <<<"$out")" 1
	done
	out=$(in_group $box bash -c "$rkt run $image --exec=/bin/testapp -- forks 100; exit \$?" 2>&1)
	[[ $out =~ ^forked\ (.*): ]]
	is "without limits it runs there, within theirs: ${BASH_REMATCH[1]}" "$([ "${BASH_REMATCH[1]}" -lt 50 ] && echo yes)" yes
	rmdir $box
	no_groups_left
}
check_crowded() {
	# shellcheck disable=SC2086
	out=$(systemd-run -q --wait --pipe -p Delegate=yes bash -c "$rkt run $image --memory=32M; exit \$?" 2>&1)
	is 'a service with other processes cannot have limits' "$?" 254
	has 'and is told what it needs' "$out" 'need Delegate=yes in the systemd service'
	is 'in one line' "$(wc -l <<<"$out")" 1
}
check_delegated() {
	unit dlg -p Delegate=yes -p 'ExecReload=/bin/sh -c "echo reloaded"' -- "$image" --memory=64M --cpu=500m --exec=/bin/testapp -- on-term 0
	local uuid unit main
	uuid=$(pod_of dlg)
	unit=$(property dlg ControlGroup)
	main=$(property dlg MainPID)
	is 'the main process has stepped aside' "$(group_of "$main")" "$unit/rkt-$uuid/supervisor"
	is 'the app has its limits' "$(knob "$(app_of "$uuid")" memory memory.max memory.limit_in_bytes)" 64000000
	systemctl set-property --runtime dlg MemoryMax=500M
	systemctl daemon-reload
	is 'still after systemd looked at all units' "$(knob "$(app_of "$uuid")" memory memory.max memory.limit_in_bytes)" 64000000
	systemctl reload dlg
	is 'ExecReload= works beside it' $? 0
	wait_for says dlg '^waiting'
	systemctl stop dlg
	is 'it stops in order' "$(property dlg Result)" success
	no_groups_left
}

# --- the documentation --------------------------------------------------------------------------
# Each block of the page that begins with the name of a unit file becomes that file.
have_controllers() { [ -d /sys/fs/cgroup/memory ] || grep -qsw memory /sys/fs/cgroup/cgroup.controllers; }
check_documentation() {
	local page=/host/Documentation/using-rkt-with-systemd.md unit
	awk '/^```/ { file = "" } file { print >file } /^# \/etc\/systemd\/system\// { file = $2; print >file }' "$page"
	ln -sf "/host/$B/rkt" /usr/bin/rkt
	mkdir -p /srv/redis
	chmod 777 /srv/redis
	$rkt fetch /host/build/images/redis.aci /host/build/images/busybox.aci >/dev/null
	systemctl daemon-reload
	# shellcheck disable=SC2013
	for unit in $(sed -n 's|^# /etc/systemd/system/||p' "$page"); do
		is "systemd understands $unit" "$(systemd-analyze verify "$unit" 2>&1)" ''
		! grep -q -e --memory "/etc/systemd/system/$unit" || have_controllers || continue
		systemctl start "$unit"
		is "$unit is active" "$(property "$unit" ActiveState)" active
		# redis is told to end once it listens to that
		[ "$unit" != redis.service ] || wait_for says redis 'Ready to accept'
		systemctl stop "$unit"
		is "$unit ends without complaint" "$(property "$unit" Result)" success
	done
	no_groups_left
}

# Users of a pod's own, with overlays over layers with mapped ids as this kernel has them; and a filesystem that it cannot map.
check_users() {
	local out dir
	dir=$(mktemp -d)
	mkdir "$dir/disk" "$dir/ram"
	mount -t tmpfs -o mode=700 users "$dir/ram"
	truncate -s 300M "$dir/ram/image"
	mkfs.ext4 -q "$dir/ram/image"
	modprobe loop
	mount -o loop "$dir/ram/image" "$dir/disk"
	chmod 700 "$dir/disk"
	out=$($rkt --dir="$dir/disk" run --private-users $image --exec=/bin/testapp -- ids + stat /bin/testapp /dev/null + write /x y + stat /x 2>&1)
	has 'user of the pod' "$out" 'uid=0,0,0'
	has 'owner in an overlay' "$out" '/bin/testapp: file 0755 0:0'
	has 'owner of a device' "$out" '/dev/null: char 0666 0:0'
	has 'owner of what is written' "$out" '/x: file 0644 0:0'
	is 'owner on disk' "$(stat -c %u "$dir"/disk/pods/run/*/overlay/testapp/upper/x)" 0
	out=$($rkt --dir="$dir/disk" run --private-users --no-overlay $image --exec=/bin/testapp -- ids + stat /bin/testapp 2>&1)
	has 'owner in a copy' "$out" '/bin/testapp: file 0755 0:0'
	out=$($rkt --dir="$dir/ram" run --private-users $image 2>&1)
	has 'a filesystem that cannot' "$out" tmpfs
	is 'pods left of that' "$(find "$dir/ram/pods" -mindepth 2 -maxdepth 2 -name '*-*')" ''
	umount "$dir/disk" "$dir/ram"
	rmdir "$dir/disk" "$dir/ram" "$dir"
}

# --- labels of security modules -----------------------------------------------------------------
# A label is the manifest's to say: no flag gives it.
labelled() { # ISOLATOR VALUE WORD…: /run/pod.json, whose app is testapp with these words
	local words
	words=$(printf ', "%s"' "${@:3}")
	cat >/run/pod.json <<-END
		{"acKind": "PodManifest", "acVersion": "0.8.11", "apps": [{"name": "x", "image": {"id": "$($rkt fetch --full "$image")"},
		"app": {"exec": ["/bin/testapp"$words], "user": "0", "group": "0", "isolators": [{"name": "$1", "value": $2}]}}]}
	END
}
# May it make /free and not /denied, as the app itself and as somebody who enters?
is_confined() { # ISOLATOR VALUE LABEL DENIED
	local uuid
	labelled "$1" "$2" mkdir "$4"
	wait_unit -- --pod-manifest=/run/pod.json
	is 'the app is denied what it should be' "$status $out" "1 $4: Permission denied"
	labelled "$1" "$2" write /free x + on-term 0
	unit labelled -- --pod-manifest=/run/pod.json
	wait_for says labelled '^waiting'
	uuid=$(pod_of labelled)
	is 'and nothing else, under its label' "$(tr -d '\0' <"/proc/$(app_of "$uuid")/attr/current")" "$3"
	out=$($rkt enter "$uuid" /bin/testapp cat /proc/self/attr/current + write /more x + mkdir "$4" 2>&1)
	has 'who enters is under it, too' "$out" "$3"
	has 'and denied the same' "$out" "$4: Permission denied"
	systemctl stop labelled
	no_groups_left
}
check_apparmor() {
	labelled os/linux/apparmor-profile '"rkt-test"' exit 0
	out=$($rkt run --pod-manifest=/run/pod.json 2>&1)
	is 'a profile that is not loaded is refused' "$?" 254
	has 'with what to do' "$out" "profile 'rkt-test' is not loaded (see apparmor_parser(8))"
	is 'before anything of the pod is made' "$(find /var/lib/rkt/pods -mindepth 2 -maxdepth 2)" ''
	cat /etc/apparmor.policy >/sys/kernel/security/apparmor/.load
	is_confined os/linux/apparmor-profile '"rkt-test"' 'rkt-test (enforce)' /denied
}
check_selinux() {
	cat /etc/selinux.policy >/sys/fs/selinux/load
	echo 1 >/sys/fs/selinux/enforce
	is_confined os/linux/selinux-context '{"user": "system_u", "role": "system_r", "type": "app_t", "level": "s0:c1"}' \
		system_u:system_r:app_t:s0:c1 /denied
	labelled os/linux/selinux-context '{"user": "system_u", "role": "system_r", "type": "nobody_t", "level": "s0"}' exit 0
	$rkt gc --grace-period=0
	$rkt gc --grace-period=0
	out=$($rkt run --pod-manifest=/run/pod.json 2>&1)
	is 'a context that the policy does not know is refused' "$?" 254
	has 'with what is wrong' "$out" "app 'x': isolator 'os/linux/selinux-context': the loaded policy of SELinux does not know the context 'system_u:system_r:nobody_t:s0'"
	is 'before anything of the pod is made' "$(find /var/lib/rkt/pods -mindepth 2 -maxdepth 2 -name '*-*')" ''
	echo 0 >/sys/fs/selinux/enforce
}

check_pure_v2() { is 'all control groups are of version 2' "$(grep -c cgroup /proc/self/mountinfo) $hierarchy" '1 /sys/fs/cgroup'; }
check_hybrid() { is 'control groups are of both versions' $hierarchy /sys/fs/cgroup/unified; }
check_v1() { is 'all control groups are of version 1' $hierarchy /sys/fs/cgroup/systemd; }

# --- main ---------------------------------------------------------------------------------------
# An overlay needs another filesystem than the test bed's root, which is one.
mkdir -p /var/lib/rkt
mount -t tmpfs -o mode=700 rkt /var/lib/rkt
for check; do
	echo "$check:"
	before=$failed failed=0
	"check_$check"
	[ $failed = 0 ] || journalctl -q --no-pager -n 30
	failed=$((failed | before))
done
$rkt gc --grace-period=0 >/dev/null && $rkt gc --grace-period=0 >/dev/null
is 'gc collects everything' "$(find /var/lib/rkt/pods -mindepth 2 -maxdepth 2)" ''
is 'nothing is mounted' "$(grep -c ' /var/lib/rkt/' /proc/self/mountinfo)" 0
exit $failed
