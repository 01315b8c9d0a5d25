# shellcheck shell=bash
# Resource isolators: processes, block devices, and what bounds a pod as a whole.

# --- processes ----------------------------------------------------------------------------------
test_fork_bomb_stops_at_the_limit() {
	run rkt run "$TESTAPP" --pids-limit=12 --exec=/bin/testapp -- forks 200
	ended 137
	is "$out" 'forked 11: Resource temporarily unavailable'
}
test_pids_of_an_image() {
	aci=$(image_with iso '.app.exec = ["/bin/testapp", "forks", "200"] | .app.isolators = [{name: "resource/pids", value: {limit: "6"}}]')
	run rkt run "$aci"
	is "$out" 'forked 5: Resource temporarily unavailable'
	run rkt run "$aci" --pids-limit=9
	is "$out" 'forked 8: Resource temporarily unavailable'
}
test_pod_pids_are_of_all_apps() {
	run rkt run --pod-pids=20 "$TESTAPP" --name=first --exec=/bin/testapp -- on-term 0 --- "$TESTAPP" --name=second --exec=/bin/testapp -- forks 200
	ended 137
	has "$out" 'forked 18: Resource temporarily unavailable'
}

# --- why an app ended ---------------------------------------------------------------------------
test_want_of_memory_is_told() {
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --name=hog --memory=32M --exec=/bin/testapp -- alloc 128 --- "$TESTAPP" --name=calm --exec=/bin/testapp -- on-term 3
	ended 137
	run rkt status --uuid-file="$T/u"
	has "$out" 'app-hog=137' 'reason-hog=oom'
	hasnt "$out" reason-calm
	run rkt status --uuid-file="$T/u" --format=json
	is "$(jq -c '[.apps.hog.exit_code, .apps.hog.exit_reason, .apps.calm.exit_reason]' <<<"$out")" '[137,"oom",null]'
	# Killed, but not for that.
	run rkt run --uuid-file-save="$T/u" "$TESTAPP" --memory=32M --exec=/bin/testapp -- kill 9
	ended 137
	run rkt status --uuid-file="$T/u"
	has "$out" 'app-testapp=137'
	hasnt "$out" reason
}

# --- what an app sees of its groups -------------------------------------------------------------
# As appc has it: read-only, its own and nothing else.
test_own_groups_are_seen() {
	pod -- cat /proc/self/cgroup + ls /sys/fs + ls /sys/fs/cgroup + pid + cat /sys/fs/cgroup/cgroup.procs + mkdir /sys/fs/cgroup/x
	ended 1
	hasnt "$out" /rkt-
	has "$out" cgroup.procs '/sys/fs/cgroup/x: Read-only file system'
	hasnt "$out" rkt-check
	[ ! -e /sys/fs/cgroup/memory/cgroup.procs ] || {
		run rkt run "$TESTAPP" --memory=64M --exec=/bin/testapp -- cat /sys/fs/cgroup/memory/memory.limit_in_bytes + mkdir /sys/fs/cgroup/memory/x
		has "$out" 64000000 '/sys/fs/cgroup/memory/x: Read-only file system'
	}
	pod -- mkdir /sys/fs/x
	has "$out" 'Read-only file system'
	pod --insecure-options=image,paths -- ls /sys/fs/cgroup + mkdir /sys/fs/cgroup/x
	has "$out" cgroup.procs '/sys/fs/cgroup/x: Read-only file system'
}
test_groups_of_other_pods_are_not_seen() {
	start "$TESTAPP" --name=other --exec=/bin/testapp -- on-term 0
	pod -- ls /sys/fs/cgroup + ls /sys/fs/cgroup/..
	hasnt "$out" rkt-
	rkt stop "$uuid" >/dev/null
	finish
}

