# shellcheck shell=bash
# Hostile and broken images: one clear line, exit 254, nothing left behind, nothing outside touched.

# A tar made by hand: `python` writes members with tarfile, whatever they are called.
make_tar() { # OUT, python on stdin: add(name, type=…, data=…, link=…, **fields)
	cat >"$T/make.py" <<-'E'
		import io, sys, tarfile, json, os
		out = tarfile.open(sys.argv[1], 'w', format=tarfile.PAX_FORMAT)
		F, D, L, H, C, P = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE
		def add(name, type=F, data=b'', link='', mode=0o755, **more):
		    t = tarfile.TarInfo(name)
		    t.type, t.linkname, t.mode, t.size = type, link, mode, len(data)
		    for k, v in more.items(): setattr(t, k, v)
		    out.addfile(t, io.BytesIO(data) if data else None)
		MANIFEST = json.dumps({'acKind': 'ImageManifest', 'acVersion': '0.8.11', 'name': 'example.com/bad', 'labels': [{'name': 'os', 'value': 'linux'}, {'name': 'arch', 'value': os.popen('uname -m').read().strip().replace('x86_64', 'amd64')}], 'app': {'exec': ['/bin/testapp', 'echo', 'ran'], 'user': '0', 'group': '0'}}).encode()
		def good():
		    add('manifest', data=MANIFEST)
		    add('rootfs', D)
		    add('rootfs/bin', D)
		    add('rootfs/bin/testapp', data=open(os.environ['HELPERS'] + '/testapp', 'rb').read())
	E
	cat >>"$T/make.py"
	echo 'out.close()' >>"$T/make.py"
	python3 "$T/make.py" "$1"
}
# The image is refused by fetch, and nothing remains of it.
is_refused() { # FILE [PART…]
	local file=$1
	shift
	run timeout 50 "$RKT" --dir="$DATA" --insecure-options=image fetch "$file"
	refused "$@"
	run rkt image list --no-legend
	is "$out" ''
	is "$(ls -A "$DATA/cas/tmp" 2>/dev/null)" '' 'left in cas/tmp'
	is "$(find "$DATA"/cas/{blob,tree} -mindepth 2 2>/dev/null | head -n 1)" '' 'left in the store'
}
test_not_there() { is_refused "$T/not-there.aci" not-there.aci; }
test_empty_file() { : >x.aci; is_refused "$T/x.aci"; }
test_not_a_tar() { head -c 100000 /dev/urandom >x.aci; is_refused "$T/x.aci"; }
test_text() { seq 10000 >x.aci; is_refused "$T/x.aci"; }
test_directory() { mkdir x.aci; is_refused "$T/x.aci"; }
test_fifo() { mkfifo x.aci; is_refused "$T/x.aci"; }
test_truncated() {
	local n
	for n in 100 512 1000 100000 1000000; do
		head -c "$n" "$TESTAPP" >x.aci
		is_refused "$T/x.aci"
	done
}
test_truncated_compressed() {
	local how
	for how in 'gzip -1' 'bzip2 -1' 'xz -0' 'zstd -1 -q'; do
		$how <"$TESTAPP" | head -c 300000 >x.aci
		is_refused "$T/x.aci"
	done
}
test_corrupt_compressed() {
	local how
	for how in 'gzip -1' 'bzip2 -1' 'xz -0'; do
		$how <"$TESTAPP" >x.aci
		dd if=/dev/urandom of=x.aci bs=1 seek=200000 count=64 conv=notrunc status=none
		is_refused "$T/x.aci"
	done
}
test_garbage_after_gzip() {
	{ gzip -1 <"$TESTAPP"; head -c 5000 /dev/urandom; } >x.aci
	is_refused "$T/x.aci"
}
test_no_manifest() { make_tar x.aci <<<"add('rootfs', D)"; is_refused "$T/x.aci" manifest; }
test_no_rootfs() { make_tar x.aci <<<"add('manifest', data=MANIFEST)"; is_refused "$T/x.aci" rootfs; }
test_two_manifests() { make_tar x.aci <<<"good(); add('manifest', data=MANIFEST)"; is_refused "$T/x.aci" manifest; }
test_manifest_is_not_json() { make_tar x.aci <<<"add('manifest', data=b'{nonsense'); add('rootfs', D)"; is_refused "$T/x.aci" manifest; }
test_manifest_is_a_directory() { make_tar x.aci <<<"add('manifest', D); add('rootfs', D)"; is_refused "$T/x.aci" manifest; }
test_manifest_is_a_link() { make_tar x.aci <<<"add('manifest', L, link='/etc/passwd'); add('rootfs', D)"; is_refused "$T/x.aci" manifest; }
test_manifest_of_a_gigabyte() {
	python3 - >x.aci <<-'E'
		import sys, tarfile
		t = tarfile.TarInfo('manifest'); t.size = 1 << 30
		sys.stdout.buffer.write(t.tobuf())
		for i in range(64): sys.stdout.buffer.write(b' ' * (1 << 20))
	E
	is_refused "$T/x.aci" manifest
}
test_manifest_of_another_kind() {
	make_tar x.aci <<<"add('manifest', data=MANIFEST.replace(b'ImageManifest', b'PodManifest')); add('rootfs', D)"
	is_refused "$T/x.aci" acKind
}
test_manifest_with_a_bad_field_says_where() {
	make_tar x.aci <<<"add('manifest', data=MANIFEST.replace(b'\"user\": \"0\"', b'\"user\": 0')); add('rootfs', D)"
	is_refused "$T/x.aci" app.user
}
test_something_else_at_the_top() { make_tar x.aci <<<"good(); add('other', data=b'x')"; is_refused "$T/x.aci" other; }
test_duplicate_entry() { make_tar x.aci <<<"good(); add('rootfs/bin/testapp', data=b'x')"; is_refused "$T/x.aci" testapp; }
test_cve_2014_6407_dot_dot() {
	mkdir outside
	make_tar x.aci <<<"good(); add('rootfs/../../../../../../../../../../$T/outside/evil', data=b'x')"
	is_refused "$T/x.aci"
	is "$(ls outside)" ''
}
test_cve_2014_9356_absolute_name() {
	make_tar x.aci <<<"good(); add('$T/evil', data=b'x')"
	is_refused "$T/x.aci"
	[ ! -e "$T/evil" ]
}
test_cve_2021_29136_rootfs_is_a_symlink() {
	mkdir outside
	make_tar x.aci <<<"add('manifest', data=MANIFEST); add('rootfs', L, link='$T/outside'); add('rootfs/evil', data=b'x')"
	is_refused "$T/x.aci"
	is "$(ls outside)" ''
}
test_dot_is_a_symlink() {
	mkdir outside
	make_tar x.aci <<<"good(); add('.', L, link='$T/outside'); add('rootfs/.', L, link='$T/outside'); add('rootfs/evil', data=b'x')"
	run rkt fetch "$T/x.aci"
	is "$(ls outside)" ''
}
test_symlink_then_write_through_it() {
	mkdir outside
	make_tar x.aci <<<"good(); add('rootfs/l', L, link='$T/outside'); add('rootfs/l/evil', data=b'x'); add('rootfs/m', L, link='../../../../../../../../../../..$T/outside'); add('rootfs/m/evil2', data=b'x')"
	run rkt fetch "$T/x.aci"
	is "$(ls outside)" ''
}
test_hardlink_out_of_the_root() {
	echo secret >outside
	make_tar x.aci <<<"good(); add('rootfs/shadow', H, link='../../../../../../../../../../..$T/outside')"
	is_refused "$T/x.aci"
	make_tar y.aci <<<"good(); add('rootfs/shadow', H, link='$T/outside')"
	is_refused "$T/y.aci"
	is "$(stat -c %h outside)" 1
}
test_hardlink_through_a_symlink() {
	echo secret >outside
	make_tar x.aci <<<"good(); add('rootfs/l', L, link='$T'); add('rootfs/shadow', H, link='rootfs/l/outside')"
	run rkt fetch "$T/x.aci"
	is "$(stat -c %h outside)" 1
}
test_cve_2021_32760_no_chmod_through_links() {
	echo secret >outside
	chmod 600 outside
	make_tar x.aci <<<"good(); add('rootfs/l', L, link='$T/outside', mode=0o777); add('rootfs/h', H, link='rootfs/l', mode=0o777)"
	run rkt fetch "$T/x.aci"
	is "$(stat -c %a outside)" 600
}
test_symlinks_that_point_out_are_just_text() {
	make_tar x.aci <<<"good(); add('rootfs/l', L, link='/etc/shadow'); add('rootfs/rel', L, link='../../../../../../etc/shadow')"
	run rkt run "$T/x.aci" --exec=/bin/testapp -- readlink /l + cat /l
	has "$out" /etc/shadow 'No such file'
}
test_devices() {
	make_tar x.aci <<<"good(); add('rootfs/kmem', C, devmajor=1, devminor=1)"
	run rkt run "$T/x.aci" --exec=/bin/testapp -- cat /kmem
	[ "$status" != 0 ] || fail 'a device of an image could be read'
}
test_zip_bomb() {
	# 4 GiB of zeros in some kilobytes; the store has a smaller disk
	mount -t tmpfs -o size=64m rkt-check "$DATA"
	python3 - <<-'E' | gzip -9 >x.aci
		import sys, tarfile
		t = tarfile.TarInfo('rootfs/zeros'); t.size = 4 << 30
		sys.stdout.buffer.write(t.tobuf())
		block = bytes(1 << 20)
		for i in range(600): sys.stdout.buffer.write(block)
	E
	is_refused "$T/x.aci"
	umount "$DATA"
}
test_sparse_bomb() {
	# GNU sparse: an entry of a petabyte with nothing in it
	python3 - >x.aci <<-'E'
		import sys, tarfile
		def field(n, size): return (b'%0*o' % (size - 1, n)) + b'\0'
		h = bytearray(512)
		h[0:12] = b'rootfs/bomb\0'; h[100:108] = b'0000644\0'; h[108:116] = b'0000000\0'; h[116:124] = b'0000000\0'
		h[124:136] = field(0, 12); h[136:148] = field(0, 12); h[156:157] = b'S'; h[257:265] = b'ustar  \0'
		big = (1 << 50).to_bytes(11, 'big')
		h[386:398] = field(0, 12); h[398:410] = field(0, 12); h[483:495] = b'\x80' + big
		h[148:156] = b'        '; h[148:156] = b'%06o\0 ' % sum(h)
		sys.stdout.buffer.write(bytes(h) + bytes(1024))
	E
	is_refused "$T/x.aci"
}
test_names_with_escapes_are_never_printed_raw() {
	make_tar x.aci <<<$'good(); add(\'rootfs/\\x1b]0;owned\\x07\\nx\', data=b\'x\'); add(\'evil\\x1b[31m\\n\', data=b\'x\')'
	run rkt fetch "$T/x.aci"
	refused
	hasnt "$err" $'\e' $'\a'
}
test_name_of_the_image_with_escapes() {
	make_tar x.aci <<<$'add(\'manifest\', data=MANIFEST.replace(b\'example.com/bad\', b\'x\\\\u001b[31mx\')); add(\'rootfs\', D)'
	is_refused "$T/x.aci" name
}
test_very_long_names() {
	make_tar x.aci <<<"good(); add('rootfs/' + 'x' * 300, data=b'x')"
	run rkt fetch "$T/x.aci"
	refused
	make_tar y.aci <<<"good(); add('rootfs/' + '/'.join(['d' * 200] * 30), data=b'x')"
	run rkt fetch "$T/y.aci"
	[[ $status = 0 || $status = 254 ]] || fail "status $status"
}
test_entry_larger_than_the_file_system() {
	mount -t tmpfs -o size=8m rkt-check "$DATA"
	make_tar x.aci <<<"good(); add('rootfs/big', data=bytes(16 << 20))"
	is_refused "$T/x.aci" 'No space left'
	umount "$DATA"
}
test_pax_header_bomb() {
	python3 - >x.aci <<-'E'
		import sys, tarfile
		t = tarfile.TarInfo('././@PaxHeader'); t.type = b'x'; t.size = 3 << 30
		sys.stdout.buffer.write(t.tobuf())
		for i in range(64): sys.stdout.buffer.write(b'x' * (1 << 20))
	E
	is_refused "$T/x.aci"
}
