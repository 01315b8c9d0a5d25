# shellcheck shell=bash
# Layers that mean harm: what is refused leaves nothing, what is accepted stays in its place.

layout() { "$TOP/tests/images/layout.py" "$T/lay"; }
# A layer of each line on a sound one: VERDICT@WHAT@ENTRIES@COMMAND IN THE IMAGE@ITS OUTPUT
try_layers() {
	local verdict what entries command wanted uid before
	echo outside >"$T/outside"
	mkdir -p "$T/target"
	while before=$(rkt image list --no-legend --fields=name) && IFS=@ read -r verdict what entries command wanted; do
		rm -rf lay
		layout <<<"import struct; T = '$T'; image(layer(*base(), f('etc/a', 'a')), layer($entries))"
		run timeout 60 "${RKTC[@]}" fetch oci:lay
		case $verdict in
		refused)
			[ "$status" = 254 ] || fail "$what was accepted"
			refused 'layer 2'
			is "$(rkt image list --no-legend --fields=name)" "$before" "images after $what"
			;;
		held)
			ok "$what"
			uid=$out
			run rkt run "$uid" -- "$command"
			is "$out" "$wanted" "$what"
			rkt gc --grace-period=0s >/dev/null
			rkt gc --grace-period=0s >/dev/null
			rkt image rm "$uid" >/dev/null
			;;
		esac
		is "$(ls -A "$DATA/cas/tmp")" '' "in cas/tmp after $what"
		is "$(cat "$T/outside")" outside "a file outside after $what"
		is "$(ls -A "$T/target")" '' "a directory outside after $what"
	done
}
test_paths() {
	try_layers <<-'EOF'
		refused@a path in a pax header@f('x', 'x', pax={'path': '../' * 20 + T + '/target/x'})
		held@an absolute path in a pax header@f('x', 'x', pax={'path': T + '/target/x'})@cat $(find / -xdev -path '*/target/x')@x
		held@absolute paths, as kaniko and umoci write them@d('/'), d('/etc'), f('/etc/b', 'b'), h('/etc/c', '/etc/b'), wh('/etc/a')@test ! -e /etc/a && cat /etc/c@b
		refused@an absolute path that leads up@f('/../x', 'x')
		refused@a hard link in a pax header@entry('x', tarfile.LNKTYPE, target='etc/a', pax={'linkpath': '../../../../outside'})
		refused@a long name@header('././' + chr(64) + 'LongLink', 400, b'L') + padded(b'../' * 30 + T.encode() + b'/target/x' + b'\0' * 400)[:512] + header('x', 0)
		refused@a depth of 300@f('d/' * 300 + 'x')
		refused@a name of 300@f('n' * 300)
		refused@an escape in a name that is refused@f('../\x1b[31mred')
		refused@a hard link by way of a symbolic one@s('l', '/../..'), h('x', 'l' + T + '/outside')
		refused@a hard link to itself@h('x', 'x')
		held@a hard link to a link to a directory@s('l', 'etc'), h('x', 'l')@readlink /x@etc
		refused@the top as a device@n('.', (8, 0))
		refused@the top as a hard link@h('.', 'etc/a')
		held@an absolute link, then a file through it@s('l', T + '/target'), f('l/x', 'in')@cat /l/x@in
		held@dots in a link, then a file through it@s('l', '../' * 30 + T + '/target'), f('l/x', 'in')@cat /l/x@in
		held@a link that takes a file's place, and a file through it@f('l', 'old'), s('l', T + '/target'), f('l/x', 'in')@cat /l/x@in
		held@a directory that takes a link's place@s('l', T + '/target'), d('l'), f('l/x', 'in')@cat /l/x; test -h /l || echo own@inown
		held@a link to a link@s('a1', T), s('a2', 'a1/target'), f('a2/x', 'in')@cat /a2/x@in
		held@a file twice@f('x', 'first'), f('x', 'second')@cat /x@second
		held@a link back to the top of a layer below@s('etc/up', '..'), f('etc/up/etc/up/etc/x', 'in')@cat /etc/x@in
	EOF
}
test_whiteouts() {
	try_layers <<-'EOF'
		refused@a directory called as a whiteout, with a file@d('.wh.x'), f('.wh.x/y')
		refused@an opaque mark with a file in it@d('.wh..wh..opq'), f('.wh.etc/.wh..wh..opq')
		refused@a whiteout of the parent by way of a link@s('l', '/'), f('l/.wh...')
		refused@a whiteout without a name in a directory@f('etc/.wh.')
		held@a whiteout by way of a link that leads out@s('l', T), f('l/.wh.outside')@cat /etc/a@a
		held@an opaque mark by way of a link that leads out@s('l', T), f('l/.wh..wh..opq')@cat /etc/a@a
		held@a device that overlayfs takes for a whiteout@n('etc/a', (0, 0))@test -e /etc/a || echo hidden@hidden
		held@marks of aufs@f('.wh..wh.aufs', 'x'), d('.wh..wh.plnk'), f('.wh..wh.plnk/1.2', 'x'), h('y', 'etc/a')@ls -A / | busybox grep wh; cat /y@a
		held@an opaque mark twice, and a whiteout of what is hidden@d('etc'), opq('etc'), opq('etc'), wh('etc/a'), f('etc/b', 'b')@test ! -e /etc/a && cat /etc/b@b
	EOF
}
test_sizes() {
	try_layers <<-'EOF'
		refused@a sparse file of many pebibytes@header('x', 0, b'S', lambda h: at(483, b'\x80' + b'\0' * 4 + struct.pack('>Q', 1 << 55)[1:])(h))
		refused@a file of many pebibytes@header('x', 0, b'0', at(124, b'\x80' + b'\0' * 3 + struct.pack('>Q', 1 << 55)))
		refused@a size below zero@header('x', 0, b'0', at(124, b'\xff' * 12))
		refused@a size in a pax header@f('x', 'x', pax={'size': str(1 << 62)})
		refused@a map of holes that has no end@f('x', '9' * 4000, pax={'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'x', 'GNU.sparse.realsize': '1'})
		refused@a map of holes that goes backwards@f('x', '2\n100\n5\n10\n5\n' + '\0' * 600, pax={'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'x', 'GNU.sparse.realsize': '200'})
		refused@a map of ten million holes@f('x', '10000000\n' + '0\n0\n' * 10000000, pax={'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'x', 'GNU.sparse.realsize': str(1 << 60)})
		refused@a pax header of 300 megabytes@header('p', 300 << 20, b'x') + b'\0' * (300 << 20)
		refused@a file that is cut@header('x', 1 << 20) + b'x' * 1000
		refused@an owner out of range@f('x', uid=4294967295)
		refused@seventy attributes@f('x', xattrs={'user.%d' % i: 'x' for i in range(70)})
		held@a file behind the end@f('x'), b'\0' * 1024 + header('y', 0)@test -e /x && test ! -e /y && echo end@end
		held@zeros behind the end@f('x', 'x'), b'\0' * (200 << 20)@cat /x@x
		held@a hole of 10 gigabytes@f('x', '1\n10737418240\n0\n' + '\0' * 497, pax={'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'hole', 'GNU.sparse.realsize': '10737418240'})@stat -c '%s %b' /hole@10737418240 0
	EOF
}
test_nodes_and_attributes() {
	try_layers <<-'EOF'
		held@devices@n('disk', (8, 0), mode=0o666), n('mem', (1, 1), mode=0o666)@cat /disk 2>/dev/null || cat /mem 2>/dev/null || echo no@no
		held@a redirect@d('etc', xattrs={'trusted.overlay.redirect': '/../../..', 'trusted.overlay.opaque': 'y'})@cat /etc/a@a
		held@a file that is metadata only@f('x', 'own', xattrs={'trusted.overlay.metacopy': '', 'trusted.overlay.redirect': '/etc/a', 'user.overlay.metacopy': ''})@cat /x@own
		held@a setuid file@f('s', 'x', 0o6755, uid=0)@stat -c %a /s@6755
	EOF
	is "$(stat -c %a "$DATA/cas/tree")" 700 'the mode of the directory that a setuid file lies behind'
	is "$(find "$DATA/cas" -name 's' | head -n 1)" '' 'a layer of an image that was removed'
}
