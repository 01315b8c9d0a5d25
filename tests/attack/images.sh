# shellcheck shell=bash
# shellcheck disable=SC2154 # out, err, status: tests/lib.sh
# Images that mean harm: to the host, to the store, and to images of others in it. Whatever they do, files of the host are
# what they were, a good image still runs, and nothing half-made is left.

# shellcheck source=tests/web.sh
. "$TOP/tests/web.sh"

layout() { "$TOP/tests/images/layout.py" "$T/lay"; }

# What attacks aim at, as it was. $HOST is a directory of the host with a secret in it.
SECRET=5ec2e7-of-the-host
HOST='' good='' had=''
aimed_at() {
	find "$HOST" -printf '%p %y %m %U %G %s %n %l\n' | sort
	find "$HOST" -type f -exec sha256sum {} +
	sha256sum /etc/passwd /etc/shadow /etc/group /etc/hosts
	stat -c '%n %a %u' / /etc /etc/passwd /etc/shadow /proc/sys/kernel/core_pattern
	cat /proc/sys/kernel/core_pattern
}
begin() {
	HOST=$T/host
	mkdir -m 755 "$HOST"
	echo "$SECRET" >"$HOST/secret"
	chmod 600 "$HOST/secret"
	aimed_at >"$T/before"
	good=$(rkt fetch "$TESTAPP")
	unharmed # and stage1 is in the store
	had=$(rkt image list --no-legend --fields=id)
}
# Nothing of the host changed, and nothing half-made is left.
held() {
	aimed_at >"$T/after"
	cmp -s "$T/before" "$T/after" || fail "the host was changed: $(diff "$T/before" "$T/after")"
	rkt image gc >/dev/null
	is "$(ls -A "$DATA/cas/tmp")" '' 'left in cas/tmp'
}
# And what was there before works.
unharmed() {
	held
	run rkt run --net=none "$good" --exec=/bin/testapp -- echo well
	is "$out" well
}
# One line, and no image more than before.
refused_and_held() { # [PART…]
	refused "$@"
	is "$(rkt image list --no-legend --fields=id)" "$had" 'images'
	held
}
forget() { # IMAGE…: and pods, and what only they needed
	rkt gc --grace-period=0s >/dev/null
	rkt gc --grace-period=0s >/dev/null
	rkt image rm "$@" >/dev/null
}

# --- layers that are shared ---------------------------------------------------------------------
# What a layer hides, it hides in every image, whoever had it first and wherever.
test_cve_2014_8178_a_layer_is_not_poisoned_by_who_had_it_first() {
	begin
	layout <<-'EOF'
		bad = layer(*base(), f('etc/key', 'leaked'), d('old'), f('old/suid', 'leaked', 0o4755))
		fix = layer(d('etc'), wh('etc/key'), d('old'), opq('old'), f('old/new', 'new'))
		image(fix, ref='evil')
		image(fix, layer(*base()), ref='evil2')
		image(bad, fix, ref='good')
	EOF
	local first how
	for first in 'evil good' 'evil evil2 good' 'good evil' 'evil2 good'; do
		for how in $first; do rkt fetch "oci:lay:$how" >/dev/null; done
		for how in '' --no-overlay; do
			# shellcheck disable=SC2086
			run rkt run --net=none $how lay:good -- 'cat /etc/key; ls /old'
			is "$out" new "what '$first' shows"
		done
		run rkt image verify lay:good
		ok
		unharmed
		rkt gc --grace-period=0s >/dev/null
		rkt gc --grace-period=0s >/dev/null
		for how in $first; do rkt image rm "lay:$how" >/dev/null; done
	done
	unharmed
}
# A manifest that names a layer of somebody else's image and says something wrong about it.
test_cve_2014_8179_a_blob_of_another_image_is_not_taken_away() {
	begin
	mkdir www
	"$TOP/tests/images/layout.py" "$T/www/good" <<<"image(layer(*base()), layer(h('etc/b', 'bin/busybox'), f('usr/x', 'x')))"
	cp -a www/good www/evil
	"$TOP/tests/images/layout.py" "$T/www/evil" <<-'EOF'
		a, b = layer(*base()), layer(h('etc/b', 'bin/busybox'), f('usr/x', 'x'))
		image({**a, 'diff': 'sha256:' + '0' * 64}, b, ref='diff')
		image(layer(f('x')), b, ref='below')
		image(a, {**b, 'diff': a['diff']}, layer(f('y')), ref='swap')
	EOF
	serve
	run rkt --insecure-options=image,http fetch "docker://$at/good:one"
	ok
	local fetched=$out how
	had=$(rkt image list --no-legend --fields=id)
	for how in diff below; do
		run rkt --insecure-options=image,http fetch "docker://$at/evil:$how"
		refused_and_held layer
		run rkt image verify "$fetched"
		ok "verification after '$how'"
	done
	run rkt --insecure-options=image,http fetch "docker://$at/evil:swap"
	run rkt image verify "$fetched"
	ok
	run rkt run --net=none "$fetched" -- 'cat /usr/x; test -e /etc/b && echo b'
	is "$out" xb
	unharmed
}

