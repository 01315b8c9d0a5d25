# shellcheck shell=bash
# Registries that ask who one is: Debian's docker-registry with passwords and with tokens, a token server of the tests' own
# (tests/helpers/tokens). Nothing leaves 127.0.0.0/8.

# shellcheck source=tests/web.sh
. "$TOP/tests/web.sh"
unset REGISTRY_AUTH_FILE DOCKER_CONFIG XDG_CONFIG_HOME

realm=''
# Nobody's credentials but the test's, nobody's certificates either.
at_home() {
	mkdir -p home run
	export HOME=$T/home XDG_RUNTIME_DIR=$T/run
	authority
	certificate good IP:127.0.0.1,IP:127.0.0.2
	trap leave EXIT
}
registry_that_asks() { # AUTH [http]
	local certificate=good
	[ "${2:-}" != http ] || certificate=
	registry "$certificate" "$1"
}
registry_with_passwords() {
	python3 -W ignore -c 'import crypt; print("u:" + crypt.crypt("p", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))' >htpasswd
	registry_that_asks "auth: {htpasswd: {realm: tests, path: $T/htpasswd}}" "$@"
}
# tokens [plain|tls] [REDIRECT]: sets $realm
tokens() {
	local tls=("$T/good.pem" "$T/good.key") scheme=https
	[ "${1:-}" != plain ] || tls=(- -) scheme=http
	[ -e sign.key ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout sign.key -out sign.pem -days 2 -subj /CN=tokens 2>/dev/null
	: >port
	"$TOP/tests/helpers/tokens" "$T/tokens.log" "${tls[@]}" "$T/sign.key" "$T/sign.pem" "${@:2}" >port 2>tokens.err &
	servers+=($!)
	wait_for 10 test -s port
	realm=$scheme://127.0.0.1:$(cat port)
}
registry_with_tokens() { # PATH [http]
	registry_that_asks "auth: {token: {realm: '$realm/$1', service: tests, issuer: tests, rootcertbundle: $T/sign.pem}}" "${@:2}"
}
image() { # pushed, past the registry's questions
	local asked=$at
	"$TOP/tests/images/layout.py" "$T/lay" <<<"image(layer(*base(), f('etc/a', 'a')), layer(d('etc'), f('etc/b', 'b')))"
	registry
	skopeo copy -q --dest-tls-verify=false oci:lay:one "docker://$at/team/app:v1"
	at=$asked
}
auths() { # FILE KEY USER:PASSWORD
	mkdir -p "$(dirname "$1")"
	jq -n --arg key "$2" --arg auth "$(printf %s "$3" | base64)" '{auths: {($key): {auth: $auth}}}' >"$1"
}
docker_auth() { # REGISTRY USER PASSWORD
	mkdir -p config/auth.d
	jq -n --arg r "$1" --arg u "$2" --arg p "$3" \
		'{rktKind: "dockerAuth", rktVersion: "v1", registries: [$r], credentials: {user: $u, password: $p}}' >config/auth.d/docker.json
}
pull() { run rkt "$@" fetch --pull-policy=update "docker://$at/team/app:v1"; }
pulled() {
	pull
	ok
	# shellcheck disable=SC2154
	run rkt image rm "$out"
	ok
}
log() { grep -c -- "$1" tokens.log || true; }

test_passwords() {
	at_home
	registry_with_passwords
	image
	pull
	refused "registry '$at'" 'no credentials' "podman login $at" dockerAuth
	auths "$HOME/.docker/config.json" "$at" u:p
	pulled
	auths "$HOME/.docker/config.json" "https://$at/v2/" u:p
	pulled
	# the first file that has something counts
	auths "$HOME/.config/containers/auth.json" "$at" u:wrong
	pull
	refused "user 'u'" "$HOME/.config/containers/auth.json" 'log in again'
	# shellcheck disable=SC2154
	hasnt "$err" wrong
	auths "$XDG_RUNTIME_DIR/containers/auth.json" "$at/team" u:p
	pulled
	auths other.json "$at" u:wrong
	REGISTRY_AUTH_FILE=$T/other.json pull
	refused "$T/other.json"
	auths other.json "$at/team/ap" u:wrong # of another repository: the search goes on
	REGISTRY_AUTH_FILE=$T/other.json pulled
	REGISTRY_AUTH_FILE=$T/none.json pull
	refused REGISTRY_AUTH_FILE none.json
	docker_auth "$at" u wrong
	pull
	refused "a dockerAuth file in auth.d"
	docker_auth "$at" u p
	rm -r home run
	pulled
	run rkt config
	has "$out" dockerAuth "\"$at\""
	run rkt run "docker://$at/team/app:v1" -- 'cat /etc/a /etc/b'
	is "$out" ab
}
test_what_others_wrote() {
	at_home
	registry_with_passwords
	image
	skopeo login -u u --password-stdin --authfile "$XDG_RUNTIME_DIR/containers/auth.json" "$at" <<<p >skopeo.out
	pulled
	jq --arg at "$at" '.auths += {($at + "/team"): {}, other: {auth: 5}, "": null, "https://": {auth: "!"}} | .more = [1]' \
		"$XDG_RUNTIME_DIR/containers/auth.json" >new.json
	REGISTRY_AUTH_FILE=$T/new.json XDG_RUNTIME_DIR=$T/none pulled
	local bad
	for bad in '{' '[]' '{"auths": {"AT": {"auth": "dXA="}}}' '{"auths": {"AT": 5}}' '{"credHelpers": {"AT": "../x"}}'; do
		printf %s "${bad/AT/$at}" >bad.json
		REGISTRY_AUTH_FILE=$T/bad.json pull
		refused "$T/bad.json"
	done
	head -c 2M /dev/zero >bad.json
	REGISTRY_AUTH_FILE=$T/bad.json pull
	refused "$T/bad.json"
}
test_helpers() {
	at_home
	registry_with_passwords
	image
	mkdir -p bin "$HOME/.docker"
	PATH=$T/bin:$PATH
	printf '{"credHelpers": {"%s": "test"}, "auths": {"%s": {}}}' "$at" "$at" >"$HOME/.docker/config.json"
	helper() {
		printf '#!/bin/sh\n%s\n' "$1" >bin/docker-credential-test
		chmod +x bin/docker-credential-test
	}
	pull
	refused docker-credential-test PATH
	helper "read -r server; [ \"\$1 \$server\" = 'get $at' ] && echo '{\"Username\": \"u\", \"Secret\": \"p\"}'"
	pulled
	printf '{"credsStore": "test"}' >"$HOME/.docker/config.json"
	pulled
	helper "echo '{\"Username\": \"u\", \"Secret\": \"hush\"}'"
	pull
	refused docker-credential-test "$HOME/.docker/config.json"
	hasnt "$err" hush
	local body
	for body in 'exit 1' 'echo hush; exit 1' 'echo hush' 'head -c 1M /dev/zero' 'kill -9 $$'; do
		helper "$body"
		run rkt --debug fetch "docker://$at/team/app:v1"
		ended 254
		has "$err" "credential helper 'docker-credential-test'"
		hasnt "$err" hush
	done
	helper 'echo credentials not found in native keychain; exit 1'
	pull
	refused 'no credentials'
}
test_tokens() {
	at_home
	tokens tls
	registry_with_tokens token
	image
	pull
	refused "registry '$at'" 'no credentials'
	is "$(log .)" 1 'requests to the token server'
	docker_auth "$at" u wrong
	pull
	refused "user 'u'" 'auth.d'
	docker_auth "$at" u p
	: >tokens.log
	run rkt --debug fetch "docker://$at/team/app:v1"
	ok
	hasnt "$err" "$(printf u:p | base64)" Bearer ey
	is "$(log .)" 1 'one token for all that is asked for'
	has "$(cat tokens.log)" 'scope=repository%3Ateam%2Fapp%3Apull ' service=tests account=u "authorization=Basic $(printf u:p | base64)"
	rm -r config/auth.d
	printf '{"auths": {"%s": {"identitytoken": "identity"}}}' "$at" >auth.json
	export REGISTRY_AUTH_FILE=$T/auth.json
	: >tokens.log
	pulled
	has "$(cat tokens.log)" 'POST /token authorization= form=grant_type=refresh_token' refresh_token=identity 'scope=repository%3Ateam%2Fapp%3Apull&'
	printf '{"auths": {"%s": {"identitytoken": "hush"}}}' "$at" >auth.json
	pull
	refused "$T/auth.json"
	hasnt "$err" hush
	printf '{"auths": {"%s": {"registrytoken": "hush"}}}' "$at" >auth.json
	pull
	refused 'the token' "$T/auth.json"
	hasnt "$err" hush
}
test_tokens_that_end() {
	at_home
	tokens tls
	# sooner than they say: a new one, once
	registry_with_tokens stale-once/token
	image
	docker_auth "$at" u p
	pulled
	is "$(log /stale-once/)" 2
	# before they are over
	registry_with_tokens brief/token
	docker_auth "$at" u p
	pulled
	[ "$(log /brief/)" -ge 3 ] || fail 'a token that is over was not renewed'
	# always: it ends
	registry_with_tokens stale/token
	docker_auth "$at" u p
	pull
	refused "registry '$at' refuses"
	[ "$(log /stale/)" -le 4 ] || fail "$(log /stale/) tokens for one image"
}
test_token_servers() {
	at_home
	tokens tls
	registry_with_tokens garbage/token
	image
	docker_auth "$at" u p
	pull
	refused "token server of registry '$at'"
	registry_with_tokens huge/token
	docker_auth "$at" u p
	pull
	refused "token server of registry '$at'" larger
	registry_with_tokens no-oauth/token
	rm -r config/auth.d
	printf '{"auths": {"%s": {"identitytoken": "identity"}}}' "$at" >auth.json
	REGISTRY_AUTH_FILE=$T/auth.json pull
	refused "token server of registry '$at'" 'identity tokens'
	is "$(log authorization=B)" 2
}
# --- where secrets do not go -------------------------------------------------------------------------------------------
test_a_realm_without_tls() {
	at_home
	tokens plain
	registry_with_tokens token
	image
	docker_auth "$at" u p
	pull
	refused "token server of registry '$at'" 'not protected by TLS'
	pull --insecure-options=image,http
	refused 'not protected by TLS' 'auth.d'
	is "$(cat tokens.log 2>/dev/null || true)" '' 'what the token server saw'
}
test_a_registry_without_tls() {
	at_home
	registry_with_passwords http
	image
	docker_auth "$at" u p
	pull --insecure-options=image,http
	refused 'only sent over TLS'
	tokens tls
	registry_with_tokens token http
	docker_auth "$at" u p
	pull --insecure-options=image,http
	refused 'over http'
	is "$(log authorization=B)" 0 'what came over http names no place to send a password to'
}
test_redirects_take_nothing_along() {
	at_home
	tokens tls
	local other=$realm
	tokens tls "$other"
	at=${realm#https://}
	docker_auth "$at" u p
	pull
	refused "'${other#https://}'" 'redirected'
	is "$(log 'authorization=Basic')" 1
	is "$(log 'authorization= ')" 2
	# nor from one token server to another; and a form does not go anywhere
	: >tokens.log
	registry_with_tokens elsewhere/token
	image
	docker_auth "$at" u p
	pull
	refused 'refuses'
	is "$(log 'GET /elsewhere/.*authorization=Basic')" 1
	is "$(log 'GET /token.*authorization= ')" 1
	rm -r config/auth.d
	printf '{"auths": {"%s": {"identitytoken": "identity"}}}' "$at" >auth.json
	REGISTRY_AUTH_FILE=$T/auth.json pull
	refused 'redirect'
	is "$(log 'refresh_token=identity')" 1
}
