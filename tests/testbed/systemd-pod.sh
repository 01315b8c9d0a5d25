#!/bin/bash
# Runs inside of a machine or container with systemd as pid 1, where the project is /host: a pod as a service.
set -u
failed=0
rkt='/host/build/rkt --dir=/run/rkt-test --insecure-options=image'
image=/host/build/images/testapp.aci
expect() { # WHAT GOT WANTED
	[ "$2" = "$3" ] && { echo "ok: $1"; return; }
	echo "FAILED: $1: got '$2', wanted '$3'"
	failed=1
}
property() { systemctl show "$1" -p "$2" --value; }
unit() { # NAME, then rkt's arguments
	local name=$1
	shift
	# shellcheck disable=SC2086
	systemd-run -q --unit="$name" -p Type=notify -p NotifyAccess=all -p KillMode=mixed -p Delegate=yes -p TimeoutStopSec=30 -p TimeoutStartSec=60 $rkt "$@"
}
stat -fc %T /sys/fs/cgroup
mkdir -p /run/rkt-test

unit stopped run "$image" --name=a --exec=/bin/testapp -- on-term 5 --- "$image" --name=b --exec=/bin/testapp -- on-term 0
expect 'Type=notify: started when the apps were' "$(property stopped ActiveState)" active
main=$(property stopped MainPID)
expect 'the main process is the pod' "$(cat "/proc/$main/comm" 2>/dev/null | grep -c .)" 1
uuid=$($rkt list --no-legend --full | awk '{print $1; exit}')
group=$(property stopped ControlGroup)
pid1=$(cat "/run/rkt-test/pods/run/$uuid/pid")
case $(grep ^0:: "/proc/$pid1/cgroup") in 0::"$group"*) inside=yes ;; *) inside=$(cat "/proc/$pid1/cgroup") ;; esac
expect "the pod stays in the unit's control group" "$inside" yes
# wait for both apps to have installed their handlers
for _ in $(seq 100); do
	[ "$(journalctl -q -u stopped -o cat 2>/dev/null | grep -c waiting)" -ge 2 ] && break
	sleep .1
done
systemctl stop stopped
expect 'stopping the unit told each app' "$(journalctl -q -u stopped -o cat | grep -c 'got TERM')" 2
expect "the exit status is the unit's" "$(property stopped ExecMainStatus)" 5
expect 'exited, not killed' "$(property stopped ExecMainCode)" 1
# shellcheck disable=SC2086
expect 'statuses are kept' "$($rkt status $uuid | grep -c 'app-[ab]=[05]')" 2

unit failing run "$image" --exec=/bin/testapp -- exit 9
for _ in $(seq 100); do
	[ "$(property failing ActiveState)" = failed ] && break
	sleep .1
done
expect 'a failing app fails the unit' "$(property failing ActiveState)" failed
expect 'with its status' "$(property failing ExecMainStatus)" 9

unit killed run "$image" --exec=/bin/testapp -- ignore-term + sleep 1000
systemctl kill -s KILL --kill-who=main killed
for _ in $(seq 100); do
	case $(property killed ActiveState) in failed | inactive) break ;; esac
	sleep .1
done
expect 'kill -9 of the main process ends the unit' "$(property killed ActiveState)" failed

if [ "${1:-}" = limits ]; then
	unit memory run "$image" --memory=32M --exec=/bin/testapp -- sleep 1 + alloc 300
	for _ in $(seq 300); do
		[ "$(property memory ActiveState)" = failed ] && break
		sleep .1
	done
	expect 'the memory limit is enforced' "$(property memory ExecMainStatus)" 137
fi
# shellcheck disable=SC2086
$rkt gc --grace-period=0 >/dev/null && $rkt gc --grace-period=0 >/dev/null
expect 'gc leaves no pod' "$(find /run/rkt-test/pods -mindepth 2 -maxdepth 2 | wc -l)" 0
expect 'nothing is mounted' "$(grep -c /run/rkt-test/ /proc/self/mountinfo)" 0
[ $failed = 0 ] || journalctl -q --no-pager -u 'stopped' -u failing -u killed -u memory | tail -n 40
exit $failed
