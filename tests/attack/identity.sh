# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154
# Who an app is: hostile account files, numbers that wrap, groups, environment, the terminal of who enters.
. "$TOP/tests/attack/host.bash"

with_passwd() { # USER_OF_THE_CONFIG PASSWD_LINE: an OCI layout in $T/lay
	rm -rf "$T/lay"
	"$TOP/tests/images/layout.py" "$T/lay" <<-EOF
		image(layer(*base(), f('etc/passwd', 'root:x:0:0::/root:/bin/sh\n$2\n'), f('etc/group', 'root:x:0:\n$2\n')), User='$1')
	EOF
}
# A number is a number, whoever the image calls by it.
test_cve_2016_3697_number_that_is_a_name() {
	local how
	for how in 1000 1000:1000 01000; do
		with_passwd "$how" '1000:x:0:0::/:/bin/sh\n01000:x:0:0::/:/bin/sh'
		run rkt run oci:lay -- id
		[ "$status" = 254 ] || matches "$out" '^uid=1000[( ].* gid=(1000|0)[( ]|^uid=1000'
		hasnt "$out" uid=0
	done
}
test_cve_2026_46680_number_too_big_to_be_one() {
	local how
	for how in 4294967296 2147483648 4294967295 18446744073709551616 -1 4294968296; do
		with_passwd "$how" "$how:x:0:0::/:/bin/sh"
		run rkt run oci:lay -- id
		hasnt "$out" uid=0
		ended 254
	done
	for how in 4294967296 4294967295 -1 99999999999999999999; do
		run rkt run "$TESTAPP" --user="$how" --exec=/bin/testapp -- ids
		hasnt "$out" uid=
		run rkt run "$TESTAPP" --group="$how" --exec=/bin/testapp -- ids
		hasnt "$out" uid=
		run rkt run "$TESTAPP" --supplementary-gids="$how" --exec=/bin/testapp -- ids
		hasnt "$out" uid=
	done
}
# What is not wholly a user is nobody, never the number that it begins with.
test_cve_2026_30892_users_half_understood() {
	local how
	for how in 1000x x1000 0x0 1e3 ' 0' '0 ' 1000:0 1000: :0 '' 0.0 $'0\n' alice: 'alice bob' /nowhere; do
		run rkt run "$TESTAPP" --user="$how" --exec=/bin/testapp -- ids
		hasnt "$how: $out" 'uid=0' 'uid=1000'
		[ "$status" != 0 ] || fail "user '$how' is somebody"
	done
}
# Whose file it is, or what passwd says of a name, may be another one when somebody enters: the app has seen to it.
test_users_that_the_app_exchanges() {
	local before how
	mkdir -p x/home/alice/bin x/etc
	cp /bin/busybox x/home/alice/
	cp "$HELPERS/testapp" x/home/alice/bin/
	chown -R 1000:1000 x/home/alice
	printf 'root:x:0:0::/:\nalice:x:1000:1000::/home/alice:\n' >x/etc/passwd
	printf 'root:x:0:\nalice:x:1000:\n' >x/etc/group
	chmod 666 x/etc/passwd x/etc/group
	aci=$(image_with exchange . x)
	before='cd /home/alice; ./busybox mv bin old; ./busybox ln -s /bin bin; for f in /etc/passwd /etc/group; do ./busybox sed s/1000/0/g $f >new; ./busybox cat new >$f; done; echo exchanged; exec ./busybox sleep 100'
	for how in /home/alice/bin/testapp alice; do
		for flags in --private-users=false --private-users=true --stage1-from-dir=stage1-fly.aci; do
			start $flags "$aci" --user=$how --group=$how --exec=/home/alice/busybox -- sh -c "$before"
			wait_for 5 grep -q exchanged "$T/pod.out" || fail 'the app did not start'
			run rkt enter "$uuid" /bin/testapp ids + stat /home/alice/bin/testapp + cat /etc/passwd
			ok
			has "$out" 'uid=1000,1000,1000 gid=1000,1000,1000' '/home/alice/bin/testapp: file 0755 0:0' alice:x:0:0
			rkt stop --force "$uuid" >/dev/null
			finish
		done
	done
}
# A file that forbids something to a group does so whether the group is the first one or another.
test_cve_2022_36109_primary_group_among_the_others() {
	mkdir x
	echo for-all-but-alice >x/negative
	chown 0:1000 x/negative
	chmod 604 x/negative
	aci=$(image_with negative . x)
	run rkt run "$aci" --user=alice --group=alice --exec=/bin/testapp -- ids
	matches "$out" 'groups=1000$'
	run rkt run "$aci" --user=alice --group=alice --exec=/bin/testapp -- cat /negative
	hasnt "$out" for-all
	run rkt run "$aci" --user=alice --group=50 --supplementary-gids=1000 --exec=/bin/testapp -- ids + cat /negative
	hasnt "$out" for-all
	matches "$out" 'groups=(50,1000|1000,50)'
}
# No environment writes a line of /etc/passwd, or a variable of another's.
test_cve_2022_4318_newline_in_the_environment() {
	local evil=$'/root\nevil::0:0::/:/bin/sh'
	run rkt run --set-env=HOME="$evil" --set-env=USER="$evil" "$TESTAPP" --environment=LOGNAME="$evil" --exec=/bin/testapp -- cat /etc/passwd /etc/hosts
	hasnt "$out" evil
	run rkt run --hosts-entry=$'192.0.2.1=a\n192.0.2.2 evil' "$TESTAPP" --exec=/bin/testapp -- cat /etc/hosts
	refused
	run rkt run --dns=$'192.0.2.1\noptions evil' "$TESTAPP" --exec=/bin/testapp -- cat /etc/resolv.conf
	refused
	run rkt run --hostname=$'a\nevil' "$TESTAPP" --exec=/bin/testapp -- cat /etc/hosts
	refused
}
# Root of a pod that is nobody on the host: files below the store are out of its reach, and what it leaves is of no use there.
test_cve_2021_21284_store_and_the_pods_root() {
	local before after reachable
	guard
	rkt fetch "$IMAGES/busybox.aci" >/dev/null
	before=$(find "$DATA/cas/tree" -printf '%P %y %m %U:%G %s %T@ %l\n' | sort | sha256sum)
	run rkt run --private-users --uuid-file-save="$T/u" "$IMAGES/busybox.aci" -- -c 'chmod 4777 /bin/busybox; chown 1:1 /etc/passwd; echo x >>/etc/passwd; rm -r /root; mkdir /root
		cp /bin/busybox /su; chmod 6777 /su; ln -s /etc/shadow /l; mknod /m c 1 1; setfattr -n trusted.overlay.redirect -v /etc /root; echo done'
	has "$out" 'done'
	after=$(find "$DATA/cas/tree" -printf '%P %y %m %U:%G %s %T@ %l\n' | sort | sha256sum)
	is "$after" "$before" 'the trees of the store'
	[ -u "$DATA/pods/run/$(cat "$T/u")/overlay/busybox/upper/su" ] || fail 'there is no set-user-id file: nothing was tried'
	untouched
}
# Directories that rkt makes: no user of the host gets to a set-user-id file of an image or of an app, or to what an app wrote.
test_cve_2021_41103_store_and_users_of_the_host() {
	local dir file
	mkdir -p x/bin
	cp "$HELPERS/testapp" x/bin/suapp
	chmod 4755 x/bin/suapp
	aci=$(image_with suid . x)
	chmod 711 "$T" "$CHECK_TMP"
	RKTC[1]=--dir=$T/open/data
	mkdir -m 755 "$T/open"
	run rkt run --volume=data,kind=empty,mode=0777 "$aci" --exec=/bin/testapp -- write /data/file x + write /etc/hosts x
	ok
	run find "$T/open/data" -perm -4000
	has "$out" suapp
	while read -r file; do
		run setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'exec "$0" ids' "$file"
		[ "$status" = 126 ] || [ "$status" = 127 ] || fail "$file: status $status"
	done <<<"$out"
	run setpriv --reuid=65534 --regid=65534 --clear-groups find "$T/open/data" -type f
	is "$out" '' 'files that everybody can list'
	rkt gc --grace-period=0 >/dev/null 2>&1
	rkt gc --grace-period=0 >/dev/null 2>&1
	chmod 700 "$CHECK_TMP"
}
test_cve_2025_47291_control_group_with_users_of_its_own() {
	local p
	start --private-users "$TESTAPP" --exec=/bin/testapp -- sleep 1000
	for p in $(pgrep -P "$(cat "$DATA/pods/run/$uuid/pid")"); do
		grep -q "rkt-$uuid" "/proc/$p/cgroup" || fail "process $p is outside the pod's control group: $(cat "/proc/$p/cgroup")"
	done
	rkt stop --force "$uuid" >/dev/null
	finish
}
# Whoever enters a pod from a terminal finds nothing typed there afterwards.
test_cve_2016_10124_typing_into_the_terminal_of_who_enters() {
	local how
	cat >"$T/typing.py" <<-'E'
		import array, fcntl, os, pty, subprocess, sys, termios
		m, s = pty.openpty()
		def child():
		    os.setsid()
		    fcntl.ioctl(s, termios.TIOCSCTTY, 0)
		run = ['run', os.environ['TESTAPP'], '--exec=/bin/testapp', '--']
		# with the terminal as standard input, and without: it is the controlling one all the same, which /dev/tty would be
		for command in (['enter', sys.argv[1], '/bin/testapp'], run):
		    for stdin in (s, subprocess.DEVNULL):
		        p = subprocess.run(sys.argv[2:] + command + ['tiocsti', '+', 'tty'], stdin=stdin, stdout=subprocess.PIPE, preexec_fn=child, pass_fds=[s], timeout=20)
		        n = array.array('i', [0])
		        fcntl.ioctl(s, termios.FIONREAD, n)
		        if n[0]: sys.exit('%d bytes were typed after %s' % (n[0], command[0]))
		        if p.returncode or b'TIOCSTI: ' not in p.stdout: sys.exit('nothing was tried by %s: %s' % (command[0], p))
		        own = command[0] == 'enter' and stdin == s
		        if (b'terminal: yes' in p.stdout) != own: sys.exit('the terminal of %s: %s' % (command[0], p))
	E
	export TESTAPP
	# the filter forbids it; without one the terminal is another, or none
	for how in image image,seccomp; do
		RKTC[2]=--insecure-options=$how
		start "$TESTAPP" --exec=/bin/testapp -- sleep 1000
		run timeout 60 python3 "$T/typing.py" "$uuid" "${RKTC[@]}"
		ok
		rkt stop --force "$uuid" >/dev/null
		finish
	done
}
