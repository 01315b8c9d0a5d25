# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2120,SC2154
# A shell script in the place of stage0 (Documentation/abi/stage1-interface.md): what the scripts of this directory share.
# $STAGE1 is the directory of the image under test.

UUID=$(cat /proc/sys/kernel/random/uuid)

# $POD: a pod's directory as it lies before `run`, with the app that the JSON object describes.
make_pod() { # APP_JSON [MORE_OF_THE_POD]
	POD=$T/run/$UUID
	local root=$POD/stage1/rootfs
	rm -rf --one-file-system "$POD"
	mkdir -p "$POD/appsinfo/app" "$POD/stage1"
	cp -a "$STAGE1/rootfs" "$POD/stage1/"
	cp "$STAGE1/manifest" "$POD/stage1/"
	mkdir -p "$root/opt/stage2/app/rootfs"/{bin,etc,tmp} "$root/rkt/status"
	root=$root/opt/stage2/app/rootfs
	cp "$(command -v busybox)" "$root/bin/busybox"
	local applet
	for applet in sh cat id ls env pwd readlink sleep true kill mount stat; do ln -s busybox "$root/bin/$applet"; done
	printf 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1001::/home/user:/bin/sh\n' >"$root/etc/passwd"
	printf 'root:x:0:\nuser:x:1001:\n' >"$root/etc/group"
	touch "$POD/pod.lck"
	pod_manifest "{\"name\":\"app\",\"image\":{\"id\":\"$ID\"},\"app\":$1}" "${2:-}"
}
ID=sha512-$(printf '0%.0s' {1..128})
pod_manifest() { # APPS [MORE]
	printf '{"acVersion":"0.8.11","acKind":"PodManifest","apps":[%s]%s}\n' "$1" "${2:+,$2}" >"$POD/pod"
}
# The script that plays stage0; the process becomes the entry point.
stage0() { # ENTRY [ARGUMENT]…
	cd "$POD" || exit
	exec 9<pod.lck
	flock -n 9 || [ "$1" != run ] || exit 99
	if [ "$1" = run ]; then export RKT_LOCK_FD=9; else exec 9<&-; fi
	local entry=stage1/rootfs/$1
	shift
	exec "$entry" "$@"
}
sh_app() { # SCRIPT [MORE]: the app object of a shell script
	printf '{"exec":["/bin/sh","-c",%s],"user":"0","group":"0"%s}' "$(jq -Rs . <<<"$1")" "${2:+,$2}"
}
s1_run() { run unshare -m bash -c "$(declare -f stage0); POD=$POD stage0 run \"\$@\"" stage0 "$@" "$UUID"; }
# In the background, until it can be entered; sets $outer and $app.
s1_start() {
	unshare -m bash -c "$(declare -f stage0); POD=$POD stage0 run \"\$@\"" stage0 "$@" "$UUID" \
		</dev/null >"$T/pod.out" 2>"$T/pod.err" &
	outer=$!
	wait_for 5 test -s "$POD/pid" || { cat "$T/pod.err"; fail 'no pid'; }
	app=$(cat "$POD/pid")
}
s1_finish() {
	status=0
	wait "$outer" || status=$?
	out=$(cat "$T/pod.out") err=$(cat "$T/pod.err")
}
entry() { run bash -c "$(declare -f stage0); POD=$POD stage0 \"\$@\"" stage0 "$@"; } # ENTRY [ARGUMENT]…
# For apps: says so once traps are set.
says_ready() { grep -q ready "$T/pod.out"; }
# A zombie is gone too: whoever inherited it may be slow.
gone() { ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; }
app_status() { cat "$POD/stage1/rootfs/rkt/status/app"; }
