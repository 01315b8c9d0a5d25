# shellcheck shell=bash
# shellcheck disable=SC2094,SC2154
# Signatures of OCI and Docker images: from registries, layouts and files, by keys of both kinds, and every way to be refused.

. "$TOP/tests/signing.sh"

# --- accepted ------------------------------------------------------------------------------------
test_a_signed_image_of_a_registry() {
	registry
	key alice
	pushed team/app:v1
	cosign team/app "$digest" alice
	run srkt fetch "docker://$at/team/app:v1"
	refused "no key is trusted to sign \"$at/team/app\"" "rkt trust --prefix=$at/team/app FILE"
	is "$(requests '[.]sig')" 0 'nobody could have signed it, nobody asks'
	trust alice --prefix="$at/team"
	run srkt fetch "docker://$at/team/app:v1"
	ok
	is "$(verified)" "cosign"$'\n'"$(fpr alice)"
	is "$(srkt image list --format=json | jq -r '.[0].verified | .digest, .name')" "${digest/:/-}"$'\n'"$at/team/app"
	run srkt image verify "${at/:/-}/team/app"
	ok
	run srkt trust explain "docker://$at/team/app:v1"
	ok
	has "$out" "name \"$at/team/app\"" "key $(fpr alice), by prefix \"$at/team\": trusted" 'verified by key'
	# What was verified is used without asking again.
	local before
	before=$(requests '')
	run srkt fetch --pull-policy=new "docker://$at/team/app:v1"
	ok
	is "$(requests '')" "$before" requests
	srkt trust rm "$(fpr alice)" >/dev/null
	run srkt image verify "${at/:/-}/team/app"
	ended 254
	has "$err" "$(fpr alice)" "not trusted for \"$at/team/app\" any more"
}
test_a_tag_that_was_moved() {
	registry
	key alice
	pushed team/app:v1
	cosign team/app "$digest" alice "$at/team/app:v1"
	pushed team/app:v2
	trust alice --prefix="$at/team"
	run srkt fetch "docker://$at/team/app:v2"
	ok 'without --match=exact a repository is enough'
	trust alice --prefix="$at/team" --match=exact
	run srkt trust list
	has "$out" 'must name the tag'
	run srkt trust explain "docker:$at/team/app"
	has "$out" 'its signatures must name the tag'
	rm -rf "$DATA"/cas
	run srkt fetch "docker://$at/team/app:v2"
	refused "it is for \"$at/team/app:v1\", not for \"$at/team/app:v2\"" --match=exact
	run srkt fetch "docker://$at/team/app:v1"
	ok
	run srkt fetch "docker://$at/team/app@$digest"
	ok 'a digest cannot be moved'
	# what came under the other name without a question is not used for it when there is one
	INSECURE=image,http run srkt fetch "docker://$at/team/app:v2"
	ok
	run srkt fetch "docker://$at/team/app:v1"
	ok
	run srkt fetch --pull-policy=new "docker://$at/team/app:v2"
	refused "it is for \"$at/team/app:v1\", not for \"$at/team/app:v2\""
	run srkt fetch --pull-policy=never "docker://$at/team/app:v2"
	refused 'nothing else may be asked' 'not verified for the tag "v2"'
	run srkt fetch --pull-policy=never "docker://$at/team/app:v1"
	ok
	run srkt trust --prefix="$at/team" --match=repository --skip-fingerprint-review alice.pub
	ok
	[ ! -e "config/trustedkeys/exact.d/$at" ] || fail 'the restriction is left'
	trust alice --prefix="$at/team" --match=exact
	srkt trust rm "$(fpr alice)" >/dev/null
	is "$(find config/trustedkeys -type f)" '' 'left of the key'
	run srkt trust --root --match=some alice.pub
	refused --match
}
test_bundles_as_referrers() {
	registry
	key alice
	pushed team/app:v1
	trust alice --prefix="$at/team/app"
	"$SIGN" dsse alice.key "$digest" >bundle
	"$SIGN" push-bundle "$at/team/app" "$digest" bundle
	run srkt fetch "docker://$at/team/app:v1"
	ok
	is "$(verified)" "sigstore-bundle"$'\n'"$(fpr alice)"
	pushed team/other:v1 other
	trust alice --prefix="$at/team/other"
	skopeo inspect --raw --tls-verify=false "docker://$at/team/other:v1" >manifest
	"$SIGN" message alice.key manifest >bundle
	"$SIGN" push-bundle "$at/team/other" "$digest" bundle
	run srkt fetch "docker://$at/team/other:v1"
	ok
	# what says something about an image does not say that it is good
	pushed team/third:v1 third
	trust alice --prefix="$at/team/third"
	"$SIGN" dsse alice.key "$digest" https://slsa.dev/provenance/v1 >bundle
	"$SIGN" push-bundle "$at/team/third" "$digest" bundle
	run srkt fetch "docker://$at/team/third:v1"
	refused 'is not a signature'
}
test_the_index_or_the_manifest_is_signed() {
	registry
	key alice
	"$TOP/tests/images/layout.py" lay <<-'EOF'
		image(layer(f('x', 'a')), ref='a', platform={'os': 'linux', 'architecture': 'amd64'})
	EOF
	push oci:lay:a "docker://$at/m/a:v1"
	local manifest index
	skopeo inspect --raw --tls-verify=false "docker://$at/m/a:v1" >manifest
	manifest=sha256:$(sha256sum <manifest | cut -d' ' -f1)
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"%s","digest":"%s","size":%s,"platform":{"os":"linux","architecture":"amd64"}}]}' \
		application/vnd.oci.image.manifest.v1+json "$manifest" "$(stat -c %s manifest)" >index
	curl -sf -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @index "http://$at/v2/m/a/manifests/multi"
	index=sha256:$(sha256sum <index | cut -d' ' -f1)
	trust alice --prefix="$at/m"
	run srkt fetch "docker://$at/m/a:multi"
	refused 'no signature'
	cosign m/a "$index" alice
	run srkt fetch "docker://$at/m/a:multi"
	ok
	is "$(srkt image list --format=json | jq -r '.[0].verified.digest')" "${index/:/-}"
	# the manifest alone is not covered by that
	run srkt fetch "docker://$at/m/a@$manifest"
	refused 'no signature'
	cosign m/a "$manifest" alice
	run srkt fetch "docker://$at/m/a@$manifest"
	ok
}
test_simple_signing_by_lookaside() {
	registry
	new_gpg
	gpg_key carol
	layout
	mkdir conf sigs
	printf 'docker:\n  %s:\n    lookaside: file://%s/sigs\n' "$at" "$T" >conf/x.yaml
	skopeo --registries.d conf copy -q --dest-tls-verify=false --sign-by carol@example.com oci:lay:one "docker://$at/team/app:v1" 2>skopeo.err || { cat skopeo.err; false; }
	[ -n "$(find sigs -name signature-1)" ] || fail 'skopeo has not signed'
	# The machine's configuration, for us alone.
	mkdir -p etc/containers && ln -s "$T/conf" etc/containers/registries.d
	printf '%s\n' '#!/bin/sh' "mount -t overlay -o 'lowerdir=$T/etc:/etc' overlay /etc && exec '$RKT' --dir='$DATA' --local-config='$T/config' --insecure-options=http \"\$@\"" >in_etc
	chmod +x in_etc
	trust carol --prefix="$at/team"
	run srkt fetch "docker://$at/team/app:v1"
	refused 'no signature' lookaside
	run unshare -m ./in_etc fetch "docker://$at/team/app:v1"
	ok
	is "$(verified)" "simple-signing"$'\n'"$(gpg_fpr carol)"
	# over HTTP, which is a downgrade unless it is asked for
	(cd sigs && exec python3 -u -m http.server --bind 127.0.0.1 0) >http.log 2>&1 &
	servers+=($!)
	wait_for 10 grep -q 'port' http.log
	printf 'docker:\n  %s:\n    lookaside: http://127.0.0.1:%s\n' "$at" "$(sed -n 's/.*port \([0-9]*\).*/\1/p' http.log)" >conf/x.yaml
	rm -rf "$DATA"/cas
	run unshare -m ./in_etc fetch "docker://$at/team/app:v1"
	ok
	is "$(verified)" "simple-signing"$'\n'"$(gpg_fpr carol)"
	# the tag in the signature counts where it must
	push "docker://$at/team/app:v1" "docker://$at/team/app:v2" --src-tls-verify=false
	trust carol --prefix="$at/team" --match=exact
	run unshare -m ./in_etc fetch "docker://$at/team/app:v2"
	refused "for \"$at/team/app:v1\", not for \"$at/team/app:v2\""
	# what is not understood is not guessed at
	printf 'docker: [x]\n' >conf/x.yaml
	run unshare -m ./in_etc fetch "docker://$at/team/app:v2"
	refused x.yaml 'line 1'
}
test_layouts_and_archives_with_a_file() {
	key alice
	new_gpg
	gpg_key carol
	"$TOP/tests/images/layout.py" lay <<<"image(layer(f('x', 'x')), ref='example.com/team/app:1')"
	tar -C lay -cf lay.tar .
	skopeo inspect --raw oci:lay:example.com/team/app:1 >manifest
	digest=sha256:$(sha256sum <manifest | cut -d' ' -f1)
	trust alice --prefix=example.com/team
	trust carol --prefix=example.com/team
	"$SIGN" dsse alice.key "$digest" >dsse
	"$SIGN" message alice.key manifest >message
	"$SIGN" payload example.com/team/app "$digest" >payload
	"$SIGN" downloaded alice.key payload >downloaded
	openssl dgst -sha256 -sign alice.key -out der manifest
	base64 -w 0 der >base64
	gpg_ -u carol@example.com --armor --output armored --detach-sign manifest 2>/dev/null
	skopeo standalone-sign -o simple manifest example.com/team/app:1 "$(gpg_fpr carol)"
	openssl dgst -sha256 -sign alice.key -out index.sig lay/index.json
	local file mechanism from
	while read -r file mechanism; do
		for from in oci:lay oci-archive:lay.tar; do
			rm -rf "$DATA"/cas
			run srkt fetch --signature="$file" "$from"
			ok "$file"
			is "$(verified | head -n 1)" "$mechanism" "$file"
		done
	done <<-'EOF'
		dsse sigstore-bundle
		message sigstore-bundle
		downloaded cosign
		der pem
		base64 pem
		armored openpgp
		simple simple-signing
		index.sig pem
	EOF
	run srkt fetch --signature=nothing oci:lay
	refused nothing
	run srkt fetch --signature=manifest oci:lay
	refused 'no signature of an image'
}
test_signature_that_is_named_for_a_stored_image_with_layers() {
	registry
	key alice
	key bob
	trust alice --prefix="$at/team"
	pushed team/app:1
	curl -s -o manifest -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$at/v2/team/app/manifests/1"
	openssl dgst -sha256 -sign alice.key -out good manifest
	openssl dgst -sha256 -sign bob.key -out other manifest
	run srkt fetch --signature=good "docker://$at/team/app:1"
	ok
	run srkt prepare "docker://$at/team/app:1" --signature=other
	refused "docker://$at/team/app:1"
	run srkt prepare "docker://$at/team/app:1" --exec=/x --signature=good
	ok
	run srkt prepare --pull-policy=never "docker://$at/team/app:1" --signature=good
	refused --signature --pull-policy=update
	run srkt prepare "$(srkt image list --no-legend --full --fields=id | head -n 1)" --signature=good
	refused --signature --pull-policy=update
}
test_a_layout_with_its_signatures() {
	key alice
	"$TOP/tests/images/layout.py" lay <<<"image(layer(f('x', 'x')), ref='example.com/team/app:1')"
	trust alice --prefix=example.com/team
	run srkt fetch oci:lay
	refused 'no signature' 'the layout itself'
	skopeo inspect --raw oci:lay:example.com/team/app:1 >manifest
	digest=sha256:$(sha256sum <manifest | cut -d' ' -f1)
	"$SIGN" payload example.com/team/app "$digest" >payload
	# as `cosign save` writes them
	"$TOP/tests/images/layout.py" lay <<-EOF
		import base64
		image(layer(f('x', 'x')), ref='example.com/team/app:1')
		data = open('$T/payload', 'rb').read()
		s = subprocess.run(['openssl', 'dgst', '-sha256', '-sign', '$T/alice.key'], input=data, stdout=subprocess.PIPE).stdout
		layers = [{'mediaType': 'application/vnd.dev.cosign.simplesigning.v1+json', 'digest': blob(data), 'size': len(data),
		           'annotations': {'dev.cosignproject.cosign/signature': base64.b64encode(s).decode()}}]
		manifests.append(document(OCI + 'manifest.v1+json', {'schemaVersion': 2, 'config': document(OCI + 'config.v1+json', {}), 'layers': layers},
		                          annotations={'kind': 'dev.cosignproject.cosign/sigs', 'org.opencontainers.image.ref.name': 'sigs'}))
	EOF
	run srkt fetch oci:lay:example.com/team/app:1
	ok
	is "$(verified | head -n 1)" cosign
}
test_what_the_sigstore_packages_sign() {
	local name
	for name in p256 p384 rsa ed25519; do
		rm -rf config/trustedkeys "$DATA"/cas
		cp "$FIXTURES/$name.pub" .
		trust "$name" --prefix=example.com/signed
		run srkt fetch --signature="$FIXTURES/dsse-$name.sigstore.json" "oci:$FIXTURES/layout"
		ok "$name"
		is "$(verified)" "sigstore-bundle"$'\n'"$(fpr "$name")"
		run srkt fetch --signature="$FIXTURES/message-$name.sigstore.json" "oci:$FIXTURES/layout"
		ok "$name"
	done
}
test_unsigned_where_it_is_allowed() {
	registry
	pushed free/app:v1
	pushed freedom/app:v1
	srkt trust --prefix="$at/free" --allow-unsigned >/dev/null
	run srkt fetch "docker://$at/free/app:v1"
	ok
	is "$(srkt image list --format=json | jq -c '.[0] | [.insecure, .verified]')" '[true,null]'
	run srkt fetch --pull-policy=never "docker://$at/free/app:v1"
	ok
	run srkt fetch "docker://$at/freedom/app:v1"
	refused 'no key is trusted'
	"$TOP/tests/images/layout.py" other <<<"image(layer(f('x', 'x')), ref='example.com/app:1')"
	srkt trust --prefix=example.com --allow-unsigned >/dev/null
	run srkt fetch oci:other
	ok
	skopeo copy -q oci:other:example.com/app:1 docker-archive:saved.tar:example.com/app:1
	run srkt fetch docker-archive:saved.tar
	ok
	srkt trust rm --prefix=example.com --allow-unsigned >/dev/null
	run srkt fetch docker-archive:saved.tar
	refused 'rkt trust --prefix=example.com/app'
}
# The store's names are not as exact as those that keys are trusted for.
test_repositories_that_the_store_calls_the_same() {
	key alice
	key bob
	local who port
	for who in bob alice; do
		port=$([ $who = bob ] && echo -5000 || echo :5000)
		"$TOP/tests/images/layout.py" "lay.$who" <<<"image(layer(f('x', '$who')), ref='r.example$port/team/app:1')"
		skopeo inspect --raw "oci:lay.$who:r.example$port/team/app:1" >manifest
		"$SIGN" message $who.key manifest >"$who.bundle"
		trust $who --prefix="r.example$port"
	done
	run srkt fetch --signature=alice.bundle oci:lay.alice
	ok
	run srkt fetch r.example-5000/team/app
	ok 'there is no other'
	run srkt fetch --signature=bob.bundle oci:lay.bob
	ok
	run srkt fetch r.example-5000/team/app
	ok 'the newest is what its name says'
	# alice, whose key is not for that name, must not come before bob
	run srkt fetch --signature=alice.bundle oci:lay.alice
	ok
	run srkt image rm "$(srkt image list --format=json | jq -r '.[] | select(.verified.name == "r.example:5000/team/app").id')"
	run srkt fetch --signature=alice.bundle oci:lay.alice
	ok
	run srkt fetch r.example-5000/team/app
	refused 'images of "r.example:5000/team/app" and of "r.example-5000/team/app"'
	run srkt fetch --insecure-options=image r.example-5000/team/app
	ok
}
test_docker_hub_has_several_names() {
	key alice
	local prefix
	"$TOP/tests/images/layout.py" lay <<<"image(layer(f('x', 'x')), ref='docker.io/library/app:1')"
	skopeo inspect --raw oci:lay:docker.io/library/app:1 >manifest
	"$SIGN" message alice.key manifest >bundle
	for prefix in docker.io/library registry-1.docker.io/library/app index.docker.io; do
		rm -rf config/trustedkeys "$DATA"/cas
		trust alice --prefix="$prefix"
		run srkt fetch --signature=bundle oci:lay
		ok "$prefix"
		run srkt trust explain docker:app
		has "$out" 'name "docker.io/library/app"' "by prefix \"$prefix\": trusted"
	done
}

