#!/bin/bash
# Boots systemd as pid 1 in a container on this kernel, runs COMMAND (bash) as a service there, prints its output, powers off and
# ends with its status; 125 where it did not boot.
#
# usage: boot-container.sh [-s SHARED_DIR] 'COMMAND'
#   -s SHARED_DIR   what is /host there (default: the current directory)
#
# Units of every type, Type=notify, scopes, slices, journald, Delegate=, freeze and kill work. Limits are enforced only where the
# host's cgroup v2 has the controllers: see vm-run.sh for those.
set -u
here=$(cd "$(dirname "$0")" && pwd)
TESTBED=${TESTBED:-$(realpath "$here/../..")/build/testbed}
share=$PWD
while getopts s: option; do
	case $option in
	s) share=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { sed -n 2,9p "$0" >&2; exit 2; }
[ -d "$TESTBED/rootfs" ] || { echo "boot-container.sh: run tests/testbed/build.sh tree first" >&2; exit 2; }

log=$(mktemp)
hierarchy=/sys/fs/cgroup/unified
[ -d $hierarchy ] || hierarchy=/sys/fs/cgroup
group=$hierarchy/rkt-testbed-$$
nspawn='' leader=''
cleanup() {
	[ -z "$leader" ] || nsenter -t "$leader" -a systemctl poweroff >/dev/null 2>&1
	if [ -n "$nspawn" ]; then
		for _ in $(seq 100); do
			kill -0 "$nspawn" 2>/dev/null || break
			sleep .1
		done
		kill -9 "$nspawn" 2>/dev/null
		wait "$nspawn" 2>/dev/null
	fi
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	rm -f "$log"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# It sees a version 2 of its own at /sys/fs/cgroup, whatever the host has there.
in_own_mounts='umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec "$@"'
mkdir "$group" || exit 125
(
	echo $BASHPID >"$group/cgroup.procs"
	exec unshare -m --propagation private sh -c "$in_own_mounts" sh \
		systemd-nspawn -q -D "$TESTBED/rootfs" --boot --register=no --keep-unit --private-network \
		--console=passive --volatile=overlay --bind="$share":/host
) </dev/null >"$log" 2>&1 &
nspawn=$!

is_up() {
	leader=$(pgrep -P $nspawn | head -n 1)
	[ -n "$leader" ] && nsenter -t "$leader" -a test -S /run/systemd/private 2>/dev/null || return
	case $(nsenter -t "$leader" -a systemctl is-system-running --wait 2>/dev/null) in
	running | degraded) ;;
	*) return 1 ;;
	esac
}
for _ in $(seq 400); do
	kill -0 $nspawn 2>/dev/null || break
	! is_up || break
	sleep .05
done
is_up || { cat "$log" >&2; exit 125; }
# By systemd-run: a process that only entered the namespaces is outside of the container's control groups.
nsenter -t "$leader" -a systemd-run --wait --pipe -q --working-directory=/host -p Delegate=yes bash -c "$*"
