#!/bin/bash
# Installs the packages of deps.txt that are missing. Fast and silent when nothing is.
# usage: deps.sh [GROUP...]      (build check bench; default: all)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
groups=" ${*:-build check bench} "
wanted=() missing=()
while read -r package group _; do
	case $package in '' | '#'*) continue ;; esac
	case $groups in *" $group "*) wanted+=("$package") ;; esac
done <"$here/deps.txt"
installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^ii *//p')
for package in "${wanted[@]}"; do
	grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ]; then
	echo "deps: missing: ${missing[*]}" >&2
	echo "deps: run 'sudo make deps'" >&2
	exit 1
fi
echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -q --no-install-recommends "${missing[@]}"; }
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install >"$log" 2>&1 || { apt-get update -q && install; } >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