# --- links, as layers and archives have them ----------------------------------------------------
# The modes, owners and times that an entry has are its own, through whatever links it is reached.
test_cve_2021_32760_layers_change_nothing_through_links() {
	begin
	layout <<-EOF
		T = '$HOST'
		up = '../' * 40 + T[1:]
		image(layer(*base(), s('abs', T + '/secret'), s('rel', up + '/secret'), s('dir', T)),
		      layer(h('h1', 'abs', mode=0o4777), h('h2', 'rel', mode=0o4777), s('abs', T + '/secret', uid=7),
		            h('h3', 'abs', mode=0o4777, uid=7), d('dir', 0o777, uid=7, xattrs={'user.x': 'y'}), f('dir/secret', 'in'), wh('dir/x')),
		      layer(wh('rel'), f('rel', 'in', 0o4777), s('dir/secret2', T + '/secret'), f('dir/secret2', 'in', 0o4777)))
	EOF
	local how
	for how in '' --no-overlay; do
		# shellcheck disable=SC2086
		run rkt run --net=none $how oci:lay -- 'cat /rel /dir/secret /dir/secret2'
		is "$out" ininin
		unharmed
	done
	unharmed
}
# One entry a link to the host, the next a file through it, again and again, the link's name used for other things meanwhile.
test_cve_2025_47290_names_that_change_while_layers_are_unpacked() {
	begin
	layout <<-EOF
		T = '$HOST'
		mess = []
		for i in range(200):
		    mess += [s('l', T), f('l/evil%d' % i, 'x'), f('l', 'x'), d('l'), f('l', 'y'), s('l', '../' * 40 + T[1:]), f('l/secret', 'mine'),
		             d('l', 0o777), s('l', '/'), f('l/tmp/%d' % i), h('l/tmp/h%d' % i, 'l/tmp/%d' % i), wh('l')]
		image(layer(*base()), layer(*mess), layer(*mess))
	EOF
	run rkt run --net=none oci:lay -- "cat '$HOST/secret'; ls '$HOST' /tmp | busybox wc -l"
	has "$out" mine
	matches "$out" '60[0-9]$'
	unharmed
}
# The target of a hard link is looked for in the image, not where rkt was started.
test_cve_2026_50163_hard_links_and_the_working_directory() {
	begin
	local name
	mkdir away
	cp "$HOST/secret" away/secret
	cp -a away before-away
	for name in secret ./secret; do
		layout <<<"image(layer(*base()), layer(h('etc/x', '$name')))"
		(cd away && run rkt fetch "oci:$T/lay" && refused_and_held 'hard link')
		rm -rf lay
		aci_of "hard('rootfs/x', '$name')"
		(cd away && run rkt fetch "$T/x.aci" && refused_and_held 'hard link')
	done
	is "$(stat -c %h away/secret)" 1
	unharmed
}
# x.aci with these entries behind what an image needs.
aci_of() { # PYTHON
	cat >make.py <<-EOF
		import io, json, os, sys, tarfile
		out = tarfile.open('x.aci', 'w', format=tarfile.PAX_FORMAT)
		def add(name, kind=tarfile.REGTYPE, data=b'', link='', mode=0o755, **more):
		    t = tarfile.TarInfo(name)
		    t.type, t.linkname, t.mode, t.size = kind, link, mode, len(data)
		    for k, v in more.items(): setattr(t, k, v)
		    out.addfile(t, io.BytesIO(data) if data else None)
		def hard(name, to): add(name, tarfile.LNKTYPE, link=to)
		def soft(name, to): add(name, tarfile.SYMTYPE, link=to)
		def folder(name, **k): add(name, tarfile.DIRTYPE, **k)
		def manifest(change=lambda m: None):
		    m = json.loads(os.popen('tar -xOf $TESTAPP manifest').read())
		    m['name'] = 'example.com/evil'
		    m['app']['mountPoints'] = []
		    change(m)
		    add('manifest', data=json.dumps(m).encode())
		def root():
		    folder('rootfs')
		    folder('rootfs/bin')
		    add('rootfs/bin/testapp', data=open('$HELPERS/testapp', 'rb').read())
		HOST = '$HOST'
	EOF
	[ -n "${OWN_MANIFEST:-}" ] || echo 'manifest(); root()' >>make.py
	printf '%s\nout.close()\n' "$1" | sed 's/^\t*//' >>make.py
	python3 make.py
}
# A directory of one layer over a link of the one below, for who merges them without overlayfs.
test_cve_2020_15229_merging_without_overlay() {
	begin
	layout <<-EOF
		T = '$HOST'
		image(layer(*base(), s('a', T), s('b', '../' * 40 + T[1:]), s('c', T + '/secret'), f('d', 'file'), s('etc/e', T)),
		      layer(d('a', 0o777), f('a/evil', 'in'), d('b', 0o777), n('b/secret', (0, 0)), f('b/evil', 'in'), f('c', 'in', 0o4777),
		            d('d'), s('d/f', T + '/secret'), d('etc'), opq('etc'), d('etc/e'), opq('etc/e'), f('etc/e/x', 'in')),
		      layer(d('a'), wh('a/evil'), s('a/evil2', T), d('d'), f('d/f', 'in', 0o4777)))
	EOF
	local how image
	image=$(rkt fetch oci:lay)
	for how in '' --no-overlay; do
		# shellcheck disable=SC2086
		run rkt run --net=none $how "$image" -- 'cat /b/evil /c /d/f /etc/e/x; test -h /a || ls -l /a | busybox wc -l'
		is "$out" $'inininin2'
		unharmed
	done
	rkt image extract "$image" extracted >/dev/null
	is "$(cat extracted/rootfs/c extracted/rootfs/d/f)" inin
	rkt image render "$image" rendered >/dev/null
	is "$(cat rendered/rootfs/c rendered/rootfs/d/f)" inin
	rkt image export "$image" out.aci
	is "$(rkt image verify "$image" | grep -c successfully)" 1
	unharmed
}
# Nothing that goes away takes anything of the host with it.
test_removal_follows_no_link() {
	begin
	layout <<-EOF
		deep = '/'.join(['d'] * 250)
		image(layer(*base(), s('l', '$HOST'), d('x', 0o000), s('x/l', '$HOST'), f(deep + '/f'), entry('pipe', tarfile.FIFOTYPE)), layer(d('l'), s('l/m', '$HOST')))
	EOF
	aci_of "soft('rootfs/l', HOST); folder('rootfs/x', mode=0); soft('rootfs/x/l', HOST + '/secret'); add('rootfs/x/p', tarfile.FIFOTYPE)"
	local a b
	a=$(rkt fetch oci:lay)
	b=$(rkt fetch ./x.aci)
	run rkt run --no-overlay --net=none "$a" --exec=/bin/sh -- -c 'ln -s / /tmp/slash' --- "$b" --exec=/bin/testapp -- echo
	forget "$a" "$b"
	is "$(rkt image list --no-legend --fields=id)" "$had" 'images'
	unharmed
}

