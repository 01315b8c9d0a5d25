# shellcheck shell=bash
# Docker and OCI images from layouts and archives.

layout() { "$TOP/tests/images/layout.py" "$T/${1:-lay}"; }
in_image() { run rkt run "oci:lay${2:-}" -- "$1"; }

test_layers_are_merged() {
	layout <<-'EOF'
		image(layer(*base(), f('etc/a', 'a'), f('etc/b', 'b'), d('gone'), f('gone/x'), d('old'), f('old/x')),
		      layer(d('etc'), f('etc/a', 'A'), wh('etc/b'), wh('gone'), d('old'), opq('old'), f('old/y')),
		      layer(d('etc'), f('etc/c', 'c'), compress='zstd'),
		      layer(d('etc'), f('etc/d', 'd'), compress=''))
	EOF
	in_image 'cat /etc/a /etc/c /etc/d; ls /etc; ls -d /gone; ls /old'
	has "$out" Acd y
	hasnt "$out" x
	has "$err" gone
	run rkt run --no-overlay oci:lay -- 'cat /etc/a /etc/c /etc/d; ls /old /etc/b /gone'
	has "$out" Acd y
	hasnt "$out" x
	has "$err" /etc/b /gone
}
test_symbolic_links_below_are_followed() {
	layout <<-'EOF'
		image(layer(*base(), d('usr/lib/own', 0o700, uid=7), f('usr/lib/first', '1')),
		      layer(f('lib/foo', 'foo'), f('lib/own/bar', 'bar'), wh('lib/first')))
	EOF
	in_image 'readlink /lib; cat /usr/lib/foo /usr/lib/own/bar; echo; stat -c "%a %u" /usr/lib/own; test -e /usr/lib/first || echo hidden'
	is "$out" $'usr/lib\nfoobar\n700 7\nhidden'
}
test_a_layer_may_list_what_is_a_link_below() {
	layout <<-'EOF'
		image(layer(*base()), layer(d('lib'), f('lib/only', 'x')))
	EOF
	in_image 'test -h /lib || ls /lib'
	is "$out" only
}
test_hard_links_to_files_below() {
	layout <<-'EOF'
		image(layer(*base(), f('etc/a', 'text', 0o640, uid=3)),
		      layer(d('etc'), h('etc/b', 'etc/a'), h('lib/c', 'etc/b')))
	EOF
	in_image 'cat /etc/b /usr/lib/c; echo; stat -c "%h %a %u" /etc/a'
	is "$out" $'texttext\n3 640 3'
}
test_layers_are_shared_and_freed() {
	layout <<-'EOF'
		shared = layer(*base())
		image(shared, layer(d('etc'), f('etc/a', 'a')), ref='one')
		image(shared, layer(d('etc'), f('etc/a', 'b')), ref='two')
	EOF
	local one two
	one=$(rkt fetch oci:lay:one)
	two=$(rkt fetch oci:lay:two)
	[ "$one" != "$two" ] || fail 'one id for two images'
	is "$(find "$DATA/cas/tree" -maxdepth 1 -regextype posix-extended -regex '.*/[0-9a-f]{64}' | wc -l)" 3 'unpacked layers'
	run rkt run "$two" -- 'cat /etc/a'
	is "$out" b
	rkt gc --grace-period=0 >/dev/null
	rkt gc --grace-period=0 >/dev/null
	run rkt image rm "$one"
	ok
	is "$(find "$DATA/cas/blob/sha256" -type f | wc -l)" 2 'blobs of layers'
	run rkt run "$two" -- 'cat /etc/a'
	is "$out" b
	rkt gc --grace-period=0 >/dev/null
	rkt gc --grace-period=0 >/dev/null
	rkt image rm "$two" >/dev/null
	is "$(find "$DATA/cas/blob" -type f | wc -l)" 1 'blobs left' # stage1's
}
test_a_pod_keeps_its_layers() {
	layout <<<"image(layer(*base()), layer(d('etc'), f('etc/a', 'kept')))"
	local id uuid
	id=$(rkt fetch oci:lay)
	uuid=$(rkt prepare "$id" -- 'cat /etc/a')
	rkt image rm "$id" >/dev/null
	rkt image gc --grace-period=0 >/dev/null
	run rkt run-prepared "$uuid"
	is "$out" kept
	rkt rm "$uuid" >/dev/null
	rkt image gc --grace-period=0 >/dev/null
	is "$(find "$DATA/cas/tree" -mindepth 1 -maxdepth 1 | wc -l)" 0 'trees left'
}
test_configuration() {
	layout <<-'EOF'
		image(layer(*base(), f('etc/passwd', 'root:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\n'), f('etc/group', 'root:x:0:\nweb:x:33:\n')),
		      Cmd=['id -u; id -g; echo $X; pwd'], Env=['PATH=/bin', 'X=a=b'], User='1000:33', WorkingDir='/usr/lib',
		      ExposedPorts={'80/tcp': {}, '53/udp': {}}, Volumes={'/data': {}}, Labels={'a': 'B'}, StopSignal='SIGINT')
	EOF
	run rkt run oci:lay
	is "$out" $'1000\n33\na=b\n/usr/lib'
	run rkt image cat-manifest lay:one
	is "$(jq -rc '[.app.ports[].name], [.app.mountPoints[] | .name, .path], .app.userLabels' <<<"$out")" $'["80-tcp","53-udp"]\n["volume-data","/data"]\n{"a":"B"}'
	is "$(jq -r '.labels[] | .name + "=" + .value' <<<"$out" | sort | tr '\n' ' ')" 'arch=amd64 os=linux version=one '
}
test_wrong_users_are_refused() {
	local user
	for user in 4294967296 2147483648 99999999999999999999 /etc/passwd ''; do
		layout "u$user" <<<"image(layer(*base()), User='${user//\//x}:$user')"
		run rkt fetch "oci:u$user"
		refused
	done
}
test_platforms() {
	layout <<-'EOF'
		other = layer(*base(), f('etc/arch', 'other'))
		image(other, ref='x', arch='s390x', platform={'os': 'linux', 'architecture': 's390x'})
		image(other, ref='x', os='unknown', arch='unknown', platform={'os': 'unknown', 'architecture': 'unknown'})
		image(layer(*base(), f('etc/arch', 'ours')), ref='x', platform={'os': 'linux', 'architecture': 'amd64'})
		inner = document('application/vnd.oci.image.index.v1+json', {'schemaVersion': 2, 'manifests': list(manifests)},
		                 annotations={'org.opencontainers.image.ref.name': 'multi'})
		manifests[:] = [inner]
	EOF
	in_image 'cat /etc/arch' :multi
	is "$out" ours
	layout foreign <<-'EOF'
		image(layer(*base()), arch='s390x', platform={'os': 'linux', 'architecture': 's390x'})
	EOF
	run rkt fetch oci:foreign
	refused linux/s390x
}
test_references() {
	layout <<-'EOF'
		image(layer(*base(), f('etc/a', '1')), ref='one')
		image(layer(*base(), f('etc/a', '2')), ref='quay.io/some/thing:v2')
	EOF
	run rkt fetch oci:lay
	refused 'one quay.io/some/thing:v2'
	run rkt fetch oci:lay:three
	refused "'three'"
	run rkt fetch oci:lay:quay.io/some/thing:v2
	ok
	run rkt run quay.io/some/thing:v2 -- 'cat /etc/a'
	is "$out" 2
	run rkt fetch oci:nowhere
	refused nowhere
}
test_unsigned_layers_are_refused() {
	layout <<<"image(layer(*base()))"
	run "$RKT" --dir="$DATA" fetch oci:lay
	refused --insecure-options=image
}
test_wrong_documents_are_refused() {
	local what
	while IFS='|' read -r what script; do
		rm -rf lay
		layout <<<"$script"
		run rkt fetch oci:lay
		[ "$status" = 254 ] || fail "$what was accepted"
		refused
		is "$(find "$DATA/cas/image" -type f 2>/dev/null | wc -l)" 0 "images after $what"
	done <<-'EOF'
		digest with dots|image(layer(f('a'))); manifests[0]['digest'] = 'sha256:../../../../../../../../etc/passwd'
		digest of another kind|image(layer(f('a'))); manifests[0]['digest'] = 'md5:0123'
		digest in capitals|image(layer(f('a'))); manifests[0]['digest'] = manifests[0]['digest'].upper()
		wrong size|image(layer(f('a'))); manifests[0]['size'] += 1
		manifest changed|m = image(layer(f('a'))); open(top + '/blobs/sha256/' + m['digest'][7:], 'r+').write('{ ')
		foreign layer|l = layer(f('a')); l['mediaType'] = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'; image(l)
		layer elsewhere|l = layer(f('a')); l['urls'] = ['https://example.com/x']; image(l)
		layer of no filesystem|l = layer(f('a')); l['mediaType'] = 'application/wasm'; image(l)
		wrong diff id|l = layer(f('a')); l['diff'] = 'sha256:' + '0' * 64; image(l)
		diff id with dots|l = layer(f('a')); l['diff'] = 'sha256:../' + '0' * 61; image(l)
		blob of another layer|l = layer(f('a')); l['digest'] = layer(f('b'))['digest']; image(l)
		wrong size of a layer|l = layer(f('a')); l['size'] -= 1; image(l)
		missing layer|l = layer(f('a')); os.unlink(top + '/blobs/sha256/' + l['digest'][7:]); image(l)
		no layer|image()
		too many layers|image(*[layer(f('a'))] * 129)
		index and manifest in one|image(layer(f('a')), changed=lambda m: {**m, 'manifests': []})
		fewer diff ids|l = layer(f('a')); c = document(OCI + 'config.v1+json', {'architecture': 'amd64', 'os': 'linux', 'rootfs': {'type': 'layers', 'diff_ids': []}}); image(l, config=c)
		artifact|c = document('application/vnd.cncf.helm.config.v1+json', {}); image(layer(f('a')), config=c)
		schema 1|image(layer(f('a')), changed=lambda m: {**m, 'schemaVersion': 1})
		index of itself|write('index.json', [])
	EOF
}
test_wrong_layers_are_refused() {
	local what
	echo outside >"$T/outside"
	while IFS='|' read -r what script; do
		rm -rf lay
		layout <<<"image(layer(*base()), layer($script))"
		run rkt fetch oci:lay
		[ "$status" = 254 ] || fail "$what was accepted"
		refused 'layer 2'
	done <<-'EOF'
		dots in a path|f('../../outside2')
		dots in a hard link|h('a', '../../../outside')
		absolute hard link|h('a', '/etc/passwd')
		hard link to nothing|h('a', 'nothing')
		hard link to a directory|h('a', 'etc')
		hard link to the top|h('a', './')
		top as a link|s('./', '/')
		top as a file|f('.')
		below a file|f('bin/busybox/x')
		below a link to itself|s('x', 'x'), f('x/y')
		whiteout of nothing|f('.wh.')
		whiteout of the directory|f('etc/.wh..')
		whiteout of the parent|f('etc/.wh...')
		below a whiteout|f('.wh.etc/x')
		directory replaced by a file|d('x'), f('x/y'), f('x')
	EOF
	is "$(cat "$T/outside")" outside
	[ ! -e "$T/outside2" ] || fail 'escaped'
}
# golang and undock, 2026: a link first, then a file through it.
test_links_do_not_lead_out() {
	mkdir -p "$T/target"
	layout <<-EOF
		image(layer(*base(), s('abs', '$T/target'), s('rel', '../../../../../../../../../../$T/target')),
		      layer(f('abs/a', 'in'), f('rel/b', 'in')))
	EOF
	in_image "cat '$T/target/a' '$T/target/b'"
	is "$out" inin
	is "$(ls "$T/target")" ''
}
test_what_a_layer_replaces_within_itself() {
	layout <<-'EOF'
		image(layer(*base(), d('x'), f('x/below')),
		      layer(wh('x'), d('x'), f('x/own', 'own'), f('twice', '1'), f('twice', '2'), s('y', 'x'), f('y/through', 't')))
	EOF
	in_image 'ls /x; cat /twice'
	is "$out" $'own\nthrough\n2'
}
test_attributes_are_kept() {
	layout <<-'EOF'
		image(layer(*base()), layer(d('etc'), f('etc/cap', 'x', 0o755, xattrs={'security.capability': '\x01\x00\x00\x02\x00\x04\x00\x00' + '\x00' * 12}),
		      f('etc/suid', 'x', 0o4755, uid=5), f('etc/user', 'x', xattrs={'user.note': 'text', 'trusted.overlay.opaque': 'y', 'user.overlay.opaque': 'y'})))
	EOF
	rkt fetch oci:lay >/dev/null
	local tree
	tree=$(dirname "$(find "$DATA/cas/tree" -name cap)")
	has "$(getcap "$tree/cap")" cap_net_bind_service
	is "$(stat -c '%a %u' "$tree/suid")" '4755 5'
	is "$(python3 -c 'import os, sys; print(*[x for x in os.listxattr(sys.argv[1]) if not x.startswith("security.")])' "$tree/user")" user.note
}
test_export_render_and_extract() {
	layout <<-'EOF'
		image(layer(*base(), f('etc/a', 'a'), f('etc/b')), layer(d('etc'), wh('etc/b'), h('etc/c', 'etc/a'), f('lib/foo', 'foo')))
	EOF
	rkt fetch oci:lay >/dev/null
	run rkt image export lay:one out.aci
	ok
	is "$(tar -tf out.aci | grep -cE 'manifest|rootfs/etc/[ac]|usr/lib/foo')" 4
	hasnt "$(tar -tf out.aci)" .wh. etc/b
	run "$RKT" --dir="$T/other" --insecure-options=image --local-config="$T/config" run ./out.aci -- 'cat /etc/c /lib/foo'
	is "$out" afoo
	run rkt image render lay:one rendered
	ok
	is "$(cat rendered/rootfs/etc/c rendered/rootfs/usr/lib/foo)" afoo
	[ ! -e rendered/rootfs/etc/b ] || fail 'a whiteout was not applied'
	run rkt image extract --rootfs-only lay:one extracted
	ok
	is "$(cat extracted/etc/c)" a
}
test_verify_repairs_a_layer() {
	layout <<-'EOF'
		image(layer(*base(), f('etc/a', 'a')), layer(f('lib/foo', 'foo')))
	EOF
	rkt fetch oci:lay >/dev/null
	run rkt image verify lay:one
	ok
	hasnt "$out" repaired
	echo bad >"$(find "$DATA/cas/tree" -name foo)"
	run rkt image verify lay:one
	ok
	has "$out" repaired
	run rkt run lay:one -- 'cat /lib/foo'
	is "$out" foo
	find "$DATA/cas/blob/sha256" -type f -exec sh -c 'echo >>"$1"' sh {} \;
	run rkt image verify lay:one
	refused
}
test_many_layers() {
	layout <<-'EOF'
		image(layer(*base()), *[layer(d('many'), f('many/%03d' % i)) for i in range(127)])
	EOF
	in_image 'ls /many'
	is "$(wc -l <<<"$out")" 127
}
test_one_layer_twice() {
	layout <<-'EOF'
		a, b, empty = layer(d('etc'), f('etc/a', 'a')), layer(d('etc'), f('etc/a', 'b')), layer()
		image(layer(*base()), a, empty, b, empty, a)
	EOF
	in_image 'cat /etc/a'
	is "$out" a
}
test_two_fetch_at_once() {
	layout <<<"image(layer(*base()), layer(f('lib/a', 'a')), layer(d('etc'), f('etc/b', 'b')))"
	local i pids=()
	for i in 1 2 3 4; do
		"${RKTC[@]}" fetch oci:lay >"fetched.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "one of several: $(cat fetched.*)"; done
	is "$(sort -u fetched.* | wc -l)" 1
	in_image 'cat /lib/a /etc/b'
	is "$out" ab
}
test_each_layer_is_unpacked_once() {
	layout <<<"image(*[layer(*base(), f('etc/%d' % i, 'x' * 200000)) for i in range(12)])"
	local i pids=()
	for i in 1 2 3 4; do
		"${RKTC[@]}" --debug fetch oci:lay >"fetched.$i" 2>"debug.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "one of several: $(cat debug.*)"; done
	is "$(cat debug.* | grep -c 'unpacking layer')" 12 'layers unpacked by all four'
	in_image 'cat /etc/11'
	is "${#out}" 200000
}
test_the_next_fetch_goes_on() {
	layout <<<"image(*[layer(*base(), f('etc/%d' % i, 'x')) for i in range(6)])"
	local last
	last=$(jq -r '.layers[5].digest' "lay/blobs/sha256/$(jq -r '.manifests[0].digest' lay/index.json | cut -d: -f 2)")
	mv "lay/blobs/sha256/${last#*:}" "$T/away"
	run rkt fetch oci:lay
	refused 'layer 6' missing
	mv "$T/away" "lay/blobs/sha256/${last#*:}"
	run rkt --debug fetch oci:lay
	ok
	# what was ready when the last one's turn came: there are three at once at most
	[ "$(grep -c 'unpacking layer' <<<"$err")" -le 3 ] || fail 'the second began anew'
}
# Others may prepare pods with another image that has the layer.
test_verify_is_alone_with_what_it_replaces() {
	layout <<-'EOF'
		shared = layer(*base(), f('etc/a', 'a'))
		image(shared, layer(f('etc/b', 'b')), ref='one')
		image(shared, layer(f('etc/c', 'c')), ref='two')
	EOF
	local two image
	rkt fetch oci:lay:one >/dev/null
	two=$(rkt fetch oci:lay:two)
	echo bad >"$(find "$DATA/cas/tree" -name a)"
	image=$(echo "$DATA/cas/tree/${two#sha512-}"*)
	run flock -s "$image" "${RKTC[@]}" image verify lay:one
	refused 'being used: try again later'
	is "$(cat "$(find "$DATA/cas/tree" -name a)")" bad
	run rkt image verify lay:one
	has "$out" repaired
	run rkt run "$two" -- 'cat /etc/a /etc/c'
	is "$out" ac
}
test_archives() {
	layout <<<"image(layer(*base(), f('etc/a', 'packed')))"
	tar -C lay -cf lay.tar .
	run rkt run oci-archive:lay.tar -- 'cat /etc/a'
	is "$out" packed
	command -v skopeo >/dev/null || skip 'no skopeo'
	skopeo --insecure-policy copy -q oci:lay:one docker-archive:saved.tar:example.com/app:v3
	run rkt run docker-archive:saved.tar -- 'cat /etc/a'
	is "$out" packed
	run rkt image list --no-legend --fields=name
	has "$out" example.com/app:v3
	run rkt fetch docker-archive:saved.tar:example.com/other
	refused "'example.com/other'"
	# a Docker manifest and zstd, by somebody else's hand
	skopeo --insecure-policy copy -q --dest-compress-format zstd oci:lay:one oci:zstd:z
	run rkt run oci:zstd:z -- 'cat /etc/a'
	is "$out" packed
}
test_images_of_buildah_and_umoci() {
	command -v buildah >/dev/null && command -v umoci >/dev/null || skip 'no buildah or umoci'
	layout <<<"image(layer(*base(), f('etc/a', 'a'), d('etc/dir'), f('etc/dir/x')))"
	umoci unpack --image lay:one bundle
	echo umoci >bundle/rootfs/etc/a
	rm -r bundle/rootfs/etc/dir
	umoci repack --image lay:two bundle
	run rkt run oci:lay:two -- 'cat /etc/a; test -e /etc/dir || echo gone'
	is "$out" $'umoci\ngone'
	local b c
	b=(buildah --root "$T/buildah/root" --runroot "$T/buildah/run" --storage-driver vfs)
	c=$("${b[@]}" from oci:lay:two)
	echo buildah >"$("${b[@]}" mount "$c")/etc/b"
	"${b[@]}" umount "$c" >/dev/null
	"${b[@]}" commit -q "$c" oci:built:three >/dev/null
	"${b[@]}" rm "$c" >/dev/null
	run rkt run oci:built:three -- 'cat /etc/a /etc/b'
	is "$out" $'umoci\nbuildah'
}
