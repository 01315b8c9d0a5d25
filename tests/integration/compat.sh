# shellcheck shell=bash
# What a user of rkt 1.30 types, and what scripts around it match: grammar, texts, exit statuses. And odd surroundings:
# names of directories, limits, descriptors.

BUSYBOX=$IMAGES/busybox.aci
sh_in_pod() { # [rkt run flags] -- SHELL_SCRIPT [ARG…]
	local flags=()
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	run rkt run "${flags[@]}" "$BUSYBOX" --exec=/bin/sh -- -c "${@:2}"
}

# --- commands and options -----------------------------------------------------------------------
test_missing_command() {
	run "$RKT"
	ended 2
	is "$out" ''
	has "$err" 'rkt: missing command' 'image list'
	run "$RKT" image
	ended 2
	is "$out" ''
	has "$err" 'image: missing command' 'image verify'
	hasnt "$err" run-prepared
	run "$RKT" im --help
	ok
	has "$out" 'image verify'
	run "$RKT" help image
	ok
	has "$out" 'image verify'
}
test_empty_values() {
	local flag
	for flag in --dir= --system-config= --local-config= --user-config=; do
		run "$RKT" list "$flag"
		refused "${flag%=} '': a directory wanted"
	done
	for flag in --user= --group= --working-dir= --exec= --name= --caps-retain= --caps-remove= --memory= --environment=; do
		run rkt run "$BUSYBOX" "$flag"
		refused "${flag%=}"
	done
	is "$(rkt list --no-legend)" '' 'pods left'
}
test_flags_in_both_spellings_and_places() {
	fetch busybox
	sh_in_pod --hostname=one -- hostname
	is "$out" one
	sh_in_pod --hostname two -- hostname
	is "$out" two
	run rkt --hostname three run "$BUSYBOX" --exec /bin/hostname
	is "$out" three
	run rkt run --hostname=four "$BUSYBOX" --exec=/bin/hostname --debug=false
	is "$out" four
	run rkt --pretty-print=false config
	ok
	has "$out" '{"stage0":['
	run rkt image cat-manifest example.com/busybox --pretty-print=false
	has "$out" '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/busybox","labels":['
}
test_old_names_of_flags() {
	fetch busybox
	run rkt run --store-only example.com/busybox --exec=/bin/true --cap-remove=CAP_KILL
	ok
	run rkt prepare --no-store=true example.com/busybox
	ok
	run rkt run --no-store --store-only example.com/busybox
	refused 'both --store-only and --no-store specified'
	run rkt fetch --no-store --pull-policy=new example.com/busybox
	refused '--pull-policy and --no-store exclude each other'
	hasnt "$("$RKT" help run)" store-only cap-retain
}
test_image_arguments() {
	sh_in_pod -- 'echo $#' x '' y
	is "$out" 2
	run rkt run --- '' "$BUSYBOX" --exec=/bin/sh --- -- -c 'echo $0' --
	is "$out" --
	run rkt run "$BUSYBOX" --exec=/bin/true -- a --- -- b
	refused 'only one set of app arguments allowed per image'
	run rkt run -- a
	refused 'an image is required before any app arguments'
	run rkt run "$BUSYBOX" --exec=/bin/true --exec=/bin/false
	refused '--exec specified multiple times for the same image'
	run rkt run "$BUSYBOX" "$BUSYBOX"
	refused 'multiple apps with name busybox'
	run rkt run
	refused 'must provide at least one image or specify the pod manifest'
}
test_names_of_pods() {
	local a
	a=$(rkt prepare "$BUSYBOX")
	run rkt status ''
	refused 'UUID cannot be empty'
	run rkt status zz
	refused 'no matches found for "zz"'
	run rkt status "${a:0:5}"
	ok
	has "$out" state=prepared
	run rkt rm "$a"
	ok
	is "$out" "\"$a\""
}
test_uuid_file_that_is_not_there() {
	run rkt status --uuid-file="$T/none"
	ended 1
	has "$err" 'unable to resolve UUID from file'
	run rkt stop --uuid-file "$T/none"
	ended 1
	run rkt rm --uuid-file="$T/none"
	ended 254
}
test_json_has_every_field() {
	rkt fetch "$TESTAPP" "$IMAGES/busybox.aci"
	is "$(rkt image list --format=json --fields=id --full --no-legend)" "$(rkt image list --format=json)"
	is "$(rkt image list --format=json --sort=name --order=desc | jq -r '.[].name' | head -n 1)" example.com/testapp:1.0.0
	rkt prepare "$TESTAPP"
	is "$(rkt list --format=json --full --no-legend)" "$(rkt list --format=json)"
}
test_unknown_fields_say_the_known_ones() {
	run rkt image list --fields=nope
	refused '"nope"' id,\ name,\ size,\ importtime,\ lastused
	run rkt image list --fields=
	refused
	run rkt image list --sort=id
	refused 'name, size'
}

