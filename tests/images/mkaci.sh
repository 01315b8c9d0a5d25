#!/bin/bash
# Packs a directory as an appc image.
# usage: mkaci.sh ROOTFS_DIR MANIFEST OUT.aci [none|gzip|bzip2|xz|zstd]
set -eu
rootfs=$1 manifest=$2 out=$3 how=${4:-none}
work=$(mktemp -d "$(dirname "$out")/mkaci.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$manifest" "$work/manifest"
chmod 644 "$work/manifest"
tar --sort=name --numeric-owner --format=pax --xattrs --pax-option=delete=atime,delete=ctime \
	-cf "$work/tar" -C "$work" manifest --transform='flags=rSh;s,^\.,rootfs,' -C "$(realpath "$rootfs")" .
case $how in
none) mv "$work/tar" "$work/out" ;;
gzip) gzip -1 <"$work/tar" >"$work/out" ;;
bzip2) bzip2 -1 <"$work/tar" >"$work/out" ;;
xz) xz -0 <"$work/tar" >"$work/out" ;;
zstd) zstd -q -1 <"$work/tar" >"$work/out" ;;
*) echo "mkaci: unknown compression '$how'" >&2; exit 2 ;;
esac
mv "$work/out" "$out"
