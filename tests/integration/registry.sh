# shellcheck shell=bash
# Docker and OCI images from Debian's docker-registry, pushed by skopeo, buildah and podman. Nothing leaves 127.0.0.0/8.

unset https_proxy HTTPS_PROXY http_proxy HTTP_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY CURL_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE

registries=()
leave() { [ ${#registries[@]} = 0 ] || kill "${registries[@]}"; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
answers() { curl -sk -o /dev/null "${1:-http}://$at/v2/"; }
# A registry in the background, its data in $T/registry; sets $at to where it is. registry [CERTIFICATE KEY]
at=''
# shellcheck disable=SC2120
registry() {
	local tls='' scheme=http
	[ $# = 0 ] || { tls=", tls: {certificate: $T/$1, key: $T/$2}" scheme=https; }
	at=127.0.0.1:$(free_port)
	printf '%s\n' 'version: 0.1' 'log: {level: warn, accesslog: {disabled: false}}' "storage: {filesystem: {rootdirectory: $T/registry}}" \
		"http: {addr: '$at'$tls}" >registry.yml
	docker-registry serve registry.yml >>registry.log 2>&1 &
	registries+=($!)
	trap leave EXIT
	wait_for 10 answers $scheme
}
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
	run rkt fetch --signature=/dev/null "docker://$at/app:v1"
	refused --signature
}