test_mounts_of_an_app_override_those_of_all() {
	mkdir all own
	touch all/all own/own
	local volumes=("--volume=all,kind=host,source=$T/all" "--volume=own,kind=host,source=$T/own")
	run rkt run "${volumes[@]}" --mount=volume=all,target=/x "$BUSYBOX" --name=one --exec=/bin/ls --mount=volume=own,target=/x -- /x --- \
		"$BUSYBOX" --name=two --exec=/bin/ls -- /x
	ok
	is "$(sort <<<"$out")" $'all\nown'
	run rkt run "${volumes[@]}" "$BUSYBOX" --mount=volume=all,target=/x --mount=volume=own,target=/x
	refused 'two volumes'
	run rkt run "${volumes[@]}" --mount=volume=all,target=/x --mount=volume=own,target=/x "$BUSYBOX"
	refused 'two volumes'
}

# --- as an ordinary user ------------------------------------------------------------------------
ordinary() { setpriv --reuid=1234 --regid=1234 --clear-groups "${RKTC[@]}" "$@"; }
test_ordinary_user() {
	local command
	rkt prepare "$BUSYBOX" >/dev/null
	chmod 711 "$CHECK_TMP" "$T" "$DATA"
	for command in "run $BUSYBOX" "prepare $BUSYBOX" 'run-prepared 1' 'enter 1' 'rm 1' gc 'export 1 x.aci'; do
		# shellcheck disable=SC2086
		run ordinary $command
		refused 'cannot run as unprivileged user'
	done
	for command in list 'status 1' 'stop 1' 'cat-manifest 1' 'image list' 'image gc' 'image rm x' 'fetch x'; do
		# shellcheck disable=SC2086
		run ordinary $command
		refused 'unprivileged user'
	done
	run ordinary trust --root /etc/passwd
	refused 'only as root'
	for command in version config help 'completion bash'; do
		# shellcheck disable=SC2086
		run ordinary $command
		ok "$command"
	done
}

# --- bytes --------------------------------------------------------------------------------------
test_arguments_that_json_cannot_hold() {
	local bad=$'x\xff'
	sh_in_pod -- true "$bad"
	refused 'not UTF-8'
	sh_in_pod "--set-env=A=$bad" -- true
	refused 'not UTF-8'
	sh_in_pod "--volume=v,kind=host,source=/$bad" -- true
	refused 'not UTF-8'
	run rkt prepare "$BUSYBOX" "--user=$bad"
	refused 'not UTF-8'
	printf 'A=%s\n' "$bad" >env.list
	sh_in_pod --set-env-file=env.list -- true
	refused 'line 1: not UTF-8'
	is "$(rkt list --no-legend)" '' 'pods left'
	B_=$bad G_=good sh_in_pod --inherit-env -- 'echo "${B_-none} $G_"'
	is "$out" 'none good'
}
test_arguments_that_json_must_escape() {
	local text=$'a\x01\x1b\n\t"\\<>& \u2028 \U1f600'
	sh_in_pod -- 'printf %s "$0"' "$text"
	is "$out" "$text"
	sh_in_pod --set-env="A=$text" -- 'printf %s "$A"'
	is "$out" "$text"
}
test_an_image_file_with_a_name_that_is_not_text() {
	local file=$T/$'w\xff x.aci'
	cp "$BUSYBOX" "$file"
	run rkt fetch "$file"
	ok
	run rkt run "$file" --exec=/bin/true
	ok
	run rkt image cat-manifest example.com/busybox
	ok
}
test_long_arguments() {
	local big args=() i
	big=$(head -c 100000 /dev/zero | tr '\0' x)
	for i in {1..12}; do args+=("$big"); done
	sh_in_pod -- 'echo $# ${#12}' x "${args[@]}"
	is "$out" '12 100000'
	args=()
	for i in {1..3000}; do args+=("--set-env=VAR_$i=value"); done
	sh_in_pod "${args[@]}" -- 'env | grep -c ^VAR_'
	is "$out" 3000
}
test_long_app_names() {
	local long
	long=$(printf 'a%.0s' {1..200})
	run rkt run "$BUSYBOX" --name="$long" --exec=/bin/true
	ok
	is "$err" ''
	run rkt run "$BUSYBOX" --name="${long}b" --exec=/bin/true
	refused 'longer than 200'
}

