# shellcheck shell=bash
# time limit: 120
# shellcheck disable=SC2016,SC2034,SC2154
# What a hostile app leaves behind, against export, rm, gc, enter and the other commands; volumes.
. "$TOP/tests/attack/host.bash"

# Everything in a root that has led another's copy astray. Ends with 0.
make_hostile_root='set -e; cd /
	rm -rf etc/passwd root home; ln -s "$UP$HOST/secret" etc/passwd; ln -s "$UP$HOST" root; ln -s "$HOST/dir" home; ln -s "$UP$HOST" up
	mkdir -p links deep; cd links; ln -s "$HOST/secret" secret; ln "../bin/busybox" hard; ln -s . self; ln -s loop loop; mkfifo fifo; for n in "null c 1 3" "mem c 1 1" "disk b 8 0" "whiteout c 0 0"; do mknod $n 2>/dev/null || :; done
	printf x >"$(printf "new\nline")"; printf x >"$(printf "esc\033[31m")"; printf x >"--checkpoint-action=exec=touch pwned"; printf x >"-rf"; printf x >".wh.file"; printf x >".wh..wh..opq"
	chmod 6777 hard; mkdir locked; printf x >locked/f; chmod 0 locked; cd ../deep
	i=0; while [ $i -lt 400 ]; do mkdir 0123456789abcdef0123456789 && cd 0123456789abcdef0123456789 || break; i=$((i+1)); done; cd /
	rm -rf manifest rootfs; ln -s "$HOST/secret" manifest; ln -s "$HOST/dir" rootfs; busybox mv bin/busybox links/busybox; links/busybox rm -rf bin; links/busybox ln -s "$HOST/dir" bin'
hostile_pod() { # [rkt run flags]: $uuid is a pod that has ended
	run rkt run "$@" --set-env=HOST="$HOST" --set-env=UP="$up" --uuid-file-save="$T/uuid" "$IMAGES/busybox.aci" -- -c "$make_hostile_root"
	ok 'the hostile app'
	uuid=$(cat "$T/uuid")
}
test_cve_2018_15664_export_of_a_hostile_root() {
	local how
	guard
	for how in --no-overlay=false --no-overlay --private-users; do
		hostile_pod "$how"
		rm -f x.aci
		run rkt export "$uuid" "$T/x.aci"
		ok
		run tar -tvf x.aci
		has "$out" "rootfs/root -> $up$HOST" "rootfs/home -> $HOST/dir" "rootfs/links/secret -> $HOST/secret" 'rootfs/links/fifo'
		hasnt "$out" "$SECRET"
		is "$(tar -xOf x.aci --wildcards 'rootfs/*' 2>/dev/null | grep -ac "$SECRET")" 0 'secrets of the host in the archive'
		# and it is an image again, as hostile as it was
		run rkt fetch "$T/x.aci"
		[ "$status" = 0 ] || refused
	done
	untouched
}
test_cve_2026_33747_removal_of_a_hostile_root() {
	local how
	guard
	for how in --no-overlay=false --no-overlay --private-users; do
		hostile_pod "$how"
		run rkt rm "$uuid"
		ok
		hostile_pod "$how"
		rkt gc --grace-period=0 >/dev/null 2>&1
		run rkt gc --grace-period=0
		ok
		[ -z "$(find "$DATA/pods" -name "$uuid")" ] || fail 'it is still there'
	done
	untouched
}
# An app that may mount binds a volume, and what it can reach, below its root; then its pod is removed.
test_cve_2024_9407_removal_after_mounts_of_the_app() {
	guard
	mkdir -p v/sub
	echo keep >v/sub/file
	RKTC+=("--insecure-options=image,seccomp,paths")
	run rkt run --uuid-file-save="$T/u" --volume=v,kind=host,source="$T/v" "$IMAGES/busybox.aci" --caps-retain=CAP_SYS_ADMIN,CAP_DAC_OVERRIDE --mount=volume=v,target=/v -- \
		-c 'mkdir /a /b; mount --bind /v /a; mount -t tmpfs none /b; mount --bind /v /b; mount --make-rshared /; mount --rbind / /a/sub; echo mounted'
	has "$out" mounted
	run rkt rm "$(cat "$T/u")"
	ok
	is "$(cat v/sub/file)" keep
	is "$(find v | sort)" $'v\nv/sub\nv/sub/file'
	untouched
}
# A file that the app made immutable keeps neither its pod from being removed nor others.
test_removal_of_immutable_files() {
	local first how
	mkdir x
	cp "$HELPERS/race" x/race
	chattr +i x/race || return 0 # root here has not got the right to: nor has an app
	chattr -i x/race
	aci=$(image_with race . x)
	for how in false true; do
		run rkt run --no-overlay=$how --uuid-file-save="$T/u" "$aci" --caps-retain=CAP_LINUX_IMMUTABLE,CAP_DAC_OVERRIDE --exec=/race -- immutable /bin/plain /home/alice /tmp
		ok 'making files immutable'
		first=$(cat "$T/u")
		pod --uuid-file-save="$T/u" -- exit 0
		rkt gc --grace-period=0 >/dev/null 2>&1
		run rkt gc --grace-period=0
		ok
		[ -z "$(find "$DATA/pods" -name "$first")" ] || fail 'it is still there'
	done
}
# Libraries, loaders, name services and programs of the image, made to be executed by whoever looks: with the host as "/" each of them
# would leave a mark there.
test_cve_2019_14271_nothing_of_the_image_is_executed_outside() {
	local root=$T/evil name
	guard
	mkdir "$root"
	cat >evil.c <<-E
		#include <fcntl.h>
		__attribute__((constructor)) static void loaded(void) { open("$HOST/pwned", O_CREAT | O_WRONLY, 0644); }
	E
	gcc -shared -fPIC -o evil.so evil.c
	printf '#!/bin/testapp write\n' >"$T/evil.sh"
	mkdir -p "$root"/{lib,lib64,lib/x86_64-linux-gnu,etc,bin,usr/bin,usr/lib/rkt,libexec/rkt}
	for name in lib/libnss_files.so.2 lib/x86_64-linux-gnu/libnss_files.so.2 lib/x86_64-linux-gnu/libc.so.6 lib/libc.so lib64/ld-linux-x86-64.so.2 evil.so; do cp evil.so "$root/$name"; done
	echo /evil.so >"$root/etc/ld.so.preload"
	printf 'passwd: evil files\ngroup: evil files\nhosts: evil files\n' >"$root/etc/nsswitch.conf"
	for name in tar gzip xz zstd bzip2 unpigz pigz mount umount iptables newuidmap ps sh bash getent; do
		printf '#!/bin/sh\ntouch "%s/pwned"\n' "$HOST" >"$root/bin/$name"
		cp "$root/bin/$name" "$root/usr/bin/$name"
	done
	cp "$root/bin/tar" "$root/libexec/rkt/unpack"
	chmod -R 755 "$root"
	aci=$(image_with evil '.app.environment = [{name: "LD_PRELOAD", value: "/evil.so"}, {name: "LD_LIBRARY_PATH", value: "/lib"}, {name: "PATH", value: "/bin"},
		{name: "BASH_ENV", value: "/bin/sh"}, {name: "ENV", value: "/bin/sh"}] | .app.user = "alice" | .app.group = "alice" | .app.exec = ["/bin/testapp", "sleep", "1000"]' "$root")
	start "$aci"
	run rkt enter "$uuid" /bin/testapp ids
	ok
	for name in list "status $uuid" "cat-manifest $uuid" "image list" "stop $uuid"; do
		# shellcheck disable=SC2086
		run rkt $name
		ok "$name"
	done
	finish
	for name in "export $uuid $T/x.aci" 'image verify example.com/evil' "image export example.com/evil $T/y.aci" "image extract example.com/evil $T/z" "rm $uuid"; do
		# shellcheck disable=SC2086
		run rkt $name
		ok "$name"
	done
	untouched
}
# Two images fill one volume: what one has as a link must not be gone through for the other.
test_cve_2025_9566_volume_that_is_filled_through_links() {
	guard
	"$TOP/tests/images/layout.py" "$T/one" <<-EOF
		image(layer(*base(), d('data'), s('data/dir', '$HOST/dir'), s('data/file', '$HOST/secret')), Volumes={'/data': {}})
	EOF
	"$TOP/tests/images/layout.py" "$T/two" <<-'EOF'
		image(layer(*base(), d('data'), d('data/dir'), f('data/dir/file', 'evil'), f('data/file', 'evil', 0o777, uid=1)), Volumes={'/data': {}})
	EOF
	for _ in 1 2 3 4 5; do
		run rkt run --volume=v,kind=empty oci:one --name=a --mount=volume=v,target=/data -- 'ls /data' --- oci:two --name=b --mount=volume=v,target=/data -- 'ls /data'
		ok
	done
	untouched
}
test_cve_2020_1726_volume_that_has_something_or_is_read_only() {
	guard
	mkdir v
	echo theirs >v/seed
	"$TOP/tests/images/layout.py" "$T/lay" <<-'EOF'
		image(layer(*base(), d('data'), f('data/seed', 'of-the-image')), Volumes={'/data': {}})
	EOF
	for how in readOnly=true readOnly=false; do
		run rkt run --volume=v,kind=host,source="$T/v",$how oci:lay --mount=volume=v,target=/data -- 'cat /data/seed'
		is "$out" theirs
		rm -f v/none
	done
	rm v/seed
	run rkt run --volume=v,kind=host,source="$T/v",readOnly=true oci:lay --mount=volume=v,target=/data -- 'ls /data'
	is "$(ls v)" ''
	untouched
}
# No app of the pod that runs by then can keep who enters waiting, or make them somebody else.
test_cve_2024_9676_account_files_that_change_before_enter() {
	guard
	start "$IMAGES/busybox.aci" --user=root --group=root -- -c 'echo up; exec sleep 1000'
	wait_for 5 grep -q up "$T/pod.out"
	rkt enter "$uuid" /bin/sh -c 'rm /etc/passwd /etc/group; mkfifo /etc/passwd /etc/group' </dev/null
	run timeout 20 "${RKTC[@]}" enter "$uuid" /bin/cat /proc/self/status
	ok
	matches "$out" $'\nUid:\t0\t0\t0\t0\nGid:\t0\t'
	rkt stop --force "$uuid" >/dev/null
	finish
	untouched
}
