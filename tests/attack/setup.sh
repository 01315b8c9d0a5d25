# shellcheck shell=bash
# time limit: 90
# shellcheck disable=SC2016,SC2034,SC2154
# Hostile images against the setup of a pod: links where something is mounted, made or written, descriptors, kernel files.
. "$TOP/tests/attack/host.bash"

in_shell() { # [rkt run flags] -- SCRIPT: a pod with a shell
	local flags=()
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	run rkt run "${flags[@]}" "$IMAGES/busybox.aci" -- -c "$2"
}
# An image whose root is testapp's, changed by a script that stands in it: hostile_image NAME SCRIPT [JQ_FILTER]
hostile_image() {
	local root=$T/hostile.$1
	mkdir "$root"
	tar -xf "$TESTAPP" -C "$root"
	(cd "$root/rootfs" && UP=$up && eval "$2")
	jq "${3:-.} | .name = \"example.com/$1\"" "$root/manifest" >"$root/m"
	"$TOP/tests/images/mkaci.sh" "$root/rootfs" "$root/m" "$T/$1.aci"
	rm -rf "$root"
	echo "$T/$1.aci"
}
# The same attack on kernels of all ages: the ways without openat2, and without mounts by descriptor.
each_kernel() { # rkt arguments; calls `judge` after each
	local without
	for without in '' openat2 open_tree,move_mount,mount_setattr openat2,open_tree,move_mount,mount_setattr,fsopen; do
		if [ -z "$without" ]; then run rkt "$@"; else run "$HELPERS/nosys" "$without" "${RKTC[@]}" "$@"; fi
		[ "$status" = 0 ] || [ "$status" = 1 ] || ended 254
		hasnt "$out" "$SECRET"
		judge
	done
}