# --- the pod as a whole -------------------------------------------------------------------------
# Each alone would have enough; together they have not, and one is killed.
test_pod_memory_bounds_all_apps() {
	run rkt run --pod-memory=96M "$TESTAPP" --name=a --exec=/bin/testapp -- alloc 64 + on-term 0 --- "$TESTAPP" --name=b --exec=/bin/testapp -- alloc 64 + on-term 0
	ended 137
	run rkt run --pod-memory=192M "$TESTAPP" --name=a --exec=/bin/testapp -- alloc 64 --- "$TESTAPP" --name=b --exec=/bin/testapp -- alloc 64
	ok
}
test_pod_memory_bounds_one_app() {
	run rkt run --pod-memory=32M "$TESTAPP" --memory=256M --exec=/bin/testapp -- alloc 128
	ended 137
}
test_pod_cpu_is_shared() {
	run rkt run --pod-cpu=400m "$TESTAPP" --name=a --exec=/bin/testapp -- cpu 2 --- "$TESTAPP" --name=b --exec=/bin/testapp -- cpu 2
	ok
	local sum
	sum=$(awk '/^cpu/ { n += $2 } END { print n }' <<<"$out")
	[ "$sum" -le 46 ] || fail "both together got $sum % of a core"
}
test_isolators_of_a_pod_manifest() {
	fetch testapp
	jq -n --arg id "$id" '{acVersion: "0.8.11", acKind: "PodManifest", apps: [{name: "x", image: {id: $id}, app: {exec: ["/bin/testapp", "forks", "200"], user: "0", group: "0"}}],
		isolators: [{name: "resource/pids", value: {limit: "7"}}], volumes: [], annotations: [], ports: []}' >"$T/pod.json"
	run rkt run --pod-manifest="$T/pod.json"
	ended 137
	is "$out" 'forked 6: Resource temporarily unavailable'
}

# manifest APP POD [WORD…]: pod.json of two apps, x and y, that are testapp with these words and these isolators
manifest() {
	jq -n --arg id "$id" --argjson app "$1" --argjson pod "$2" '$ARGS.positional as $words | {acKind: "PodManifest", acVersion: "0.8.11", isolators: $pod,
		apps: [("x", "y") | {name: ., image: {id: $id}, app: {exec: (["/bin/testapp"] + $words), user: "0", group: "0", isolators: $app}}]}' --args "${@:3}" >pod.json
}
test_requests_above_the_pods_limit() {
	fetch testapp
	manifest '[{"name": "resource/memory", "value": {"request": "64M"}}]' '[{"name": "resource/memory", "value": {"limit": "96M"}}]' echo ran
	run rkt run --uuid-file-save="$T/u" --pod-manifest=pod.json
	ok
	has "$err" "app 'x': isolator 'resource/memory' is changed: the pod's is lower than what its apps request together" "app 'y': isolator 'resource/memory' is changed"
	run rkt status --uuid-file="$T/u"
	has "$out" 'isolator=resource/memory: enforced' "isolator-y=resource/memory: changed (the pod's is lower than what its apps request together)"
	run rkt run --strict-isolators --pod-manifest=pod.json
	refused '--strict-isolators'
	is "$out" ''
	run rkt run --strict-isolators --pod-memory=96M "$TESTAPP" --name=x --memory=32M --exec=/bin/testapp -- echo ran --- "$TESTAPP" --name=y --memory=64M --exec=/bin/testapp -- echo ran
	ok
}
test_isolators_that_say_nothing() {
	fetch testapp
	manifest '[{"name": "resource/memory", "value": {}}]' '[{"name": "resource/block-iops", "value": {"default": true}}]' echo ran
	run rkt run --uuid-file-save="$T/u" --pod-manifest=pod.json
	ok
	has "$err" "app 'x': isolator 'resource/memory' is ignored: it has neither a limit nor a request" "pod: isolator 'resource/block-iops' is ignored: it has neither"
	run rkt run --strict-isolators --pod-manifest=pod.json
	refused 'neither a limit nor a request'
}
test_shares_of_a_pod_are_told_of() {
	fetch testapp
	manifest '[]' '[{"name": "os/linux/cpu-shares", "value": 512}]' echo ran
	run rkt run --strict-isolators --uuid-file-save="$T/u" --pod-manifest=pod.json
	ok
	run rkt status --uuid-file="$T/u"
	has "$out" 'isolator=os/linux/cpu-shares: enforced'
}
test_quantities() {
	run rkt run "$TESTAPP" --memory=3.2e7 --exec=/bin/testapp -- alloc 128
	ended 137
	run rkt run "$TESTAPP" --pids-limit=.5e1 --exec=/bin/testapp -- forks 200
	is "$out" 'forked 4: Resource temporarily unavailable'
	run rkt run "$TESTAPP" --cpu=.2 --exec=/bin/testapp -- cpu 2
	ok
	[ "${out#cpu }" -le 45 ] || fail "it got $out"
	# more than any machine has, and as little as can be said
	run rkt run "$TESTAPP" --name=x --cpu=1e9 --memory=7E --exec=/bin/testapp -- echo ran --- "$TESTAPP" --name=y --cpu=1m --exec=/bin/testapp -- echo ran
	ok
}

