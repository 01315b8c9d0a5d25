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
		def run(*args):
		    def child():
		        os.setsid()
		        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
		    return subprocess.Popen([os.environ['RKT'], '--dir=' + os.environ['DATA'], '--insecure-options=image', *args], stdin=s, stdout=s, stderr=s, preexec_fn=child)
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
