# shellcheck shell=bash
# Images from a registry that lies (tests/helpers/liar), and what is left of downloads that were cut or killed.

# shellcheck source=tests/web.sh
. "$TOP/tests/web.sh"

layout() { "$TOP/tests/images/layout.py" "$T/www/lay"; }
one_image() { # [MIB]: a lowest layer with so much that does not compress
	layout <<-EOF
		noise = __import__('random').Random(1).randbytes(${1:-0} << 20)
		big = entry('etc/noise', tarfile.REGTYPE)[0], noise
		image(layer(*base(), big, compress=''), layer(d('etc'), f('etc/a', 'a')))
	EOF
}
requests() { # PATTERN: how many
	grep -cE -- "$1" "$T/log" || true
}
fetch_from() { # REPOSITORY: of the liar, over http
	run rkt --insecure-options=image,http fetch "docker://$at/$1:one"
}
lowest() { jq -r '.layers[0].digest[7:]' "www/lay/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' www/lay/index.json)"; }
nothing_is_there() { # WHAT: no image, and of layers at most those that came as they are
	local blob
	is "$(find "$DATA/cas/image" -type f 2>/dev/null | wc -l)" 0 "images in the store after $1"
	[ ! -e "$DATA/cas/blob/sha256/$(lowest)" ] || fail "the layer is in the store after $1"
	while read -r blob; do
		is "$(sha256sum <"$blob" | cut -c 1-64)" "${blob##*/}" "a blob in the store after $1"
	done < <(find "$DATA/cas/blob" -type f 2>/dev/null)
}

# What was downloaded before something was refused stays for the next fetch.
LEFT_OVERS_OK=1

