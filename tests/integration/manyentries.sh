# shellcheck shell=bash
# Images with very many entries, and endless ones.
# time limit: 240
# data on: tmpfs

test_endless_image() {
	mkfifo x.aci
	run timeout 60 bash -c "yes | gzip -1 | timeout 20 '$RKT' --dir='$DATA' --insecure-options=image fetch /dev/stdin"
	[ "$status" != 0 ] || fail 'it was accepted'
}
test_a_hundred_thousand_entries() {
	python3 - >x.tar <<-'E'
		import sys, tarfile, json, os
		w = sys.stdout.buffer.write
		m = json.dumps({'acKind': 'ImageManifest', 'acVersion': '0.8.11', 'name': 'example.com/many'}).encode()
		t = tarfile.TarInfo('manifest'); t.size = len(m); t.mode = 0o644
		w(t.tobuf() + m + bytes(-len(m) % 512))
		t = tarfile.TarInfo('rootfs'); t.type = tarfile.DIRTYPE; t.mode = 0o755
		w(t.tobuf())
		for d in range(100):
		    t = tarfile.TarInfo('rootfs/%d' % d); t.type = tarfile.DIRTYPE; t.mode = 0o755
		    w(t.tobuf())
		    for f in range(1000):
		        t = tarfile.TarInfo('rootfs/%d/%d' % (d, f)); t.mode = 0o644
		        w(t.tobuf())
		w(bytes(1024))
	E
	run rkt fetch "$T/x.tar"
	ok
	local id=$out
	is "$(find "$DATA/cas/tree" -type f -path '*/rootfs/*' | wc -l)" 100000
	run rkt image rm "$id"
	ok
}
