# shellcheck shell=bash
# shellcheck disable=SC2154 # out, err, status: tests/lib.sh
# Images that mean harm: to the host, to the store, and to images of others in it. Whatever they do, files of the host are
# what they were, a good image still runs, and nothing half-made is left.

# shellcheck source=tests/web.sh
. "$TOP/tests/web.sh"

layout() { "$TOP/tests/images/layout.py" "$T/lay"; }

# What attacks aim at, as it was. $HOST is a directory of the host with a secret in it.
HOST='' good='' had=''
aimed_at() {
	find "$HOST" -printf '%p %y %m %U %G %s %n %l\n' | sort
	find "$HOST" -type f -exec sha256sum {} +
	sha256sum /etc/passwd /etc/shadow /etc/group /etc/hosts
	stat -c '%n %a %u %h' / /etc /etc/passwd /etc/shadow /proc/sys/kernel/core_pattern
	cat /proc/sys/kernel/core_pattern
}
begin() {
	HOST=$T/host
	mkdir -m 755 "$HOST"
	echo secret >"$HOST/secret"
	chmod 600 "$HOST/secret"
	aimed_at >"$T/before"
	good=$(rkt fetch "$TESTAPP")
	unharmed # and stage1 is in the store
	had=$(rkt image list --no-legend --fields=id)
}
# Nothing of the host changed, and what was there before works.
unharmed() {
	aimed_at >"$T/after"
	cmp -s "$T/before" "$T/after" || fail "the host was changed: $(diff "$T/before" "$T/after")"
	rkt image gc >/dev/null
	is "$(ls -A "$DATA/cas/tmp")" '' 'left in cas/tmp'
	run rkt run --net=none "$good" --exec=/bin/testapp -- echo well
	is "$out" well
}
# After a refusal: no image more than before, either.
refused_unharmed() { # [PART…]
	refused "$@"
	is "$(rkt image list --no-legend --fields=id)" "$had" 'images'
	unharmed
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
		refused_unharmed layer
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
		(cd away && run rkt fetch "oci:$T/lay" && refused_unharmed 'hard link')
		rm -rf lay
		aci_of "hard('rootfs/x', '$name')"
		(cd away && run rkt fetch "$T/x.aci" && refused_unharmed 'hard link')
	done
	is "$(stat -c %h away/secret)" 1
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
	printf '%s\nout.close()\n' "$1" >>make.py
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
test_cve_2017_14992_links_to_large_files_below() {
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
	refused_unharmed 'larger than'
	[ "$(du -sk "$DATA/cas" | cut -f 1)" -lt 100000 ] || fail "$(du -sk "$DATA/cas")"
}