# --- bombs --------------------------------------------------------------------------------------
# A link in an archive costs nothing; the copy of what it leads to, in a layer below, must not cost the disk.
test_links_to_large_files_below() {
	begin
	layout <<-'EOF'
		size = 40 << 30
		pax = {'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 'hole', 'GNU.sparse.realsize': str(size)}
		hole = f('hole', ('1\n%d\n0\n' % size).ljust(512, '\0'), pax=pax)
		below = layer(*base(), hole, *[h('hole%d' % i, 'hole') for i in range(20)])
		image(below, layer(h('one', 'hole')), ref='one')
		image(below, layer(*[h('copy%d' % i, 'hole%d' % i) for i in range(20)]), ref='many')
	EOF
	run rkt fetch oci:lay:one
	ok
	run rkt run --net=none "$out" -- 'stat -c "%s %b" /one'
	is "$out" "$((40 << 30)) 0"
	had=$(rkt image list --no-legend --fields=id)
	run rkt fetch oci:lay:many
	refused_and_held 'larger than'
	[ "$(du -sk "$DATA/cas" | cut -f 1)" -lt 100000 ] || fail "$(du -sk "$DATA/cas")"
	unharmed
}

# --- names and digests that lead elsewhere --------------------------------------------------------
test_cve_2014_9358_ids_with_dots() {
	begin
	local id
	for id in 'sha512-../../../../etc/passwd' "sha512-../../../..$HOST/secret" "sha512-$(printf '%0128d' 0)/../.." sha512-.../ "../../..$HOST"; do
		run rkt image export "$id" out.aci
		refused_and_held
		[ ! -e out.aci ] || fail "something was exported as '$id'"
		run rkt image cat-manifest "$id"
		refused
		run rkt image rm "$id"
		has "$err" 'rm: image' 'no image'
		run rkt run --net=none "$id"
		refused
	done
	is "$(rkt image list --no-legend --fields=id)" "$had" 'images'
	unharmed
}
# saved.tar: a `docker save` with these members, beside what $1 makes of manifest.json.
saved_with() { # PYTHON, with M (the manifest), add(name, data), soft(name, to)
	cat >saved.py <<-EOF
		import io, json, tarfile, hashlib
		out = tarfile.open('saved.tar', 'w')
		def add(name, data=b'', kind=tarfile.REGTYPE, link=''):
		    t = tarfile.TarInfo(name)
		    t.type, t.linkname, t.size = kind, link, len(data)
		    out.addfile(t, io.BytesIO(data))
		def soft(name, to): add(name, kind=tarfile.SYMTYPE, link=to)
		b = io.BytesIO()
		layer = tarfile.open(fileobj=b, mode='w')
		t = tarfile.TarInfo('x')
		layer.addfile(t)
		layer.close()
		layer = b.getvalue()
		config = json.dumps({'architecture': 'amd64', 'os': 'linux', 'config': {}, 'rootfs': {'type': 'layers', 'diff_ids': ['sha256:' + hashlib.sha256(layer).hexdigest()]}}).encode()
		M = {'Config': 'c.json', 'RepoTags': ['example.com/saved:1'], 'Layers': ['a/layer.tar']}
		HOST = '$HOST'
		UP = '../' * 40 + HOST[1:]
	EOF
	printf '%s\nadd("manifest.json", json.dumps([M]).encode())\nout.close()\n' "$1" >>saved.py
	python3 saved.py
}
test_cve_2016_7569_names_in_docker_archives() {
	begin
	local what
	saved_with 'add("c.json", config); add("a/layer.tar", layer)'
	run rkt fetch docker-archive:saved.tar
	ok
	rkt image rm "$out" >/dev/null
	cp saved.py "$HOST/layer.tar" # a layer of the host must not be found, whatever is wrong with it
	tar -cf "$HOST/layer.tar" -C "$HOST" secret
	aimed_at >"$T/before"
	while IFS= read -r what; do
		saved_with "$what"
		run rkt fetch docker-archive:saved.tar
		refused_and_held
		hasnt "$err" "$SECRET"
	done <<-'EOF'
		add("c.json", config); M['Layers'] = [UP + '/layer.tar']
		add("c.json", config); M['Layers'] = [HOST + '/layer.tar']
		add("c.json", config); soft('l', UP); M['Layers'] = ['l/layer.tar']
		add("c.json", config); soft('a/layer.tar', HOST + '/layer.tar')
		add("c.json", config); add('a/layer.tar', kind=tarfile.FIFOTYPE)
		add("c.json", config); add('a/layer.tar', kind=tarfile.LNKTYPE, link=UP[1:] + '/layer.tar')
		add("c.json", config); soft('a', UP); add('a/layer.tar', layer)
		add("c.json", config); add('a/layer.tar', kind=tarfile.DIRTYPE)
		add(UP + '/c.json', config); add('a/layer.tar', layer)
		M['Config'] = UP + '/secret'; add('a/layer.tar', layer)
		M['Config'] = HOST + '/secret'; add('a/layer.tar', layer)
		soft('c.json', UP + '/secret'); add('a/layer.tar', layer)
		soft('c.json', '/proc/self/environ'); add('a/layer.tar', layer)
		soft('manifest.json', UP + '/secret'); add('c.json', config); add('a/layer.tar', layer); M = [[]]
		add('c.json', config); add('a/layer.tar', layer); M['Layers'] = ['a/layer.tar'] * 1000
		add('c.json', config); add('a/layer.tar', layer); M['Layers'] = ['/'.join(['a'] * 3000)]
		add('c.json', config); add('a/layer.tar', layer); M['Layers'] = [{}]
	EOF
	# Names of images, by contrast, are made fit, or refused.
	for what in '../../../etc' '/etc/passwd' 'a\x1b[31m' '-rf' 'x y' 'sha512-00' "$HOST/secret"; do
		saved_with "add('c.json', config); add('a/layer.tar', layer); M['RepoTags'] = ['''$what''']"
		run rkt fetch docker-archive:saved.tar
		[ "$status" = 0 ] || { refused; continue; }
		id=$out
		run rkt image list --no-legend --fields=name
		hasnt "$out" .. $'\e' ' /'
		forget "$id"
	done
	unharmed
}
# Layers that are each other's parents, by name, by link and by reference.
test_cve_2016_8579_circles() {
	begin
	saved_with 'soft("a/layer.tar", "../b/layer.tar"); soft("b/layer.tar", "../a/layer.tar"); add("c.json", config); add("a/json", b"{\"id\": \"a\", \"parent\": \"b\"}"); add("b/json", b"{\"id\": \"b\", \"parent\": \"a\"}"); add("repositories", b"{\"x\": {\"1\": \"a\"}}")'
	run timeout 20 "${RKTC[@]}" fetch docker-archive:saved.tar
	refused_and_held
	layout <<-'EOF'
		image(layer(*base()), ref='inner')
		for i in range(20):
		    manifests[:] = [document('application/vnd.oci.image.index.v1+json', {'schemaVersion': 2, 'manifests': list(manifests)}, annotations={'org.opencontainers.image.ref.name': 'deep'})]
	EOF
	run timeout 20 "${RKTC[@]}" fetch oci:lay:deep
	refused_and_held nested
	layout <<<"image(layer(*base(), s('a', 'b'), s('b', 'a')), layer(f('a/x')))"
	run timeout 20 "${RKTC[@]}" fetch oci:lay
	refused_and_held
	unharmed
}
# The text whose digest is the name of a layer on others, as a layer; and layers of odd sizes.
test_cve_2014_8178_layers_called_as_others() {
	begin
	layout <<-'EOF'
		below, above = layer(*base(), f('etc/key', 'mine')), layer(f('usr/lib/x', 'mine'))
		text = (below['diff'] + ' ' + above['diff']).encode()
		def raw(data): return {'mediaType': OCI + 'layer.v1.tar', 'digest': blob(data), 'size': len(data), 'diff': 'sha256:' + hashlib.sha256(data).hexdigest()}
		image(below, above, ref='good')
		image(raw(text), ref='text')
		image(raw(text.ljust(10240, b'\0')), ref='padded')
		image(below, raw(b'sha256: ' + below['diff'].encode()), ref='lowest')
	EOF
	run rkt fetch oci:lay:good
	ok
	local image=$out how
	had=$(rkt image list --no-legend --fields=id)
	for how in text padded lowest; do
		run rkt fetch "oci:lay:$how"
		refused_and_held
	done
	run rkt run --net=none "$image" -- 'cat /etc/key /usr/lib/x'
	is "$out" minemine
	unharmed
}

# --- what an image says of how it wants to be treated -----------------------------------------------
# CVE-2026-53488 containerd: a label of an image reached what root executed.
test_cve_2014_6408_images_give_themselves_nothing() {
	begin
	pod --net=none -- caps
	local usual=$out
	OWN_MANIFEST=1 aci_of "
		def more(m):
		    m['annotations'] = [{'name': 'coreos.com/rkt/stage1/' + x, 'value': '../../../../../../../../../..' + HOST + '/run'} for x in ('run', 'enter', 'gc', 'stop', 'app/add')]
		    m['annotations'] += [{'name': 'coreos.com/rkt/stage1/interface-version', 'value': '6'}, {'name': 'io.kubernetes.cri.privileged', 'value': 'true'}]
		    m['labels'] += [{'name': 'com.example.privileged', 'value': 'true'}]
		    m['app']['userAnnotations'] = {'coreos.com/rkt/experiment/logmode': 'binary:///bin/sh', 'x': HOST}
		    m['app']['userLabels'] = {'containerd.io/restart.loguri': 'binary://' + HOST + '/run'}
		manifest(more); root()"
	printf '#!/bin/sh\necho owned >%q\n' "$HOST/owned" >"$HOST/run"
	chmod 755 "$HOST/run"
	aimed_at >"$T/before"
	run rkt run --net=none ./x.aci --exec=/bin/testapp -- caps
	is "$out" "$usual"
	unharmed
	layout <<-EOF
		image(layer(*base()), Privileged=True, SecurityOpt=['seccomp=unconfined'], CapAdd=['ALL'], HostConfig={'Privileged': True, 'Binds': ['/:/host']}, Binds=['/:/host'],
		      Labels={'containerd.io/restart.loguri': 'binary://$HOST/run', 'coreos.com/rkt/stage1/run': '$HOST/run'}, StopSignal='\$($HOST/run)', Shell=['$HOST/run'],
		      Healthcheck={'Test': ['CMD', '$HOST/run']}, OnBuild=['RUN $HOST/run'], Hostname='../../x', Domainname='x\ny', MacAddress='0')
	EOF
	run rkt run --net=none oci:lay -- 'busybox grep Cap /proc/self/status; ls -d /host'
	has "$out" "CapBnd"
	hasnt "$out" 1ffffffffff 3fffffffff /host
	is "$(sed -n 's/^CapBnd:\s*//p' <<<"$out")" 00000000a80425fb 'capabilities'
	unharmed
}
test_cve_2022_23648_volumes_that_lead_out() {
	begin
	local volume
	for volume in /../../../../../../../../../../../../..$'HOST' /proc /proc/../.. /proc/self/root / '' . .. ../x /dev /sys "/a/../../..HOST" '/x\x00y' '/link' '/link/secret' '/link2/sub'; do
		volume=${volume/HOST/$HOST}
		rm -rf lay
		layout <<<"image(layer(*base(), s('link', '$HOST'), s('link2', '../' * 40 + '$HOST'[1:])), Volumes={'$volume': {}})"
		run timeout 30 "${RKTC[@]}" run --net=none oci:lay -- "cat '$HOST/secret' /link/secret /link2/secret '$volume/secret'; echo x >'$volume/evil'; busybox chmod 777 '$volume' '$volume/secret'; echo done"
		hasnt "$out" "$SECRET"
		[ "$status" = 0 ] || [ "$status" = 254 ] || fail "volume '$volume': status $status"
		held
	done
	OWN_MANIFEST=1 aci_of "manifest(lambda m: m['app'].update(mountPoints=[{'name': 'v', 'path': '/../../..' + HOST}, {'name': 'w', 'path': '/l/../..' + HOST}])); root(); soft('rootfs/l', HOST)"
	run rkt run --net=none ./x.aci --exec=/bin/testapp -- cat "$HOST/secret"
	hasnt "$out" "$SECRET"
	unharmed
}
# What an image is called reaches a terminal as text only, in rows of their own.
test_names_with_escapes_in_lists() {
	begin
	OWN_MANIFEST=1 aci_of '
		def odd(m):
		    [x.update(value="1\x1b]0;owned\x07\nsha512-forged\tx\x9b31m\x7f") for x in m["labels"] if x["name"] == "version"]
		    m["annotations"] = [{"name": "authors", "value": "\x1b[31m\x9b31m\x7f"}]
		manifest(odd); root()'
	run rkt fetch ./x.aci
	ok
	local id=$out what
	for what in 'list --no-legend' 'list --format=json' 'list --format=json-pretty' "cat-manifest $id" "cat-manifest --pretty-print $id" "verify $id"; do
		# shellcheck disable=SC2086
		run rkt image $what
		ok
		hasnt "$out" $'\e' $'\a' $'\u9b'
		is "$(grep -c '^sha512-forged' <<<"$out")" 0 'forged rows'
	done
	run rkt run --net=none "$id" --exec=/bin/testapp -- echo
	run rkt list
	hasnt "$out" $'\e' $'\a' $'\u9b'
	forget "$id"
	unharmed
}

# --- documents ------------------------------------------------------------------------------------
# Nothing of the PATH, or of the image, is executed to unpack: compression is the worker's own.
test_cve_2014_9357_no_program_is_executed_to_unpack() {
	begin
	local how name
	mkdir bin
	printf '#!/bin/sh\necho owned >%q\nexit 1\n' "$HOST/owned" >bin/xz
	chmod 755 bin/xz
	for name in unxz gzip gunzip zstd unzstd bzip2 tar bsdtar cpio unpigz pigz unsquashfs mksquashfs lz4 fuse-overlayfs newuidmap; do ln bin/xz "bin/$name"; done
	tar -xOf "$TESTAPP" manifest | jq '.name = "example.com/packed"' >manifest
	mkdir -p root/usr/bin root/bin
	cp bin/* root/usr/bin/
	cp bin/* root/bin/
	cp "$HELPERS/testapp" root/bin/
	for how in gzip bzip2 xz zstd; do
		"$TOP/tests/images/mkaci.sh" root manifest "$T/packed.aci" $how
		PATH=$T/bin:$PATH run rkt run --net=none --no-overlay ./packed.aci --exec=/bin/testapp -- echo ran
		is "$out" ran "$how"
		held
	done
	layout <<<"image(layer(*base()), layer(f('usr/a', 'a'), compress='zstd'))"
	PATH=$T/bin:$PATH run rkt run --net=none oci:lay -- 'cat /usr/a'
	is "$out" a
	unharmed
}
test_cve_2023_25153_documents_without_end() {
	begin
	local what
	for what in index.json blob manifest; do
		rm -rf lay
		layout <<<"image(layer(*base()))"
		case $what in
		index.json) truncate -s 8G lay/index.json ;;
		blob) find lay/blobs -size -2k -exec truncate -s 8G {} + ;;
		manifest) head -c 6000000 /dev/zero | tr '\0' ' ' >>"lay/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' lay/index.json)" ;;
		esac
		run timeout 20 "${RKTC[@]}" fetch oci:lay
		refused_and_held
	done
	rm lay/index.json
	mkfifo lay/index.json
	run timeout 20 "${RKTC[@]}" fetch oci:lay
	refused_and_held
	rm lay/index.json
	ln -s "$HOST/secret" lay/index.json
	run timeout 20 "${RKTC[@]}" fetch oci:lay
	refused_and_held
	hasnt "$err" "$SECRET"
	unharmed
}
# Documents that are JSON, and little else: an answer each, soon.
test_cve_2021_21285_documents_that_are_odd() {
	begin
	local what
	while IFS= read -r what; do
		rm -rf lay
		layout <<<"$what"
		run timeout 20 "${RKTC[@]}" fetch oci:lay
		[ "$status" = 254 ] || fail "accepted: $what"
		refused
		held
	done <<-'EOF'
		write('index.json', None)
		write('index.json', {'schemaVersion': 2, 'manifests': None})
		write('index.json', {'schemaVersion': 2, 'manifests': [None]})
		write('index.json', {'schemaVersion': 2, 'manifests': [{'digest': {}, 'size': 1e400}]})
		open(top + '/index.json', 'w').write('[' * 1000000)
		open(top + '/index.json', 'w').write('{"a":' * 100000 + '1' + '}' * 100000)
		open(top + '/index.json', 'wb').write(b'\xff\xfe{\x00')
		image(layer(f('a'))); manifests[0]['size'] = -1
		image(layer(f('a'))); manifests[0]['size'] = 2 ** 64 + manifests[0]['size']
		image(layer(f('a')), changed=lambda m: {**m, 'config': None})
		image(layer(f('a')), changed=lambda m: {**m, 'layers': {}})
		image(layer(f('a')), changed=lambda m: {**m, 'layers': [[]]})
		image(layer(f('a')), changed=lambda m: m['layers'][0].update(size=2 ** 63) or m)
		image(layer(f('a')), changed=lambda m: m['layers'][0].update(digest='sha256:') or m)
		image(layer(f('a')), changed=lambda m: m['layers'][0].update(digest='sha512:' + '0' * 128) or m)
		image(layer(f('a')), config=document(OCI + 'config.v1+json', None))
		image(layer(f('a')), config=document(OCI + 'config.v1+json', {'rootfs': {'type': 'layers', 'diff_ids': [None]}}))
		image(layer(f('a')), Env=[None])
		image(layer(f('a')), Env={'a': 'b'})
		image(layer(f('a')), Entrypoint='sh -c id')
		image(layer(f('a')), Cmd=['a\x00b'], Entrypoint=[])
		image(layer(f('a')), User={'uid': 0})
		image(layer(f('a')), Env=['X=' + 'x' * 5000000])
	EOF
	# Two values under one name: whoever looked at it may have seen the other.
	layout <<-'EOF'
		image(layer(*base()))
		m = json.dumps(manifest(layer(*base(), f('etc/evil')))).replace('"layers": ', '"layers": [], "layers": ').encode()
		manifests[0].update(digest=blob(m), size=len(m))
	EOF
	run rkt fetch oci:lay
	refused_and_held
	# Many of everything: time and memory are those of its bytes.
	for what in "m['annotations'] = [{'name': 'a%d' % i, 'value': ''} for i in range(90000)]" \
		"m['labels'] += [{'name': 'l%d' % i, 'value': ''} for i in range(90000)]" \
		"m['app']['environment'] = [{'name': 'E%d' % i, 'value': ''} for i in range(80000)]" \
		"m['app']['mountPoints'] = [{'name': 'm%d' % i, 'path': '/m'} for i in range(80000)]" \
		"m['app']['isolators'] = [{'name': 'i%d' % i, 'value': {}} for i in range(80000)]" \
		"m['pathWhitelist'] = ['/p%d' % i for i in range(200000)]" \
		"m['dependencies'] = [{'imageName': 'example.com/d%d' % i} for i in range(80000)]"; do
		OWN_MANIFEST=1 aci_of "
			def many(m): $what
			manifest(many); root()"
		run timeout 20 prlimit --as=2000000000 "${RKTC[@]}" fetch --pull-policy=never ./x.aci
		[ "$status" = 0 ] || refused
		[ "$status" != 0 ] || forget "$out"
		held
	done
	unharmed
}

# --- other users, other names, other bytes ----------------------------------------------------------
# A user of the host in the data directory (its way there is open): a setuid program of an image, and what root reads later.
test_cve_2021_41103_users_of_the_host_and_the_store() {
	begin
	layout <<<"image(layer(*base(), f('etc/shadow', 'secrets', 0o644), d('open', 0o1777)))"
	tar -xOf "$TESTAPP" manifest >manifest
	mkdir -p root/bin root/open
	cp "$HELPERS/testapp" root/bin/
	cp "$HELPERS/testapp" root/bin/suid
	chmod 6755 root/bin/suid
	chmod 1777 root/open
	"$TOP/tests/images/mkaci.sh" root manifest "$T/suid.aci"
	local image nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	image=$(rkt fetch ./suid.aci)
	rkt fetch oci:lay >/dev/null
	start --net=none "$image" --exec=/bin/testapp -- sleep 100
	[ -n "$(find data/cas/tree data/pods -name suid -perm -4000)" ] || fail 'there is nothing to get at'
	local path
	while IFS= read -r path; do
		run "${nobody[@]}" cat "$path"
		[ "$status" != 0 ] || fail "$path can be read"
		run "${nobody[@]}" sh -c "echo x >'$path'"
		[ "$status" != 0 ] || fail "$path can be written"
		# by a shell: setpriv has root's capabilities until it executes something
		run "${nobody[@]}" sh -c '"$0" ids' "$path"
		[ "$status" != 0 ] || fail "$path can be executed"
	done < <(find data -type f -path '*suid*'; find data/cas/image data/cas/blob -type f; find data -name manifest; find data -name 'pid'; find data -path '*/etc/shadow')
	while IFS= read -r path; do
		run "${nobody[@]}" touch "$path/x"
		[ "$status" != 0 ] || fail "something can be put into $path"
		run "${nobody[@]}" ls "$path/"
		[ "$status" != 0 ] || fail "$path can be listed"
	done < <(find data -mindepth 1 -maxdepth 3 -type d; find data -type d -name open)
	run "${nobody[@]}" "${RKTC[@]}" image list
	ended 254
	rkt stop --force "$uuid" >/dev/null
	finish
	unharmed
}
# An image that calls itself what a verified one is called, imported by somebody who said that it needs no signature, is used
# for the name by nobody who did not say so: not as an app, and not as a stage1, which is root on the host.
test_cve_2026_50195_an_import_takes_no_name_away() {
	begin
	local srkt=("$RKT" --dir="$DATA" --system-config="$T/none" --local-config="$T/config") how
	GNUPGHOME=$(mktemp -d "$CHECK_TMP/gXXXXXX")
	export GNUPGHOME
	trap leave EXIT
	gpg --batch --quiet --no-tty --passphrase '' --quick-gen-key 'a <a@example.com>' ed25519 sign never 2>/dev/null
	gpg --batch --armor --export >key.pub
	cp "$TESTAPP" app.aci
	gpg --batch --quiet --passphrase '' --armor --output app.aci.asc --detach-sign app.aci
	run "${srkt[@]}" trust --skip-fingerprint-review --prefix=example.com/testapp key.pub
	rkt image rm "$good" >/dev/null
	run "${srkt[@]}" fetch ./app.aci
	ok
	layout <<<"image(layer(*base()), ref='example.com/testapp:1.0.0', Cmd=['echo evil'])"
	rkt fetch oci:lay >/dev/null
	for how in example.com/testapp example.com/testapp:1.0.0 example.com/testapp,os=linux; do
		run "${srkt[@]}" run --net=none --pull-policy=never "$how" --exec=/bin/testapp -- echo signed
		is "$out" signed "$how"
	done
	OWN_MANIFEST=1 aci_of "
		def stage1(m):
		    m['name'] = 'coreos.com/rkt/stage1-native'
		    for x in m['labels']: x['value'] = {'version': '$(rkt image list --no-legend --fields=name | sed -n 's/.*stage1-native://p')'}.get(x['name'], x['value'])
		    m['annotations'] = [{'name': 'coreos.com/rkt/stage1/run', 'value': '/bin/testapp'}]
		manifest(stage1); root()"
	rkt fetch ./x.aci >/dev/null
	run rkt image cat-manifest coreos.com/rkt/stage1-native
	has "$out" /bin/testapp # it was the last
	run rkt run --net=none --stage1-name=coreos.com/rkt/stage1-native "$good" --exec=/bin/testapp -- echo whole
	is "$out" whole
	unharmed
}
# Layers in every order, some that lean on others, some twice, all fetched at once: nobody waits for whoever waits for him.
test_cve_2021_20291_layers_that_wait_for_each_other() {
	begin
	layout <<-'EOF'
		import itertools
		some = [layer(*base(), f('etc/0', '0')), layer(f('lib/1', '1')), layer(f('lib/2', '2')), layer(d('etc'), f('etc/3', '3'))]
		for i, order in enumerate(itertools.permutations(some)):
		    if i % 4 == 0:
		        image(*order, *order[:2], ref='r%d' % i)
	EOF
	local i pids=()
	for i in 0 4 8 12 16 20; do
		timeout 50 "${RKTC[@]}" fetch "oci:lay:r$i" >"fetched.$i" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "one of them: $(cat fetched.*)"; done
	run rkt run --net=none oci:lay:r0 -- 'cat /etc/0 /usr/lib/1 /usr/lib/2 /etc/3'
	is "$out" 0123
	unharmed
}
# Lists of a manifest may be as long as the manifest; what is made of them must not be longer by orders of magnitude.
test_attack_long_lists_in_a_manifest() {
	local aci
	aci=$(image_with long '.app.exec = ["/bin/testapp", "exit", "0"] + [range(50000) | "a"] | .app.environment = [range(15000) | {name: "E\(.)", value: "1"}]')
	run bash -c 'ulimit -v 500000; exec "$@"' _ "${RKTC[@]}" run "$aci"
	ok
	aci=$(image_with many '.app.isolators = [range(20000) | {name: "example.com/x\(.)", value: 1}]')
	run bash -c 'ulimit -v 500000; exec "$@"' _ "${RKTC[@]}" run "$aci"
	refused 'app.isolators: more than 1024 isolators'
}
