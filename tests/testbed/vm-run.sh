#!/bin/bash
# vm-run.sh [-b tcg|snap] [-s SHARED_DIR] [-m MIB] [-t SECONDS] [-v] 'COMMAND'
# Runs COMMAND as root under a booted systemd 252 (Debian 12, kernel 6.1) with pure cgroup v2 and all its controllers; prints its output and
# exits with its exit code (124 time limit, 125 no exit code). SHARED_DIR (default: cwd) is /host there, read-write; COMMAND starts in it.
# The root is thrown away afterwards.
#   snap  resumed from the saved state that vm-build.sh makes: 2 to 5 s a run; the default once it is there
#   tcg   booted: 9 to 28 s a run
here=$(cd "$(dirname "$0")" && pwd)
export TESTBED=${TESTBED:-$(realpath "$here/../..")/build/testbed}
b=; share=$PWD; mem=1024; lim=180; v=
while getopts b:s:m:t:v o; do case $o in b) b=$OPTARG ;; s) share=$OPTARG ;; m) mem=$OPTARG ;; t) lim=$OPTARG ;; v) v=-v ;; *) exit 2 ;; esac; done
shift $((OPTIND - 1)); [ $# -ge 1 ] || { sed -n 2,8p "$0" >&2; exit 2; }
[ -s "$TESTBED/root-vm.erofs" ] || { echo "vm-run.sh: run vm-build.sh first" >&2; exit 2; }
[ -n "$b" ] || { [ -s "$TESTBED/snap" ] && b=snap || b=tcg; }
case $b in
tcg) exec "$here/vm-tcg.sh" -s "$share" -m "$mem" -t "$lim" $v "$*" ;;
snap) VMLIMIT=$lim exec python3 "$here/vm-snap.py" run -s "$share" "$*" ;;
*) exit 2 ;;
esac