# --- block devices ------------------------------------------------------------------------------
# An ext4 on a loop device of the test's own, so that nothing else uses the disk that is limited.
own_disk() {
	truncate -s 64M "$T/disk"
	mkfs.ext4 -q -O ^has_journal "$T/disk"
	mkdir "$T/mnt"
	mount -o loop "$T/disk" "$T/mnt"
	trap 'umount "$T/mnt"' EXIT
}
# near FIELD WANTED rkt run…: within 10 %; a machine that was busy with something else is given another chance.
near() {
	local field=$1 wanted=$2 try got
	shift 2
	for try in 1 2 3; do
		run "$@"
		ok
		got=$(cut -d' ' -f "$field" <<<"$out")
		[ $((100 * got)) -le $((110 * wanted)) ] || fail "got $got, wanted $wanted"
		[ $((100 * got)) -lt $((90 * wanted)) ] || return 0
	done
	fail "got $got, wanted $wanted, in the last of $try tries"
}
limited_image() { # NAME LIMIT: an image with that isolator
	image_with iso ".app.isolators = [{name: \"resource/$1\", value: {default: true, limit: \"$2\"}}]"
}
test_block_bandwidth() {
	own_disk
	aci=$(limited_image block-bandwidth 4Mi)
	near 2 4096 rkt run --volume=d,kind=host,source="$T/mnt" "$aci" --mount=volume=d,target=/d --exec=/bin/testapp -- direct /d/f 160 64
	hasnt "$err" block-bandwidth
}
test_block_iops() {
	own_disk
	aci=$(limited_image block-iops 200)
	near 3 200 rkt run --volume=d,kind=host,source="$T/mnt" "$aci" --mount=volume=d,target=/d --exec=/bin/testapp -- direct /d/f 500 4
}
test_block_limit_of_a_pod() {
	own_disk
	fetch testapp
	jq -n --arg id "$id" --arg d "$T/mnt" '{acVersion: "0.8.11", acKind: "PodManifest", apps: [{name: "x", image: {id: $id}, mounts: [{volume: "d", path: "/d"}],
		app: {exec: ["/bin/testapp", "direct", "/d/f", "80", "64"], user: "0", group: "0"}}],
		isolators: [{name: "resource/block-bandwidth", value: {default: true, limit: "4Mi"}}], volumes: [{name: "d", kind: "host", source: $d}], annotations: [], ports: []}' >"$T/pod.json"
	near 2 4096 rkt run --pod-manifest="$T/pod.json"
}

