#!/bin/bash
# Makes a root directory out of Debian packages: the packages named, and of all that they depend on only the shared
# libraries that their programs need. Nothing is installed on this machine; downloads are kept in CACHE.
# usage: debian.sh CACHE ROOTFS PACKAGE...
set -eu
cache=$1 rootfs=$2
shift 2
mkdir -p "$cache" "$rootfs"
cache=$(realpath "$cache") rootfs=$(realpath "$rootfs")

fetch() { # PACKAGE...: prints where each lies
	local package missing=()
	for package; do
		compgen -G "$cache/${package}_*.deb" >/dev/null || missing+=("$package")
	done
	if [ ${#missing[@]} -gt 0 ]; then
		(cd "$cache" && { apt-get download -q "${missing[@]}" || { apt-get update -q && apt-get download -q "${missing[@]}"; }; }) >"$cache/log" 2>&1 ||
			{ cat "$cache/log" >&2; return 1; }
	fi
	for package; do compgen -G "$cache/${package}_*.deb"; done
}

for deb in $(fetch "$@"); do dpkg-deb -x "$deb" "$rootfs"; done

# Libraries of everything that those depend on, unpacked aside.
closure=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$@" | grep -E '^z?lib[a-z0-9.+-]+$' | grep -vE -- '-(dev|perl|common|bin|data)$' | sort -u)
aside=$(mktemp -d "$cache/aside.XXXXXX")
trap 'rm -rf "$aside"' EXIT
# shellcheck disable=SC2086
for deb in $(fetch $closure); do dpkg-deb -x "$deb" "$aside"; done

needed() { # FILE: sonames and interpreter
	readelf -dl "$1" 2>/dev/null | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p; s/.*program interpreter: .*\/\([^]]*\)\]/\1/p'
}
have() { # SONAME: is it in the image?
	[ -n "$(find "$rootfs" -name "$1" -print -quit)" ]
}
todo=$(find "$rootfs" -type f \( -perm /111 -o -name '*.so*' \))
while [ -n "$todo" ]; do
	next=
	for file in $todo; do
		for so in $(needed "$file"); do
			have "$so" && continue
			found=$(find "$aside" -name "$so" -print -quit)
			[ -n "$found" ] || { echo "debian.sh: no package has '$so', needed by '${file#"$rootfs"}'" >&2; exit 1; }
			to=$rootfs/${found#"$aside/"}
			mkdir -p "${to%/*}"
			cp -L "$found" "$to"
			chmod 755 "$to"
			next+=" $to"
		done
	done
	todo=$next
done
# Debian's programs look for the interpreter in /lib64.
if [ -e "$rootfs/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" ]; then
	mkdir -p "$rootfs/lib64"
	cp "$rootfs/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$rootfs/lib64/"
fi
rm -rf "$rootfs"/usr/share/{doc,man,lintian,bash-completion,locale} "$rootfs"/{usr/,}lib/systemd "$rootfs/etc/init.d"
