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
