#!/bin/bash
# Runs COMMAND (bash) as root in a virtual machine with systemd, kernel 6.1 and control groups with all controllers; prints its
# output and ends with its status; 124 at the time limit, 125 where the machine ended without a status.
#
# usage: vm-run.sh [-c CGROUPS] [-s SHARED_DIR] [-t SECONDS] 'COMMAND'
#   -c CGROUPS      pure (version 2, the default), hybrid (controllers of version 1, processes in version 2) or legacy (version 1)
#   -s SHARED_DIR   what is /host there (default: the current directory)
#   -t SECONDS      time limit (default: 180)
set -u
here=$(cd "$(dirname "$0")" && pwd)
export TESTBED=${TESTBED:-$(realpath "$here/../..")/build/testbed}
cgroups=pure share=$PWD limit=180
while getopts c:s:t: option; do
	case $option in
	c) cgroups=$OPTARG ;;
	s) share=$OPTARG ;;
	t) limit=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { sed -n 2,8p "$0" >&2; exit 2; }
[ -s "$TESTBED/snap-$cgroups" ] || { echo "vm-run.sh: run tests/testbed/build.sh vm first" >&2; exit 2; }
exec "$here/vm.py" run "$cgroups" "$share" "$limit" "$*"
