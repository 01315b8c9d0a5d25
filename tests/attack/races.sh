# shellcheck shell=bash
# time limit: 120
# shellcheck disable=SC2034,SC2154
# Races: a hostile app exchanges directories and links in a volume, or looks into every process, while the runtime works beside it.
. "$TOP/tests/attack/host.bash"

# A directory of the host with `a` and `b`, one of them a link to the host's directory, exchanged all the time by a hostile app.
share() { # TARGET_OF_THE_LINK
	mkdir -p v/a/dir
	echo ours >v/a/dir/file
	ln -s "$1" v/b
	race=$(race_image)
	rkt fetch "$race" "$TESTAPP" >/dev/null
	hostile --volume=v,kind=host,source="$T/v" "$race" --mount=volume=v,target=/v --exec=/bin/race -- swap /v/a /v/b /v/stop
}
rounds=${ATTACK_ROUNDS:-60}

# The victim mounts its own volume at a place within the one that is raced in.
test_cve_2021_30465_mount_destination_race() {
	local i mounted=0
	guard
	mkdir w
	echo mine >w/mark
	share "/../../../../../../..$HOST/dir"
	for ((i = 0; i < rounds; i++)); do
		run rkt run --volume=v,kind=host,source="$T/v" --volume=w,kind=host,source="$T/w" "$TESTAPP" --mount=volume=v,target=/v \
			--mount=volume=w,target=/v/a/dir --exec=/bin/testapp -- mounts + ls /v/a + cat "$HOST/dir/file"
		hasnt "$out" "$SECRET"
		case $status in
		254) refused ;;
		*)
			has "$out" "/w /" # wherever it is now, below the root of the pod
			mounted=$((mounted + 1))
			;;
		esac
	done
	enough v/stop 5000
	[ $mounted -gt 0 ] || fail 'it was never mounted: nothing was tried'
	is "$(ls w v/a/dir)" "$(printf 'v/a/dir:\nfile\n\nw:\nmark')" 'files in the volumes'
	untouched
}
# The same, where what is to be mounted on is to be made first: nothing is, in a directory of the host.
test_cve_2024_45310_directories_made_in_a_race() {
	local i
	guard
	mkdir w
	share "/../../../../../../..$HOST"
	for ((i = 0; i < rounds; i++)); do
		run rkt run --volume=v,kind=host,source="$T/v" --volume=w,kind=host,source="$T/w" "$TESTAPP" --mount=volume=v,target=/v \
			--mount=volume=w,target=/v/a/dir/new/deep --exec=/bin/testapp -- ls /v/a/dir
		[ "$status" != 0 ] || fail 'it was mounted on something that was made in a directory of the host'
	done
	enough v/stop 5000
	is "$(find v -mindepth 1 | sort)" "$(printf 'v/a\nv/a/dir\nv/a/dir/file\nv/b\nv/stop')"
	untouched
}
# A rename anywhere makes the kernel give up a walk with "..", of which the link has many.
test_renames_that_keep_others_waiting() {
	local i
	guard
	mkdir w
	echo mine >w/mark
	share dir
	ln -s "$(printf '../%.0s' {1..1000})" v/up
	for ((i = 0; i < rounds / 4; i++)); do
		run rkt run --volume=v,kind=host,source="$T/v" --volume=w,kind=host,source="$T/w" "$TESTAPP" --mount=volume=v,target=/v \
			--mount=volume=w,target=/v/up/new --exec=/bin/testapp -- cat /new/mark
		ok
		is "$out" mine
	done
	enough v/stop 5000
	untouched
}
# The source of a volume lies in what another pod may write to.
test_cve_2024_42472_volume_source_race() {
	local i given=0
	guard
	mkdir -p v/a/sub
	echo ours >v/a/sub/file
	share "$HOST/dir"
	for ((i = 0; i < rounds; i++)); do
		run rkt run --volume=w,kind=host,source="$T/v/a/sub" "$TESTAPP" --mount=volume=w,target=/w --exec=/bin/testapp -- cat /w/file
		hasnt "$out" "$SECRET"
		case $status in
		0) is "$out" ours; given=$((given + 1)) ;;
		254) refused ;;
		*) fail 'neither given nor refused' ;;
		esac
	done
	enough v/stop 5000
	[ $given -gt 0 ] || fail 'it was never given: nothing was tried'
	untouched
}
# /proc of the image is a link into the shared volume.
test_cve_2019_19921_proc_by_a_shared_volume() {
	local i image=$T/fake.root
	guard
	mkdir -p v/a/self/attr v/a/sys/kernel "$image"
	echo fake >v/a/sys/kernel/core_pattern
	share "/../../../../../../..$HOST"
	tar -xf "$TESTAPP" -C "$image"
	ln -s /v/a "$image/rootfs/proc"
	"$TOP/tests/images/mkaci.sh" "$image/rootfs" "$image/manifest" "$T/fake.aci"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		run rkt run --volume=v,kind=host,source="$T/v" "$T/fake.aci" --mount=volume=v,target=/v --exec=/bin/testapp -- echo ran
		refused "'/proc'"
	done
	enough v/stop 1000
	untouched
}
# What is entered is root with all privileges until it becomes the command; whoever sees it then must not reach it.
test_cve_2016_9962_entered_process_is_out_of_reach() {
	local i
	guard
	race=$(race_image)
	RKTC+=("--insecure-options=image,seccomp") # the default filter forbids tracing: this must hold without it
	start "$race" --exec=/bin/race -- peek /tmp/stop -
	wait_for 10 grep -q '^go' "$T/pod.out" || fail 'nobody looks'
	for ((i = 0; i < rounds * 2; i++)); do
		rkt enter "$uuid" /bin/testapp exit 0 </dev/null || fail "enter ended with $?"
	done
	rkt enter "$uuid" /bin/testapp mkdir /tmp/stop || [ $? = 137 ] # the pod may end before the command does
	finish
	ok
	matches "$out" 'looked [0-9]{5,}'
	hasnt "$out" reached
	untouched
}
# The same in a pod with users of its own, whose app has the capability to trace: the processes that come from outside belong to the
# host's users until they are the command.
test_cve_2016_9962_entered_process_is_out_of_reach_of_a_tracer() {
	local i
	guard
	race=$(race_image)
	RKTC+=("--insecure-options=image,seccomp")
	start --private-users "$race" --caps-retain=CAP_SYS_PTRACE,CAP_DAC_OVERRIDE,CAP_KILL --exec=/bin/race -- peek /tmp/stop -
	wait_for 10 grep -q '^go' "$T/pod.out" || fail 'nobody looks'
	for ((i = 0; i < rounds / 2; i++)); do
		rkt enter "$uuid" /bin/testapp exit 0 </dev/null || fail "enter ended with $?"
	done
	rkt enter "$uuid" /bin/testapp mkdir /tmp/stop || [ $? = 137 ] # the pod may end before the command does
	finish
	ok
	matches "$out" 'looked [0-9]{4,}'
	hasnt "$out" reached
	untouched
}
# The same while the apps of a pod start: each is ours with all privileges until it has its root and executes.
test_cve_2016_8649_starting_apps_are_out_of_reach() {
	local i apps=()
	guard
	race=$(race_image)
	RKTC+=("--insecure-options=image,seccomp")
	rkt fetch "$race" "$TESTAPP" >/dev/null
	for i in 1 2 3 4 5 6 7 8; do apps+=(--- "$TESTAPP" --name="app$i" --exec=/bin/testapp -- echo "started $i"); done
	for ((i = 0; i < rounds / 4; i++)); do
		run rkt run --volume=v,kind=empty "$race" --name=race --mount=volume=v,target=/v --exec=/bin/race -- peek /v/stop /bin/testapp "${apps[@]}" \
			--- "$TESTAPP" --name=last --mount=volume=v,target=/v --exec=/bin/testapp -- sleep 0.1 + mkdir /v/stop
		ok
		matches "$out" 'looked [0-9]{3,}'
		hasnt "$out" reached
	done
	untouched
}
# Volumes of Docker images begin with what the image has there; another app of the pod has the volume already, and puts links in the
# place of what is being made. Links to a device or a FIFO that is no more would be links to whatever they name on the host.
test_volume_that_is_filled_in_a_race() {
	local i planted=0
	guard
	race=$(race_image)
	"$TOP/tests/images/layout.py" "$T/lay" <<-'EOF'
		import tarfile
		image(layer(*base(), d('data'), *[entry('data/p%d' % i, tarfile.FIFOTYPE, 0o6777, uid=4242, gid=4242) for i in range(400)],
		            *[f('data/q%d' % i, 'text', 0o6777, uid=4242) for i in range(100)]), Volumes={'/data': {}})
	EOF
	rkt fetch "$race" oci:lay >/dev/null
	for ((i = 0; i < rounds / 10; i++)); do
		run rkt run --volume=volume-data,kind=empty "$race" --name=race --mount=volume=volume-data,target=/v --exec=/bin/race -- plant /v "$HOST/secret" /v/.stop \
			--- oci:lay --name=filled --mount=volume=volume-data,target=/data -- 'echo filled >/data/.stop'
		planted=$((planted + $(find "$DATA"/pods/*/*/sharedVolumes/volume-data -type l | wc -l)))
		rkt gc --grace-period=0 >/dev/null
	done
	echo "planted $planted"
	[ $planted -gt 0 ] || fail 'nothing was planted: nothing was tried'
	untouched
}