test_cve_2015_1335_links_at_mount_targets() {
	guard
	mkdir v
	echo mine >v/file
	aci=$(hostile_image links 'rm -r etc data; mkdir -p ".$HOST/dir/sub"; ln -s "$UP$HOST/dir" etc; ln -s "$UP$HOST/dir/sub" data; ln -s "tmp/$UP$HOST" up')
	judge() { is "$out" mine; } # where the link leads inside the root
	each_kernel run --volume=data,kind=host,source="$T/v" "$aci" --exec=/bin/testapp -- cat /data/file
	each_kernel run --volume=v,kind=host,source="$T/v" "$aci" --mount=volume=v,target=/up/dir/new --exec=/bin/testapp -- cat /up/dir/new/file
	judge() { :; }
	each_kernel run --volume=v,kind=host,source="$T/v/file" "$aci" --mount=volume=v,target=/etc/file --exec=/bin/testapp -- cat /etc/file
	untouched
}
# Links to files of the host where rkt makes files of its own.
test_cve_2025_24965_files_that_are_made_in_the_root() {
	guard
	judge() { :; }
	aci=$(hostile_image files 'rm -rf etc/hosts etc/resolv.conf etc/mtab; for f in hosts resolv.conf mtab; do ln -s "$UP$HOST/new-$f" etc/$f; done')
	each_kernel run --dns=192.0.2.1 --hosts-entry=192.0.2.2=other "$aci" --exec=/bin/testapp -- cat /etc/hosts
	aci=$(hostile_image dirs 'rm -rf etc; ln -s "$HOST" etc')
	each_kernel run --dns=192.0.2.1 --hosts-entry=192.0.2.2=other --no-overlay "$aci" --exec=/bin/testapp -- cat /etc/hosts
	untouched
}
test_cve_2026_47766_links_for_the_kernels_directories() {
	local d
	guard
	judge() { refused "'/$d'"; }
	for d in dev proc sys; do
		aci=$(hostile_image "$d" "rm -rf $d; ln -s \"\$UP\$HOST/dir\" $d")
		each_kernel run "$aci" --exec=/bin/testapp -- echo ran
	done
	untouched
}
# What is below /dev of the image is never used, however it is called.
test_cve_2025_31133_null_device_of_the_image() {
	guard
	aci=$(hostile_image devices 'mkdir -p dev; for d in null zero full tty random pts shm fd stdout; do ln -s "$UP/proc/sys/kernel/core_pattern" dev/$d; done')
	judge() {
		has "$out" '/dev/null: char 0666 0:0 1,3' '/dev/zero: char 0666 0:0 1,5' '/dev/pts: dir'
		hasnt "$out" "$(cat /proc/sys/kernel/core_pattern)"$'\n'
	}
	each_kernel run "$aci" --exec=/bin/testapp -- stat /dev/null /dev/zero /dev/pts + cat /proc/kcore /proc/keys /proc/timer_list
	untouched
}
test_cve_2025_52565_console_of_the_image() {
	guard
	aci=$(hostile_image console 'mkdir -p dev; ln -s "$UP/proc/sys/kernel/core_pattern" dev/console; ln -s "$UP$HOST/secret" dev/ptmx; ln -s "$UP$HOST/dir" dev/pts')
	run on_terminal "${RKTC[@]}" run --interactive "$aci" --exec=/bin/testapp -- stat /dev/console /dev/ptmx + write /dev/console hello + tty
	ok
	matches "$out" '/dev/console: char 06[0-9]+ 0:'
	has "$out" hello 'controlling terminal: yes'
	untouched
}
# Scores, sysctls and labels are written to the kernel's files or not at all: the image brings files of these names.
test_cve_2025_52881_writes_to_the_kernels_files() {
	guard
	aci=$(hostile_image writes 'mkdir -p proc/self/attr proc/self/task/1 proc/thread-self/attr proc/sys/net/ipv4
		for f in self/oom_score_adj self/attr/exec self/attr/current thread-self/attr/exec sys/net/ipv4/ip_forward; do ln -s "$UP$HOST/secret" proc/$f; done')
	judge() { [ "$status" = 254 ] || is "$out" $'321\n1'; }
	each_kernel run --sysctl net.ipv4.ip_forward=1 "$aci" --oom-score-adj=321 --exec=/bin/testapp -- cat /proc/self/oom_score_adj /proc/sys/net/ipv4/ip_forward
	untouched
}
test_cve_2015_3630_kernel_files_that_tell_or_take() {
	guard
	in_shell -- 'for f in config.gz kallsyms kcore keys kmem latency_stats mem sched_debug timer_list timer_stats; do
			[ ! -e /proc/$f ] || [ -z "$(head -c 16 /proc/$f 2>/dev/null)" ] || echo "told: $f"; done
		for d in acpi asound scsi; do [ -z "$(ls /proc/$d 2>/dev/null)" ] || echo "listed: $d"; done
		for d in firmware module power hypervisor devices/virtual/powercap; do [ -z "$(ls /sys/$d 2>/dev/null)" ] || echo "listed: $d"; done
		for d in /proc/sysrq-trigger /proc/sys /proc/irq /proc/bus /proc/fs /sys/bus /sys/class /sys/devices /sys/kernel /sys/block /sys/module; do
			find $d -type f -perm -200 2>/dev/null | head -n 200 >/files
			while read -r f; do (: >>"$f") 2>/dev/null && echo "writable: $f"; done </files
			[ ! -s /files ] || echo "tried: $d"; done; echo done'
	ok
	is "$(grep -v '^tried: ' <<<"$out")" 'done'
	has "$out" 'tried: /proc/sys' 'tried: /sys/kernel'
	untouched
}
# Descriptors that the caller of rkt has open are not the app's.
test_cve_2015_3627_descriptors_of_the_caller() {
	guard
	status=0
	rkt run "$TESTAPP" --exec=/bin/testapp -- fds 5<"$HOST" 9<"$HOST/dir" 47<"$HOST/secret" 900<"$HOST" >"$T/out" 2>&1 </dev/null || status=$?
	out=$(cat "$T/out")
	ok
	is "$(grep -c -- '->' <<<"$out")" 3 descriptors
	hasnt "$out" "$HOST"
	untouched
}
# A working directory, a program or an argument that is a descriptor of ours.
test_cve_2024_21626_working_directory_and_program_by_descriptor() {
	local n path
	guard
	for n in 3 4 5 6 7 8 9 10 12 14 16; do
		for path in /proc/self/fd/$n /proc/thread-self/fd/$n /proc/1/fd/$n; do
			run rkt run "$TESTAPP" --working-dir="$path" --exec=/bin/testapp -- cwd + ls ../../../../../../.."$HOST"
			refused 'working directory'
		done
		run rkt run "$TESTAPP" --exec="/proc/self/fd/$n/../../../../../..$HELPERS/testapp" -- echo ran
		hasnt "$out" ran
	done
	aci=$(hostile_image fds 'for n in 3 4 5 6 7 8 9 10; do ln -s /proc/self/fd/$n fd$n; done; ln -s /proc/self/cwd cwd; ln -s /proc/1/root root1')
	for path in /fd3 /fd4 /fd5 /fd6 /fd7 /fd8 /fd9 /fd10 /cwd /root1; do
		run rkt run "$aci" --working-dir="$path" --exec=/bin/testapp -- cwd
		refused 'working directory'
	done
	untouched
}
test_cve_2022_0492_release_agent() {
	guard
	in_shell -- 'find / -xdev -name release_agent; find /sys -name release_agent; for c in memory cpu rdma ""; do
			mkdir -p /tmp/m; mount -t cgroup -o "$c" none /tmp/m && echo mounted; mount -t cgroup2 none /tmp/m && echo mounted; done 2>/dev/null
		unshare -UrmC true 2>/dev/null && echo unshared; find /sys/fs/cgroup -perm -200 -type f | while read -r f; do (: >>"$f") 2>/dev/null && echo "writable: $f"; done; echo done'
	ok
	is "$(grep -v '^/sys/fs/cgroup.*release_agent$' <<<"$out")" 'done'
	untouched
}
test_cve_2023_25809_control_groups_with_users_of_their_own() {
	guard
	in_shell --private-users -- 'find /sys/fs/cgroup -type d | while read -r d; do mkdir "$d/x" 2>/dev/null && echo "made: $d"; done
		find /sys/fs/cgroup -type f | while read -r f; do (: >>"$f") 2>/dev/null && echo "writable: $f"; done; echo done'
	ok
	is "$out" 'done'
	untouched
}
# Names and numbers that would lead elsewhere, as in a group of crun's, a lock of lxc's and a log of CRI-O's.
test_cve_2015_1331_names_that_lead_elsewhere() {
	local name
	guard
	for name in ../../host ../../../host .. . ../run/x '..%2f' "$HOST" 'a/../../..' $'a\n'; do
		for command in status stop rm cat-manifest export; do
			run rkt "$command" "$name" "$T/x.aci"
			ended 254
		done
		run rkt enter "$name" /bin/testapp echo ran
		refused
		run rkt run "$TESTAPP" --name="$name"
		refused
		run rkt run --volume="$name,kind=empty" "$TESTAPP"
		refused
		jq -n --arg name "$name" '{acVersion: "0.8.11", acKind: "PodManifest", apps: [{name: $name, image: {id: ("sha512-" + "0" * 128)}}]}' >"$T/pod.json"
		run rkt run --pod-manifest="$T/pod.json"
		refused
	done
	untouched
}
# Nothing that is installed has rights of its own, so no environment, limit, terminal or signal of a caller can abuse them.
test_cve_2020_5291_nothing_is_set_uid() {
	make --no-print-directory -C "$TOP" B="$B" DESTDIR="$T/root" install >"$T/log" 2>&1 || { cat "$T/log"; fail 'make install'; }
	[ -n "$(find "$T/root" -type f -name rkt)" ] || fail 'nothing was installed'
	is "$(find "$T/root" -perm /7000)" '' 'set-user-id or set-group-id'
	is "$(find "$T/root" -perm /022 ! -type l)" '' 'writable by others'
	is "$(getcap -r "$T/root")" '' 'with capabilities'
}
# Nothing is made or looked for in a directory that everybody may write to.
test_cve_2019_12439_no_predictable_names() {
	guard
	rm -f "$T/trace"
	strace -s 9999 -f -qq -o "$T/trace" -e trace=%file "${RKTC[@]}" run --uuid-file-save="$T/u" "$TESTAPP" --exec=/bin/testapp -- echo ran
	strace -s 9999 -f -qq -A -o "$T/trace" -e trace=%file "${RKTC[@]}" export "$(cat "$T/u")" "$T/x.aci"
	strace -s 9999 -f -qq -A -o "$T/trace" -e trace=%file "${RKTC[@]}" gc --grace-period=0
	grep -qF "$DATA" "$T/trace" || fail 'nothing was traced'
	is "$(grep -E '"/(tmp|var/tmp|dev/shm)(/|")' "$T/trace" | grep -vF -e "$T" -e "$TOP" -e "readlink(" | head -n 3)" '' 'in directories for all'
	untouched
}
