# shellcheck shell=bash
# --interactive: a terminal of one's own, restored on every exit. A script of Python plays the terminal.

terminal() { # SCRIPT (python; has `m` master fd, `run(argv)`, `expect(bytes)`, `modes()`)
	cat >"$T/drive.py" <<-'E'
		import os, pty, select, signal, struct, fcntl, subprocess, sys, termios, time
		m, s = pty.openpty()
		fcntl.ioctl(s, termios.TIOCSWINSZ, struct.pack('HHHH', 33, 99, 0, 0))
		seen = b''
		def modes(): return termios.tcgetattr(s)
		def resize(r, c): fcntl.ioctl(m, termios.TIOCSWINSZ, struct.pack('HHHH', r, c, 0, 0))
		def run(*args, stdout=s, stderr=s, by=()):
		    def child():
		        os.setsid()
		        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
		    return subprocess.Popen([*by, os.environ['RKT'], '--dir=' + os.environ['DATA'], '--insecure-options=image', *args], stdin=s, stdout=stdout, stderr=stderr, preexec_fn=child)
		def expect(what, seconds=15):
		    global seen
		    end = time.time() + seconds
		    while what not in seen:
		        r, _, _ = select.select([m], [], [], max(0, end - time.time()))
		        if not r:
		            sys.exit('waited for %r, saw %r' % (what, seen))
		        seen += os.read(m, 4096)
		    seen = seen[seen.index(what) + len(what):]
		def send(what): os.write(m, what)
		def same(got, wanted, what):
		    if got != wanted: sys.exit('%s: %r, not %r' % (what, got, wanted))
		before = modes()
	E
	cat >>"$T/drive.py"
	run timeout 40 python3 "$T/drive.py"
	ok
}
test_terminal_inside() {
	terminal <<-E
		p = run('run', '--interactive', '$TESTAPP', '--exec=/bin/testapp', '--', 'tty', '+', 'exit', '5')
		expect(b'stdin 1 stdout 1 stderr 1')
		expect(b'size 33x99')
		expect(b'controlling terminal: yes')
		same(p.wait(20), 5, 'status')
		same(modes(), before, 'modes of the terminal')
	E
}
test_shell() {
	terminal <<-E
		p = run('run', '--interactive', '$IMAGES/busybox.aci')
		send(b'echo a\$((40+2))b\n')
		expect(b'a42b')
		send(b'exit 3\n')
		same(p.wait(20), 3, 'status')
		same(modes(), before, 'modes of the terminal')
	E
}
test_window_size_follows() {
	terminal <<-E
		p = run('run', '--interactive', '$IMAGES/busybox.aci')
		send(b'echo re""ady\n')
		expect(b'ready')
		resize(50, 132)
		time.sleep(.3)
		send(b'stty size\n')
		expect(b'50 132')
		send(b'exit\n')
		same(p.wait(20), 0, 'status')
	E
}
test_control_c_goes_to_the_app() {
	terminal <<-E
		p = run('run', '--interactive', '$IMAGES/busybox.aci')
		send(b'trap "echo caught" INT; echo re""ady; sleep 100; echo afterwards\n')
		expect(b'ready')
		time.sleep(.3)
		send(b'\x03')
		expect(b'caught')
		send(b'exit 0\n')
		same(p.wait(20), 0, 'status')
		same(modes(), before, 'modes of the terminal')
	E
}
test_terminal_restored_after_kill() {
	terminal <<-E
		p = run('run', '--interactive', '$TESTAPP', '--exec=/bin/testapp', '--', 'echo', 'up', '+', 'sleep', '100')
		expect(b'up')
		p.send_signal(signal.SIGTERM)
		p.wait(30)
		same(modes(), before, 'modes of the terminal')
	E
}
test_terminal_restored_after_the_app_dies() {
	terminal <<-E
		p = run('run', '--interactive', '$TESTAPP', '--exec=/bin/testapp', '--', 'echo', 'up', '+', 'kill', '9')
		same(p.wait(20), 137, 'status')
		same(modes(), before, 'modes of the terminal')
	E
}
test_one_app_only() {
	run rkt run --interactive "$TESTAPP" --name=a "$TESTAPP" --name=b
	refused
}
test_without_a_terminal() {
	status=0
	out=$(echo piped | rkt run --interactive "$TESTAPP" --exec=/bin/testapp -- read 2>"$T/err") || status=$?
	err=$(cat "$T/err")
	ok
	has "$out" piped
}
test_cve_2017_5226_no_typing_into_the_callers_terminal() {
	terminal <<-E
		p = run('run', '$TESTAPP', '--exec=/bin/testapp', '--', 'tiocsti')
		expect(b'TIOCSTI: ')
		same(p.wait(20), 0, 'status')
		if b'ok' in seen: sys.exit('typed into the terminal of the host')
	E
}