# Both together have what the pod has: the slower one tells how long that took.
two_writers() { # OWN_LIMIT_OF_THE_SECOND: a pod of 4 MiB a second
	fetch testapp
	jq -n --arg id "$id" --arg d "$T/mnt" --argjson own "$1" '{acVersion: "0.8.11", acKind: "PodManifest", apps: ["one", "two"] | map({name: ., image: {id: $id}, mounts: [{volume: "d", path: "/d"}],
		app: {exec: ["/bin/testapp", "direct", "/d/\(.)", "80", "64"], user: "0", group: "0", isolators: (if . == "two" then $own else [] end)}}),
		isolators: [{name: "resource/block-bandwidth", value: {default: true, limit: "4Mi"}}], volumes: [{name: "d", kind: "host", source: $d}], annotations: [], ports: []}' >"$T/pod.json"
	rkt run --pod-manifest="$T/pod.json" | tee "$T/both" | awk '/^direct/ { if (!n++ || $2 < least) least = $2 } END { print "both", 2 * least }'
}
test_block_limit_of_a_pod_is_of_all_apps() {
	own_disk
	near 2 4096 two_writers '[]'
	hasnt "$err" block-bandwidth
	# An app with less for itself has that; where version 1 does the limiting, this is told.
	run two_writers '[{"name": "resource/block-bandwidth", "value": {"default": true, "limit": "2Mi"}}]'
	is "$(awk '/^direct/ { print ($2 > 2260) }' "$T/both" | sort | paste -sd,)" 0,1 "an app with half of it: $(cat "$T/both")"
	[ ! -d /sys/fs/cgroup/blkio ] || has "$err" "isolator 'resource/block-bandwidth' is changed: apps with limits of their own have only these"
}
test_block_limit_without_a_disk() {
	DATA=$T/memory
	mkdir -m 700 "$DATA"
	mount -t tmpfs rkt-check "$DATA"
	trap 'umount "$T/memory"' EXIT
	aci=$(limited_image block-iops 200)
	run "$RKT" --dir="$DATA" --insecure-options=image --local-config="$T/config" run "$aci" --exec=/bin/testapp -- echo ran
	ok
	has "$err" "isolator 'resource/block-iops' is ignored: neither the pod's directory nor a volume lies on a disk"
	"$RKT" --dir="$DATA" gc --grace-period=0
	"$RKT" --dir="$DATA" gc --grace-period=0
}

# --- network ------------------------------------------------------------------------------------
test_network_bandwidth() {
	aci=$(limited_image network-bandwidth 1M)
	run rkt run --strict-isolators --uuid-file-save="$T/u" "$aci" --exec=/bin/testapp -- ifs
	ok
	hasnt "$out" eth
	run rkt status --uuid-file="$T/u"
	has "$out" 'resource/network-bandwidth: enforced (the pod has no interface but the loopback one, which is never limited)'
	run rkt run --net=host "$aci" --exec=/bin/testapp -- echo ran
	ok
	has "$err" "isolator 'resource/network-bandwidth' is ignored: the pod uses the host's network"
	run rkt run --net=host --strict-isolators "$aci" --exec=/bin/testapp -- echo ran
	refused 'resource/network-bandwidth'
}

# --- bad input ----------------------------------------------------------------------------------
test_limits_that_make_no_sense() {
	local flag
	for flag in --pids-limit=0 --pids-limit=x --pids-limit=99999999999999999999 --memory=1K --memory=-1 --memory=10E --memory=295147905179352826Ei --memory=-6e7 \
		--cpu=0 --cpu=99999999999999999999 --cpu=1e --cpu=1e99; do
		run rkt run "$TESTAPP" "$flag"
		refused
	done
	for flag in --pod-pids=0 --pod-memory=1K --pod-memory=1023Ki --pod-cpu=x; do
		run rkt run "$flag" "$TESTAPP"
		refused
	done
	[ -z "$(find "$DATA/pods" -mindepth 2 -maxdepth 2 2>/dev/null)" ] || fail 'a pod was made'
}
test_request_above_limit() {
	aci=$(image_with iso '.app.isolators = [{name: "resource/memory", value: {request: "64M", limit: "32M"}}]')
	run rkt run "$aci"
	refused 'the limit 32M is below the request 64M'
	aci=$(image_with iso '.app.isolators = [{name: "resource/cpu", value: {request: "2", limit: "1500m"}}]')
	run rkt run "$aci"
	refused 'the limit 1500m is below the request 2'
}
test_memory_that_nothing_starts_in() {
	# of an image that a pod manifest only names
	aci=$(image_with small '.app.isolators = [{name: "resource/memory", value: {limit: "100K"}}]')
	rkt fetch "$aci" >/dev/null
	jq -n --arg id "$(id_of "$aci")" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "x", image: {id: $id}}]}' >pod.json
	run rkt run --pod-manifest=pod.json
	refused "app 'x': memory limit of 100000 bytes too low"
	is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2)" '' pods
	aci=$(image_with iso '.app.isolators = [{name: "resource/memory", value: {limit: "100K"}}]')
	run rkt run "$aci"
	refused 'memory limit of 100000 bytes too low'
}

