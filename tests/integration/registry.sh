# shellcheck shell=bash
# Docker and OCI images from Debian's docker-registry, pushed by skopeo, buildah and podman. Nothing leaves 127.0.0.0/8.

# shellcheck source=tests/web.sh
. "$TOP/tests/web.sh"

layout() { "$TOP/tests/images/layout.py" "$T/${1:-lay}"; }
# push LAYOUT[:REF] NAME [skopeo flags]
push() {
	local from=$1 to=$2
	shift 2
	skopeo copy -q --dest-tls-verify=false "$@" "oci:$from" "docker://$at/$to"
}
digest_of() { skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$at/$1"; }
requests() { # PATTERN: how many the registry has had
	grep -cE -- "\"GET [^\"]*$1" registry.log || true
}
three_layers() {
	layout <<-'EOF'
		image(layer(*base(), f('etc/a', 'a')), layer(d('etc'), f('etc/b', 'b'), compress='zstd'), layer(d('etc'), f('etc/c', 'c'), compress=''))
	EOF
}
RKT_HTTP=--insecure-options=image,http

test_an_image_is_fetched_and_run() {
	registry
	three_layers
	push lay:one team/app:v1
	run rkt $RKT_HTTP fetch --full "docker://$at/team/app:v1"
	ok
	local id=$out
	run rkt image cat-manifest "$id"
	is "$(jq -r '.name, (.labels[] | select(.name == "version").value)' <<<"$out")" "${at/:/-}/team/app"$'\nv1'
	run rkt run "docker:$at/team/app:v1" -- 'cat /etc/a /etc/b /etc/c'
	is "$out" abc
	run rkt run "cimd:docker:v=0:$at%2Fteam%2Fapp%3Av1" -- 'cat /etc/a'
	is "$out" a
	is "$(requests manifests)" 1 'policy new: no second request'
	run rkt image verify "$id"
	ok
	run rkt image export "$id" "$T/out.aci"
	ok
	tar -xOf out.aci rootfs/etc/b >/dev/null
}
test_what_came_is_named_as_it_was_asked_for() {
	registry
	three_layers
	push lay:one team/app:v1
	local ref=docker://$at/team/app:v1 id
	id=$(rkt $RKT_HTTP fetch --full "$ref")
	run rkt image rm "$ref-other"
	ended 0
	has "$err" "image '$ref-other': it is not in the store"
	run rkt image cat-manifest "$ref"
	is "$(jq -r .name <<<"$out")" "${at/:/-}/team/app"
	rkt image verify "$ref" >/dev/null
	rkt image export "docker:$at/team/app:v1" out.aci
	rkt image render "cimd:docker:v=0:$at%2Fteam%2Fapp%3Av1" seen
	is "$(cat seen/rootfs/etc/c)" c
	run rkt image rm "$ref"
	ok
	has "$out" "$id"
	is "$(rkt image list --no-legend | grep -c team/app)" 0
	run rkt image cat-manifest "$ref"
	refused "image '$ref': it is not in the store"
}
test_a_tag_that_did_not_move_is_one_request() {
	registry
	three_layers
	push lay:one app:v1
	local first second
	first=$(rkt $RKT_HTTP fetch "docker://$at/app:v1")
	: >registry.log
	run rkt $RKT_HTTP fetch "docker://$at/app:v1" # fetch's own policy is update
	is "$out" "$first"
	is "$(requests '/app/')" 1
	is "$(requests 'manifests/v1 HTTP/1.1" 304')" 1
	run rkt $RKT_HTTP fetch --pull-policy=never "docker://$at/app:v2"
	refused 'not in the store'
	run rkt $RKT_HTTP fetch --pull-policy=never "docker://$at/app:v1"
	is "$out" "$first"
	layout other <<<"image(layer(*base(), f('etc/a', 'new')))"
	push other:one app:v1
	second=$(rkt $RKT_HTTP fetch "docker://$at/app:v1")
	[ "$first" != "$second" ] || fail 'the tag has moved, the image has not'
}
test_a_digest_is_asked_for_once() {
	registry
	three_layers
	push lay:one app:v1
	local digest
	digest=$(digest_of app:v1)
	run rkt $RKT_HTTP fetch "docker://$at/app@$digest"
	ok
	local id=$out
	: >registry.log
	run rkt $RKT_HTTP fetch --pull-policy=update "docker://$at/app@$digest"
	is "$out" "$id"
	is "$(requests '')" 0
	run rkt $RKT_HTTP fetch "docker://$at/app@sha256:$(printf '0%.0s' {1..64})"
	refused 'HTTP status 404'
}
test_http_must_be_allowed() {
	registry
	three_layers
	push lay:one app:v1
	run rkt fetch "docker://$at/app:v1"
	refused --insecure-options=http
	run "$RKT" --dir="$DATA" --insecure-options=http fetch "docker://$at/app:v1"
	refused --insecure-options=image
}
test_what_is_not_there() {
	registry
	three_layers
	push lay:one app:v1
	run rkt $RKT_HTTP fetch "docker://$at/app:v2"
	refused "has no tag 'v2' of 'app'"
	run rkt $RKT_HTTP fetch "docker://$at/other"
	refused "has no tag 'latest' of 'other'"
	run rkt fetch docker://registry.invalid/app
	refused registry.invalid name
	run rkt fetch docker:App
	refused lower-case
}
test_tls() {
	three_layers
	authority
	certificate good IP:127.0.0.1
	registry good
	push lay:one app:v1
	run rkt fetch "docker://$at/app:v1"
	ok
	rkt image rm "$out" >/dev/null
	SSL_CERT_FILE='' run rkt fetch "docker://$at/app:v1"
	refused certificate SSL_CERT_FILE
	SSL_CERT_FILE='' run rkt --insecure-options=image,http fetch "docker://$at/app:v1"
	refused certificate # http is for those who do not speak TLS
	SSL_CERT_FILE='' run rkt --insecure-options=image,tls fetch "docker://$at/app:v1"
	ok
	certificate wrong DNS:wrong.example
	registry wrong
	run rkt fetch "docker://$at/app:v1"
	refused certificate
}
# What other tools push: Docker's manifests and OCI's, gzip and zstd, lists of several platforms.
test_what_others_push() {
	registry
	layout <<-'EOF'
		image(layer(*base(), f('etc/a', 'ours')), ref='x', platform={'os': 'linux', 'architecture': 'amd64'})
		image(layer(*base(), f('etc/a', 'other')), ref='x', arch='s390x', platform={'os': 'linux', 'architecture': 's390x'})
		inner = document('application/vnd.oci.image.index.v1+json', {'schemaVersion': 2, 'manifests': list(manifests)},
		                 annotations={'org.opencontainers.image.ref.name': 'multi'})
		manifests[:] = [inner]
	EOF
	push lay:multi zstd:one --dest-compress-format=zstd # first: what is there already is not compressed anew
	push lay:multi oci:list --all
	push lay:multi docker:list --all --format=v2s2
	push lay:multi docker:one --format=v2s2
	export STORAGE_DRIVER=vfs CONTAINERS_STORAGE_CONF=$T/storage.conf BUILDAH_ISOLATION=chroot
	printf '[storage]\ndriver = "vfs"\nrunroot = "%s"\ngraphroot = "%s"\n' "$T/runroot" "$T/graphroot" >storage.conf
	local from=
	from=$(buildah from --tls-verify=false "$at/oci:list" 2>/dev/null)
	echo added >added
	buildah add -q "$from" added /etc/added >/dev/null
	buildah commit -q --format=docker "$from" built >/dev/null 2>&1
	buildah push -q --tls-verify=false built "docker://$at/built:docker" 2>/dev/null
	buildah push -q --tls-verify=false --format=oci built "docker://$at/built:oci" 2>/dev/null
	podman push -q --tls-verify=false --format=oci --compression-format=zstd built "$at/built:podman" 2>/dev/null
	buildah rm -a >/dev/null
	buildah rmi -a >/dev/null
	local image
	for image in oci:list docker:list docker:one zstd:one; do
		run rkt $RKT_HTTP run "docker://$at/$image" -- 'cat /etc/a'
		is "$out" ours "$image"
	done
	for image in built:docker built:oci built:podman; do
		run rkt $RKT_HTTP run "docker://$at/$image" --exec=/bin/sh -- -c 'cat /etc/a /etc/added'
		is "$out" oursadded "$image"
	done
	is "$(curl -s -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' "http://$at/v2/docker/manifests/one" | jq -r .mediaType)" \
		application/vnd.docker.distribution.manifest.v2+json
	has "$(curl -s -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$at/v2/zstd/manifests/one")" tar+zstd
}
large_layers() { # MIB: three layers, two of them so large
	layout <<-EOF
		big = lambda name: f('etc/' + name, __import__('random').Random(name).randbytes($1 << 20).decode('latin-1'))
		image(layer(*base(), big('a')), layer(d('etc'), big('b'), f('etc/one', '1')), layer(d('etc'), f('etc/c', 'c')), ref='one')
		image(layer(*base(), big('a')), layer(d('etc'), big('b'), f('etc/one', '1')), layer(d('etc'), f('etc/d', 'd')), ref='two')
	EOF
}
asked_once() { # blobs of the registry, none asked for twice
	local twice
	twice=$(grep -oE '"GET [^"]*/blobs/[^ "]*' registry.log | sort | uniq -d)
	[ -z "$twice" ] || fail "asked for more than once: $twice"
}
test_ten_at_once_download_each_blob_once() {
	registry
	large_layers 8
	push lay:one app:one
	local i pids=() id=''
	for i in {1..10}; do
		"${RKTC[@]}" $RKT_HTTP fetch "docker://$at/app:one" >"out.$i" 2>"err.$i" &
		pids+=($!)
	done
	for i in {1..10}; do
		wait "${pids[i - 1]}" || fail "$(cat "err.$i")"
		id=${id:-$(cat out.1)}
		is "$(cat "out.$i")" "$id"
	done
	asked_once
	is "$(requests /blobs/)" 4 'three layers and a configuration'
	run rkt run "$id" -- 'cat /etc/one /etc/c'
	is "$out" 1c
}
test_images_at_once_share_downloads() {
	registry
	large_layers 8
	push lay:one app:one
	push lay:two other:two
	"${RKTC[@]}" $RKT_HTTP fetch "docker://$at/app:one" >one 2>err.one &
	local first=$!
	"${RKTC[@]}" $RKT_HTTP fetch "docker://$at/other:two" >two 2>err.two &
	wait $! || fail "$(cat err.two)"
	wait $first || fail "$(cat err.one)"
	local twice
	twice=$(grep -oE '"GET [^"]*/blobs/[^ "]*' registry.log | sed 's|.*/||' | sort | uniq -d)
	[ -z "$twice" ] || fail "asked for more than once: $twice"
	run rkt run "$(cat two)" -- 'cat /etc/one /etc/d'
	is "$out" 1d
	run rkt image verify "$(cat one)" "$(cat two)"
	ok
}