# --- refused: one row each -----------------------------------------------------------------------
# Each has the image $at/team/app:v1 with $digest, and alice's key for $at/team/app; it signs, or not.
refusal_unsigned() { :; }
refusal_unknown_key() { key mallory && cosign team/app "$digest" mallory; }
refusal_sibling_prefix() {
	pushed team/apple:v1
	cosign team/apple "$digest" alice
	name=team/apple:v1
}
refusal_other_prefix() {
	pushed other/app:v1
	cosign other/app "$digest" alice
	name=other/app:v1
}
refusal_replaced_manifest() {
	cosign team/app "$digest" alice
	pushed team/app:v1 replaced
}
# The other one's signature where this one's is looked for.
refusal_other_image() {
	"$SIGN" payload "$at/team/app" "sha256:$(printf %064d 0)" >payload
	"$SIGN" push-cosign "$at/team/app" "$digest" alice.key payload
}
refusal_wrong_name() { cosign team/app "$digest" alice "$at/team/other"; }
refusal_wrong_registry() { cosign team/app "$digest" alice registry.example/team/app; }
refusal_tag() {
	trust alice --prefix="$at/team/app" --match=exact
	cosign team/app "$digest" alice "$at/team/app:v0"
}
refusal_no_tag() {
	trust alice --prefix="$at/team/app" --match=exact
	cosign team/app "$digest" alice "$at/team/app"
}
refusal_bundle_without_tag() {
	trust alice --prefix="$at/team/app" --match=exact
	"$SIGN" dsse alice.key "$digest" >bundle
	"$SIGN" push-bundle "$at/team/app" "$digest" bundle
}
# Good bytes, with the signature over others.
refusal_payload_changed() {
	"$SIGN" payload "$at/team/app" "sha256:$(printf %064d 0)" >signed
	"$SIGN" payload "$at/team/app" "$digest" >payload
	"$SIGN" push-cosign "$at/team/app" "$digest" alice.key payload signed
}
refusal_unknown_member() {
	"$SIGN" payload "$at/team/app" "$digest" | sed 's/"type"/"expires": "never", "type"/' >payload
	"$SIGN" push-cosign "$at/team/app" "$digest" alice.key payload
}
refusal_twice() {
	"$SIGN" payload "$at/team/app" "$digest" | sed 's/"image": {/"image": {"Docker-manifest-digest": "x", /' >payload
	"$SIGN" push-cosign "$at/team/app" "$digest" alice.key payload
}
refusal_simple_type() {
	"$SIGN" payload "$at/team/app" "$digest" 'atomic container signature' >payload
	"$SIGN" push-cosign "$at/team/app" "$digest" alice.key payload
}
refusal_weak() {
	key weak rsa1024
	mkdir -p "config/trustedkeys/prefix.d/$at/team/app"
	cp weak.pub "config/trustedkeys/prefix.d/$at/team/app/$(fpr weak)"
	cosign team/app "$digest" weak
}
refusal_masked() {
	mv config/trustedkeys vendor/
	srkt trust mask "$(fpr alice)" >/dev/null
	cosign team/app "$digest" alice
}
refusal_misnamed_key() {
	cosign team/app "$digest" alice
	key bob
	cp bob.pub "config/trustedkeys/prefix.d/$at/team/app/sha256-$(printf %064d 0)"
}
refusal_http() {
	cosign team/app "$digest" alice
	INSECURE=none
}
refusal_bundle_of_another() {
	"$SIGN" dsse alice.key "sha256:$(printf %064d 0)" >bundle
	"$SIGN" push-bundle "$at/team/app" "$digest" bundle
}
every_refusal() { # a table on standard input
	registry
	local what why name INSECURE
	key trusted
	while read -r what why; do
		rm -rf config vendor "$DATA"/cas registry
		mkdir config vendor
		name=team/app:v1 INSECURE=http
		cp trusted.key alice.key
		cp trusted.pub alice.pub
		pushed team/app:v1
		trust alice --prefix="$at/team/app"
		"refusal_$what" || fail "cannot set up $what"
		run srkt fetch "docker://$at/$name"
		refused "$why"
		none_stored
		is "$(find "$DATA"/cas/{tmp,tree,blob} -mindepth 2 -type f)" '' "$what: left"
	done
}
test_refused_for_the_key() {
	every_refusal <<-'TABLE'
		unsigned no signature of
		unknown_key signature made by unknown entity
		sibling_prefix signature made by unknown entity
		other_prefix signature made by unknown entity
		weak the key is too weak (RSA 1024)
		masked no key is trusted to sign
		misnamed_key its name is not the fingerprint
	TABLE
}
test_refused_for_what_it_is_for() {
	every_refusal <<-'TABLE'
		replaced_manifest no signature of
		other_image the signature is for another image (sha256:000
		wrong_name it is for
		wrong_registry it is for "registry.example/team/app"
		tag --match=exact
		no_tag --match=exact
		bundle_without_tag --match=exact
		bundle_of_another the signature is for another image
	TABLE
}
test_refused_for_how_it_is_said() {
	every_refusal <<-'TABLE'
		payload_changed signature made by unknown entity
		unknown_member members that are not known
		twice two spellings
		simple_type critical.type is not
		http speaks no TLS
	TABLE
}
# OpenPGP messages: what gpg says about each, and what we say.
refusal_gpg_unknown() { sign_simple dave; }
refusal_gpg_expired_key() {
	EXPIRY=1y gpg_key expired --faked-system-time 20200101T000000
	mkdir -p config/trustedkeys/prefix.d/example.com
	cp expired.pub "config/trustedkeys/prefix.d/example.com/$(gpg_fpr expired)"
	sign_simple expired --faked-system-time 20200601T000000
}
refusal_gpg_expired_signature() { sign_simple carol --faked-system-time "$(date -d '-2 days' +%Y%m%dT%H%M%S)" --default-sig-expire 1d; }
refusal_gpg_future() { sign_simple carol --faked-system-time 20990101T000000; }
refusal_gpg_sha1() { sign_simple carol --digest-algo SHA1; }
refusal_gpg_clear() { gpg_ -u carol@example.com --yes -o simple --clearsign payload 2>/dev/null; }
refusal_gpg_revoked() {
	gpg_key revoked
	sign_simple revoked
	sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$(gpg_fpr revoked | tr a-f A-F).rev" >revocation
	gpg_ --import revocation 2>/dev/null
	mkdir -p config/trustedkeys/prefix.d/example.com
	gpg_ --armor --export revoked@example.com >"config/trustedkeys/prefix.d/example.com/$(gpg_fpr revoked)"
}
refusal_gpg_cosign_type() { "$SIGN" payload example.com/app:1 "$digest" | sed 's/null/{}/' >payload && sign_simple carol; }
refusal_gpg_other_image() { "$SIGN" payload example.com/app:1 "sha256:$(printf %064d 0)" 'atomic container signature' >payload && sign_simple carol; }
refusal_gpg_other_name() { "$SIGN" payload example.com/apple:1 "$digest" 'atomic container signature' >payload && sign_simple carol; }
refusal_gpg_not_json() { echo hello >payload && sign_simple carol; }
refusal_gpg_cut() { sign_simple carol && truncate -s -20 simple; }
sign_simple() { # KEY [gpg options]
	local name=$1
	shift
	gpg_ "$@" -u "$name@example.com" --yes -o simple --sign payload 2>/dev/null
}
test_every_refusal_of_openpgp() {
	new_gpg
	gpg_key carol --faked-system-time 20240101T000000
	gpg_key dave
	"$TOP/tests/images/layout.py" lay <<<"image(layer(f('x', 'x')), ref='example.com/app:1')"
	skopeo inspect --raw oci:lay:example.com/app:1 >manifest
	digest=sha256:$(sha256sum <manifest | cut -d' ' -f1)
	local what why
	while read -r what why; do
		rm -rf config "$DATA"/cas
		mkdir config
		trust carol --prefix=example.com/app
		"$SIGN" payload example.com/app:1 "$digest" 'atomic container signature' >payload
		"refusal_gpg_$what" || fail "cannot set up $what"
		run srkt fetch --signature=simple oci:lay
		refused "$why"
		none_stored
	done <<-'TABLE'
		unknown signature made by unknown entity
		expired_key the key has expired
		expired_signature the signature has expired
		future made in the future
		sha1 digest is too weak (SHA1)
		clear
		revoked the key is revoked
		cosign_type critical.type is not
		other_image the signature is for another image
		other_name it is for "example.com/apple"
		not_json no signature of an image
		cut
	TABLE
}

# --- later ---------------------------------------------------------------------------------------
test_a_signature_promotes_what_came_without() {
	registry
	key alice
	pushed team/app:v1
	cosign team/app "$digest" alice
	run rkt --insecure-options=image,http fetch "docker://$at/team/app:v1"
	ok
	is "$(srkt image list --format=json | jq -c '.[0] | [.insecure, .verified]')" '[true,null]'
	run srkt fetch --pull-policy=never "docker://$at/team/app:v1"
	refused 'nobody who is trusted'
	trust alice --prefix="$at/team"
	echo changed >"$(echo "$DATA"/cas/tree/*/rootfs/x)"
	run srkt fetch --pull-policy=new "docker://$at/team/app:v1"
	ok
	is "$(verified | head -n 1)" cosign
	is "$(cat "$DATA"/cas/tree/*/rootfs/x)" x 'the tree'
	# what was verified stays so when nobody asks
	run rkt --insecure-options=image,http fetch "docker://$at/team/app:v1"
	ok
	is "$(verified | head -n 1)" cosign
}
test_what_is_trusted_for_one_name_is_not_for_another() {
	registry
	key alice
	pushed team/app:v1
	cosign team/app "$digest" alice
	trust alice --prefix="$at/team"
	srkt fetch "docker://$at/team/app:v1" >/dev/null
	# the same bytes under a name that nobody may sign, first without a question
	pushed evil/app:v1
	rkt --insecure-options=image,http fetch "docker://$at/evil/app:v1" >/dev/null
	run srkt fetch --pull-policy=new "docker://$at/evil/app:v1"
	refused
	run srkt fetch "docker://$at/evil/app:v1"
	refused
}