# --- devices ------------------------------------------------------------------------------------
# With this capability an app mounts what it likes, without nodev, and only the filter is left.
mighty=--caps-retain=CAP_SYS_ADMIN,CAP_MKNOD
test_devices_beyond_the_default_set() {
	run rkt --insecure-options=image,seccomp run "$TESTAPP" "$mighty" --exec=/bin/testapp -- try mount + mknod /tmp/null 1 3 + mknod /tmp/zero 1 5 + mknod /tmp/fuse 10 229 + mknod /tmp/tun 10 200
	ok
	is "$out" 'mount: ok
open /tmp/null: ok
open /tmp/zero: ok
open /tmp/fuse: Operation not permitted
open /tmp/tun: Operation not permitted'
	# Who leaves that barrier out, leaves out this one too.
	run rkt --insecure-options=image,seccomp,paths run "$TESTAPP" "$mighty" --exec=/bin/testapp -- try mount + mknod /tmp/fuse 10 229
	has "$out" 'open /tmp/fuse'
	hasnt "$out" 'Operation not permitted'
}
test_enter_has_the_same_devices() {
	"${RKTC[@]}" --insecure-options=image,seccomp run --uuid-file-save="$T/uuid" "$TESTAPP" "$mighty" --exec=/bin/testapp -- try mount + on-term 0 >"$T/pod.out" 2>"$T/pod.err" &
	pid=$!
	wait_for 10 pod_ready
	uuid=$(cat "$T/uuid")
	wait_for 10 grep -q waiting "$T/pod.out"
	run rkt enter "$uuid" /bin/testapp mknod /tmp/fuse 10 229
	is "$out" 'open /tmp/fuse: Operation not permitted'
	rkt stop "$uuid" >/dev/null
	finish
}
# A read-only mount does not keep anybody from writing to a device.
test_volume_that_is_a_device() {
	truncate -s 1M "$T/disk"
	disk=$(losetup -f --show "$T/disk")
	trap 'losetup -d "$disk"' EXIT
	run rkt run --volume=d,kind=host,source="$disk" "$TESTAPP" --mount=volume=d,target=/disk --exec=/bin/testapp -- direct /disk 4 4
	ok
	run rkt run --volume=d,kind=host,source="$disk",readOnly=true "$TESTAPP" --mount=volume=d,target=/disk --exec=/bin/testapp -- direct /disk 4 4
	ended 1
	is "$out" '/disk: Operation not permitted'
	run rkt run --volume=d,kind=host,source="$disk",readOnly=true "$TESTAPP" --mount=volume=d,target=/disk --exec=/bin/testapp -- stat /disk + cat /disk
	ok
}
# A kernel, or somebody above us, that does not let us load such a program.
test_without_programs_of_the_kernel() {
	run "$HELPERS/nosys" bpf "${RKTC[@]}" run --debug "$TESTAPP" --exec=/bin/testapp -- mknod /tmp/kmsg 1 11
	ok
	has "$out" 'open /tmp/kmsg: Permission denied'
	has "$err" 'load the filter of devices'
}