# --- surroundings -------------------------------------------------------------------------------
in_dir() { # DIR: a pod's life in this data directory
	local d=("$RKT" --insecure-options=image --dir="$1") u
	run "${d[@]}" run --uuid-file-save="$T/u" --volume=v,kind=empty --mount=volume=v,target=/v "$BUSYBOX" \
		--exec=/bin/sh -- -c 'echo hi >/v/x; echo >/etc/new; cat /v/x'
	ok "run in $1"
	is "$out" hi
	run "${d[@]}" export "$(cat "$T/u")" "$T/out.aci" --overwrite
	ok "export from $1"
	has "$(tar -tf "$T/out.aci")" rootfs/etc/new
	u=$("${d[@]}" prepare --no-overlay "$BUSYBOX" --exec=/bin/true)
	run "${d[@]}" run-prepared "$u"
	ok "run-prepared in $1"
	run "${d[@]}" run --stage1-from-dir=stage1-fly.aci "$BUSYBOX" --exec=/bin/true
	ok "fly in $1"
	"${d[@]}" gc --grace-period=0 >/dev/null
	"${d[@]}" gc --grace-period=0 >/dev/null
	run "${d[@]}" image verify example.com/busybox
	ok "verify in $1"
	is "$("${d[@]}" list --no-legend)" '' "pods left in $1"
}
test_names_of_data_directories() {
	local name
	for name in 'a b' a:b a,b 'a\b' a=b $'a\nb' $'\xff' é '"q"' %s; do in_dir "$T/$name"; done
	in_dir relative
	in_dir ./relative/deep/
	mkdir real
	ln -s real link
	in_dir link
	name=$(printf 'l%.0s' {1..200})
	in_dir "$T/$name/$name"
}
# Where rkt itself runs in a container, say.
test_data_directory_on_an_overlay() {
	mkdir lower upper
	# shellcheck disable=SC2016
	run unshare -m bash -euc '
		mount -t tmpfs tmpfs upper
		mkdir upper/{upper,work} merged
		mount -t overlay overlay -o lowerdir=lower,upperdir=upper/upper,workdir=upper/work merged
		"$0" --insecure-options=image --dir=merged/data run "$1" --exec=/bin/sh -- -c "echo >/new; echo ran"
		"$0" --dir=merged/data gc --grace-period=0
		"$0" --dir=merged/data gc --grace-period=0
		"$0" --dir=merged/data list --no-legend' "$RKT" "$BUSYBOX"
	ok
	is "$(head -n 1 <<<"$out")" ran
	has "$(tail -n 1 <<<"$out")" Garbage
}
test_closed_descriptors() {
	status=0
	"${RKTC[@]}" run "$BUSYBOX" --exec=/bin/sh -- -c 'read a; exit 7' <&- >&- 2>&- || status=$?
	ended 7
	"${RKTC[@]}" run "$BUSYBOX" --exec=/bin/sh -- -c 'ls -l /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2' <&- 2>&- >fds
	has "$(cat fds)" '0 -> /dev/null' '2 -> /dev/null' "1 -> $T/fds"
	status=0
	"${RKTC[@]}" list >/dev/full 2>err || status=$?
	ended 254
	has "$(cat err)" 'No space left on device'
}
test_descriptors_do_not_leak_into_apps() {
	"${RKTC[@]}" run "$BUSYBOX" --exec=/bin/sh -- -c 'ls -l /proc/self/fd' 7</etc/passwd 9>"$T/open" >out
	hasnt "$(cat out)" passwd "$T/open"
}
test_pipes() {
	is "$(echo x | rkt run "$BUSYBOX" --exec=/bin/sh -- -c 'read a; echo "got $a"')" 'got x'
	status=0
	{ rkt run "$BUSYBOX" --exec=/bin/yes 2>err || status=$?; echo $status >code; } | head -n 1 >line
	is "$(cat line code)" $'y\n141'
}
test_little_is_needed() {
	run env -i "${RKTC[@]}" run "$BUSYBOX" --exec=/bin/true
	ok 'env -i'
	run nohup "${RKTC[@]}" run "$BUSYBOX" --exec=/bin/true
	ok nohup
	run unshare -m "${RKTC[@]}" run "$BUSYBOX" --exec=/bin/true
	ok 'unshare -m'
	local limit
	for limit in 'n 64' 's 256' 'l 0' 'v 40000' 'c 0'; do
		run bash -c "ulimit -$limit && exec \"\$@\"" limits "${RKTC[@]}" run "$BUSYBOX" --exec=/bin/true
		ok "ulimit -$limit"
	done
}
test_no_file_may_grow() {
	rkt fetch "$BUSYBOX" >/dev/null
	limited() { (trap '' XFSZ; trap - XFSZ; ulimit -f 0; "${RKTC[@]}" "$@" 2>&1 | cat; exit "${PIPESTATUS[0]}"); }
	status=0
	err=$(limited run example.com/busybox --exec=/bin/true) || status=$?
	refused 'File too large'
	status=0
	err=$(limited fetch "$IMAGES/testapp.aci") || status=$?
	refused 'File too large'
	is "$(rkt list --no-legend)" '' 'pods left'
}
test_masks() {
	local mask
	for mask in 077 000 777; do
		run bash -c "umask $mask && exec \"\$@\"" mask "${RKTC[@]}" run --set-env=M="$mask" "$BUSYBOX" --user=1000 --group=1000 \
			--exec=/bin/sh -- -c 'ls / >/dev/null && umask && stat -c %a / /etc/hosts /dev/shm /tmp'
		ok "umask $mask"
		is "$out" $'0022\n755\n644\n1777\n1777' "umask $mask"
	done
}
test_twenty_apps() {
	local apps=() i
	for i in {1..20}; do apps+=("$BUSYBOX" "--name=app$i" --exec=/bin/sh -- -c "echo i am $i" ---); done
	run rkt run "${apps[@]}"
	ok
	is "$(grep -c 'i am' <<<"$out")" 20
	is "$(rkt list --no-legend | wc -l)" 20
}