# --- enter ---------------------------------------------------------------------------------------
# The terminal of who enters is relayed to one of the pod's own, as that of `run --interactive` is.
pod_to_enter() { # FLAGS of run
	start "$@" "$IMAGES/busybox.aci" --exec=/bin/sh -- -c 'echo up; sleep 100'
	wait_for 5 grep -q up "$T/pod.out" || fail 'the app did not start'
}
leave() {
	rkt stop --force "$uuid" >/dev/null
	finish
}
entered() { # FLAGS of run
	pod_to_enter "$@"
	terminal <<-E
		p = run('enter', '$uuid', '/bin/sh')
		send(b'echo a\$((40+2))b; tty; stty size\n')
		expect(b'a42b')
		expect(b'/dev/pts/')
		expect(b'33 99')
		resize(50, 132)
		send(b'until [ "\$(stty size)" = "50 132" ]; do sleep .05; done; echo re""sized\n')
		expect(b'resized')
		send(b'(trap "echo cau""ght; exit" INT; echo re""ady; while :; do sleep .05; done)\n')
		expect(b'ready')
		send(b'\x03')
		expect(b'caught')
		send(b'exit 3\n')
		same(p.wait(20), 3, 'status')
		same(modes(), before, 'modes of the terminal')
	E
	leave
}
test_enter_a_shell() { entered; }
test_enter_a_shell_with_private_users() { entered --private-users; }
test_enter_restores_the_terminal() {
	pod_to_enter
	terminal <<-E
		for signal_of_the_shell in 'KILL', 'TERM':
		    p = run('enter', '$uuid', '/bin/sh', '-c', 'echo pid=\$\$; kill -%s \$\$' % signal_of_the_shell)
		    expect(b'pid=')
		    same(p.wait(20), 128 + getattr(signal, 'SIG' + signal_of_the_shell), 'status')
		    same(modes(), before, 'modes of the terminal')
		p = run('enter', '$uuid', '/nowhere')
		expect(b'/nowhere')
		same(p.wait(20), 203, 'status')
		same(modes(), before, 'modes of the terminal')
		# of who enters: its command is told, and what it ends with is passed on
		p = run('enter', '$uuid', '/bin/sh', '-c', 'echo re\$((1))ady; sleep 100')
		expect(b're1ady')
		p.send_signal(signal.SIGTERM)
		same(p.wait(20), 128 + signal.SIGTERM, 'status')
		same(modes(), before, 'modes of the terminal')
		# the pod ends below it
		p = run('enter', '$uuid', '/bin/sh', '-c', 'echo re\$((2))ady; sleep 100')
		expect(b're2ady')
		subprocess.check_call([os.environ['RKT'], '--dir=' + os.environ['DATA'], 'stop', '--force', '$uuid'], stdout=subprocess.DEVNULL)
		same(p.wait(20), 128 + signal.SIGKILL, 'status')
		same(modes(), before, 'modes of the terminal')
	E
	finish
}
# What goes to a file or a pipe is not the terminal's: no byte of it is changed, and nothing else is among it.
test_enter_keeps_what_is_no_terminal() {
	pod_to_enter
	terminal <<-E
		script = 'printf "a\\\\nb\\\\377\\\\004\\\\n"; echo to-stderr >&2; [ -t 0 ] && echo a-terminal >&2'
		with open('$T/redirected', 'wb') as f:
		    p = run('enter', '$uuid', '/bin/sh', '-c', script, stdout=f)
		    expect(b'to-stderr')
		    same(p.wait(20), 0, 'status')
		same(open('$T/redirected', 'rb').read(), b'a\nb\xff\x04\n', 'standard output')
		with open('$T/redirected', 'wb') as f:
		    p = run('enter', '$uuid', '/bin/sh', '-c', script + '; tty', stderr=f)
		    expect(b'b\xff')
		    expect(b'/dev/pts/')
		    same(p.wait(20), 0, 'status')
		same(open('$T/redirected', 'rb').read(), b'to-stderr\na-terminal\n', 'standard error')
		p = run('enter', '$uuid', '/bin/sh', '-c', 'read line; echo "got \$line"; tty >&2', stdout=subprocess.PIPE)
		send(b'some words\n')
		same(p.stdout.readline(), b'got some words\n', 'standard output')
		expect(b'/dev/pts/')
		same(p.wait(20), 0, 'status')
		same(modes(), before, 'modes of the terminal')
	E
	leave
}
test_run_keeps_what_is_no_terminal() {
	terminal <<-E
		with open('$T/redirected', 'wb') as f:
		    p = run('run', '--interactive', '$IMAGES/busybox.aci', '--exec=/bin/sh', '--', '-c', 'printf "a\\\\nb\\\\377\\\\n"; tty >&2; read line; echo "got \$line" >&2', stdout=f)
		    expect(b'/dev/console')
		    send(b'some words\n')
		    expect(b'got some words')
		    same(p.wait(20), 0, 'status')
		same(open('$T/redirected', 'rb').read(), b'a\nb\xff\n', 'standard output')
		same(modes(), before, 'modes of the terminal')
	E
}
# Raw mode set from the background would be the shell's.
test_enter_from_the_background() {
	pod_to_enter
	terminal <<-E
		behind = ('bash', '-c', 'set -m; "\$@" & wait \$!', 'shell')
		p = run('enter', '$uuid', '/bin/true', by=behind)
		expect(b'cannot be taken over from the background')
		same(p.wait(20), 254, 'status')
		same(modes(), before, 'modes of the terminal')
		p = run('enter', '$uuid', '/bin/echo', 'works', by=('bash', '-c', 'set -m; "\$@" </dev/null & wait \$!', 'shell'))
		expect(b'works')
		same(p.wait(20), 0, 'status')
	E
	leave
}