test_wrong_blobs_are_refused() {
	one_image
	serve
	local how says
	while read -r how says; do
		fetch_from "$how/lay"
		refused "$says"
		nothing_is_there "$how"
	done <<-'EOF'
		half of it, the manifest says
		more larger than what is accepted
		huge larger than what is accepted
		endless larger than what is accepted
		stub transfer closed
		headers headers without end
		other layer 1
		loop too many redirects
		status/404 HTTP status 404
		status/403 podman login
		status/500 trouble
		status/418 is it a registry?
		busy/3600 in 3600 seconds
		busy/100 log in
		patience/100 trouble
		to/file refused to follow a redirect
	EOF
	while read -r how says; do
		fetch_from "c/$how/lay"
		refused "$says"
		nothing_is_there "$how"
	done <<-'EOF'
		half what the registry sent is sha256:
		other what the registry sent is sha256:
		more larger than what is accepted
		endless larger than what is accepted
		status/404 HTTP status 404
	EOF
	fetch_from lay
	ok
}
test_wrong_manifests_are_refused() {
	one_image
	serve
	local how says
	while read -r how says; do
		fetch_from "m/$how/lay"
		refused "$says"
		nothing_is_there "$how"
	done <<-'EOF'
		half Docker-Content-Digest
		more Docker-Content-Digest
		huge larger than what is accepted
		endless larger than what is accepted
		misnamed Docker-Content-Digest
		called/vnd.docker.distribution.manifest.v1 schema 1
		called/html which is no image
		called/vnd.oci.image.index.v1 does not belong there
		status/404 has no tag
		status/403 podman login
		status/500 trouble
		busy/3600 in 3600 seconds
		loop too many redirects
	EOF
	# By digest it is the digest that is believed.
	run rkt --insecure-options=image,http fetch "docker://$at/m/other/lay@$(jq -r '.manifests[0].digest' www/lay/index.json)"
	refused 'what the registry sent as sha256:'
}
test_documents_of_others_are_refused() {
	mkdir www
	serve
	local what
	while IFS='|' read -r what script; do
		rm -rf www/lay
		layout <<<"$script"
		run rkt --insecure-options=image,http fetch "docker://$at/lay:one"
		[ "$status" = 254 ] || fail "$what was accepted"
		refused
		hasnt "$(cat log)" '..'
		nothing_is_there "$what"
	done <<-'EOF'
		digest of a layer with dots|l = layer(f('a')); l['digest'] = 'sha256:../../../../etc/passwd'; image(l)
		digest of a configuration with dots|c = document('application/vnd.oci.image.config.v1+json', {}); c['digest'] = 'sha256:../../../../etc/passwd'; image(layer(f('a')), config=c)
		layer without end|l = layer(f('a')); l['size'] = 1 << 62; image(l)
		wrong size of a layer|l = layer(f('a')); l['size'] += 1; image(l)
		blob of another layer|l = layer(f('a')); l['digest'] = layer(f('b'))['digest']; image(l)
		layer elsewhere|l = layer(f('a')); l['urls'] = ['https://example.com/x']; image(l)
		missing layer|l = layer(f('a')); os.unlink(top + '/blobs/sha256/' + l['digest'][7:]); image(l)
		wrong diff id|l = layer(f('a')); l['diff'] = 'sha256:' + '0' * 64; image(l)
	EOF
}
test_redirects() {
	one_image
	https
	local home=$at
	serve good
	echo "https://$at" >www/elsewhere
	run rkt fetch "docker://$home/elsewhere/lay:one"
	ok
	hasnt "$(grep "host=$at" log)" Bearer Basic
	rkt image rm "$out" >/dev/null
	local to
	for to in "http://$at" file:///etc "ftp://$at"; do
		echo "$to" >www/elsewhere
		run rkt fetch "docker://$home/elsewhere/lay:one"
		refused 'refused to follow a redirect'
	done
}
test_cuts_are_resumed() {
	one_image 6
	serve
	fetch_from cut/1048576/lay
	ok
	is "$(requests "cut/1048576/lay/blobs/sha256:$(lowest) range=bytes=[0-9]")" 7 'the rest of it, again and again'
	run rkt run "$out" -- 'cat /etc/a'
	is "$out" a
}
# What is killed leaves what it had, and the next one goes on there.
let_go() { flock -n "$DATA/cas/tmp/part-$(lowest)" true; }
cut_off() { [ "$(stat -c %s "$DATA/cas/tmp/part-$(lowest)" 2>/dev/null)" = 1048576 ]; }
test_kill_9_and_resume() {
	one_image 3
	serve
	"${RKTC[@]}" --insecure-options=image,http fetch "docker://$at/hang/1048576/lay:one" >out 2>err &
	local victim=$!
	wait_for 20 cut_off || fail "$(cat err)"
	kill -9 $victim
	killed $victim
	cut_off || fail 'what was there is gone'
	wait_for 10 let_go
	fetch_from hang/1048576/lay
	ok
	is "$(requests "blobs/sha256:$(lowest) range=bytes=1048576- ")" 1
	run rkt image verify "$out"
	ok
	rkt image gc >/dev/null # what the killed one was unpacking
}
test_left_overs_are_collected() {
	one_image 3
	serve
	"${RKTC[@]}" --insecure-options=image,http fetch "docker://$at/hang/1048576/lay:one" >out 2>err &
	local victim=$!
	wait_for 20 cut_off || fail "$(cat err)"
	run rkt image gc
	ok
	cut_off || fail 'gc took what somebody works on'
	kill -9 $victim
	killed $victim
	wait_for 10 let_go
	run rkt image gc
	ok
	is "$(ls "$DATA/cas/tmp")" '' 'left'
}
# Left-overs that are something else: found out by the digest, and gone then; what is right is fetched at once.
test_a_wrong_left_over_is_not_kept() {
	one_image 1
	serve
	mkdir -p "$DATA/cas/tmp"
	head -c 1000 /dev/zero >"$DATA/cas/tmp/part-$(lowest)"
	fetch_from lay
	ok
	[ ! -e "$DATA/cas/tmp/part-$(lowest)" ] && [ ! -e "$DATA/cas/tmp/blob-$(lowest)" ] || fail 'it is kept'
	is "$(grep -c "blobs/sha256:$(lowest)" log)" 2 'requests of the layer'
	# Once more, and not for ever.
	rkt image rm "$out" >/dev/null
	cp -a www/lay www/good
	head -c 1000 /dev/zero >"$DATA/cas/tmp/part-$(lowest)"
	: >log
	head -c "$(stat -c %s "www/lay/blobs/sha256/$(lowest)")" /dev/zero >"www/lay/blobs/sha256/$(lowest)"
	fetch_from lay
	refused 'layer 1'
	is "$(grep -c "blobs/sha256:$(lowest)" log)" 2 'requests of the layer'
	rm -rf www/lay
	mv www/good www/lay
	fetch_from lay
	ok
	# One that is too long is no part of it.
	rkt image rm "$out" >/dev/null
	head -c 20000000 /dev/zero >"$DATA/cas/tmp/part-$(lowest)"
	fetch_from lay
	ok
}
# The blob that the store has is what was downloaded, not a copy of it.
test_the_download_becomes_the_blob() {
	one_image 3
	serve
	"${RKTC[@]}" --insecure-options=image,http fetch "docker://$at/drip/1000000/lay:one" >out 2>err &
	local pid=$! part inode
	part=$DATA/cas/tmp/part-$(lowest)
	wait_for 20 test -s "$part"
	inode=$(stat -c %i "$part")
	wait $pid || fail "$(cat err)"
	is "$(stat -c %i "$DATA/cas/blob/sha256/$(lowest)")" "$inode"
}
test_patience() {
	one_image
	serve
	fetch_from later/503/2/lay
	ok
	is "$(requests 'later/503/2/lay/blobs')" 7 'two layers three times, the configuration once'
	rkt image rm "$out" >/dev/null
	fetch_from later/429/1/lay
	ok
}
test_progress_is_told() {
	one_image 3
	serve
	cat >watch.py <<-'EOF'
		import os, pty, sys
		pid, fd = pty.fork()
		if not pid:
		    os.execv(sys.argv[1], sys.argv[1:])
		text = b''
		try:
		    while chunk := os.read(fd, 65536):
		        text += chunk
		except OSError:
		    pass
		sys.stdout.buffer.write(text)
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	EOF
	run python3 watch.py "${RKTC[@]}" --insecure-options=image,http fetch "docker://$at/drip/500000/lay:one"
	ok
	local short
	short=$(lowest)
	matches "$out" "${short:0:12}: \[=*> *\] [0-9.]+[KM]iB of [0-9.]+[KM]iB"
	matches "$out" '/s, 0:0[0-9] left'
	rkt image rm "$(rkt image list --no-legend --fields=id | head -n 1)" >/dev/null
	run rkt --insecure-options=image,http fetch --quiet "docker://$at/drip/500000/lay:one"
	ok
	is "$err" ''
}
# The only layer is unpacked while it comes: what ends one of both ends the other, and nothing is published before all of it is here.
test_what_flows() {
	layout <<<"image(layer(*base(), (entry('etc/noise', tarfile.REGTYPE)[0], __import__('random').Random(1).randbytes(6 << 20))))"
	serve
	# The server hangs behind the first byte of what is no archive: only the end of who unpacks it can end this.
	local blob saved
	blob=www/lay/blobs/sha256/$(lowest)
	saved=$(<"$blob" head -c 65536 | base64 -w 0)
	printf '\037\213\010\0%65532s' '' | dd of="$blob" conv=notrunc status=none
	run timeout 20 "${RKTC[@]}" --insecure-options=image,http fetch "docker://$at/hang/1048576/lay:one"
	refused 'layer 1' gzip
	nothing_is_there garbage
	base64 -d <<<"$saved" | dd of="$blob" conv=notrunc status=none
	# Only the last byte is wrong.
	fetch_from other/lay
	refused 'layer 1'
	nothing_is_there 'a wrong last byte'
	# Asked for the rest, the server begins anew: what was unpacked already is not unpacked again.
	fetch_from no_range/1048576/lay
	ok
	run rkt image verify "$out"
	ok
}
# The worker stops early, for the layer depends on one below it: the download goes on in its file.
test_what_flows_in_vain() {
	layout <<<"image(layer(*base(), f('etc/b', 'b')))"
	serve
	fetch_from lay
	ok
	layout <<-'EOF'
		big = entry('etc/noise', tarfile.REGTYPE)[0], __import__('random').Random(1).randbytes(6 << 20)
		image(layer(*base(), f('etc/b', 'b')), layer(entry('etc/c', tarfile.LNKTYPE, target='etc/b'), big, compress=''))
	EOF
	fetch_from lay
	ok
	run rkt run "$out" -- 'cat /etc/c'
	is "$out" b
}
