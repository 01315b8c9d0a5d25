#!/bin/bash
# boot-container.sh [-s SHARED_DIR] 'COMMAND'
# Boots systemd 252 as pid 1 in a container on this kernel (native speed, ready in under a second), runs COMMAND under it, prints its output, exits
# with its exit code, powers off. SHARED_DIR (default: cwd) is /host there. cgroup v2 without controllers: units, Type=notify, sockets, scopes, slices,
# journald, machined, Delegate=, freeze and kill work; MemoryMax, TasksMax and CPUQuota are accepted and do nothing (use vm-run.sh for those).
# Needs vm-build.sh once, for the tree.
set -u
here=$(cd "$(dirname "$0")" && pwd)
TESTBED=${TESTBED:-$(realpath "$here/../..")/build/testbed}
share=$PWD; while getopts s: o; do case $o in s) share=$OPTARG ;; *) exit 2 ;; esac; done; shift $((OPTIND - 1))
[ $# -ge 1 ] || { sed -n 2,7p "$0" >&2; exit 2; }
[ -d "$TESTBED/rootfs" ] || { echo "boot-container.sh: run vm-build.sh first" >&2; exit 2; }
w=$(mktemp -d); group=/sys/fs/cgroup/unified/rkt-testbed-$$; [ -d /sys/fs/cgroup/unified ] || group=/sys/fs/cgroup/rkt-testbed-$$
outer=; leader=
cleanup() {
	[ -n "$leader" ] && nsenter -t "$leader" -a systemctl poweroff >/dev/null 2>&1
	[ -n "$outer" ] && { for _ in $(seq 100); do kill -0 "$outer" 2>/dev/null || break; sleep .1; done; kill -9 "$outer" 2>/dev/null; wait "$outer" 2>/dev/null; }
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; rm -rf "$w"
}
trap cleanup EXIT; trap 'exit 130' INT TERM
mkdir "$group" || exit 1
( echo $BASHPID >"$group/cgroup.procs"
  exec unshare -m --propagation private sh -c 'umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec "$@"' sh \
	systemd-nspawn -q -D "$TESTBED/rootfs" --boot --register=no --keep-unit --private-network --console=passive --volatile=overlay --bind="$share":/host ) </dev/null >"$w/log" 2>&1 &
outer=$!
for _ in $(seq 400); do
	kill -0 "$outer" 2>/dev/null || { cat "$w/log" >&2; exit 125; }
	leader=$(pgrep -P "$outer" | head -1)
	[ -n "$leader" ] && nsenter -t "$leader" -a test -S /run/systemd/private 2>/dev/null && { s=$(nsenter -t "$leader" -a systemctl is-system-running --wait 2>/dev/null); case $s in running | degraded) break ;; esac; }
	sleep .05
done
nsenter -t "$leader" -a systemd-run --wait --pipe -q --working-directory=/host -p Delegate=yes bash -c "$*"
