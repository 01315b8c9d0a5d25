# shellcheck shell=bash
# shellcheck disable=SC2154
# Signatures as referrers, by the API of the distribution specification, which Debian's registry does not have; and
# signatures of images by sq.

# shellcheck source=tests/signing.sh
. "$TOP/tests/signing.sh"

# An image with an SBOM, an attestation and, last, a bundle by alice (or by KEY), a page each.
signed_by() { # [KEY]
	local key=${1:-alice}
	mkdir -p www
	"$TOP/tests/images/layout.py" www/lay <<<"image(layer(f('x', 'x')), ref='one')"
	digest=$(jq -r '.manifests[0].digest' www/lay/index.json)
	"$SIGN" dsse "$key.key" "$digest" >bundle
	"$SIGN" dsse "$key.key" "$digest" https://slsa.dev/provenance/v1 >attestation
	echo '{"spdx": "2.3"}' >sbom
	"$TOP/tests/images/layout.py" www/lay <<-END
		image(layer(f('x', 'x')), ref='one')
		B = 'application/vnd.dev.sigstore.bundle.v0.3+json'
		def refer(path, kind):
		    data = open('$T/' + path, 'rb').read()
		    m = document(OCI + 'manifest.v1+json', {'schemaVersion': 2, 'mediaType': OCI + 'manifest.v1+json', 'artifactType': kind,
		        'config': {'mediaType': 'application/vnd.oci.empty.v1+json', 'digest': blob(b'{}'), 'size': 2},
		        'layers': [{'mediaType': kind, 'digest': blob(data), 'size': len(data)}], 'subject': manifests[0]})
		    return {**m, 'artifactType': kind}
		write('referrers.json', {'link': 'relative', 'manifests': [refer('sbom', 'text/spdx+json'), refer('attestation', B), refer('bundle', B)]})
	END
}
link() { # HOW: how the pages are linked
	jq --arg how "$1" '.link = $how' www/lay/referrers.json >new
	mv new www/lay/referrers.json
	rm -rf "$DATA"/cas
	: >log
}
asked() { grep -c "GET /v2/lay/referrers/$digest" log || true; }

test_referrers_by_the_api() {
	serve
	key alice
	key bob
	signed_by
	run srkt fetch "docker://$at/lay:one"
	refused 'no key is trusted'
	is "$(asked)" 0
	trust alice --prefix="$at/lay"
	local how
	for how in relative absolute; do
		link "$how"
		run srkt fetch "docker://$at/lay:one"
		ok "$how"
		is "$(verified)" "sigstore-bundle"$'\n'"$(fpr alice)"
		is "$(asked)" 3 "$how: pages"
		hasnt "$(cat log)" "manifests/sha256-${digest#sha256:} " # the fallback's tag
	done
	# a list that leads to another host leads nowhere
	link elsewhere
	run srkt fetch "docker://$at/lay:one"
	refused 'elsewhere.example' referrers
	is "$(asked)" 1
	none_stored
	# nor is one without an end read to its end
	link endless
	jq '.manifests |= .[:1]' www/lay/referrers.json >new
	mv new www/lay/referrers.json
	run srkt fetch "docker://$at/lay:one"
	refused 'no signature'
	[ "$(asked)" -lt 10 ] || fail "$(asked) pages"
	# somebody else's
	signed_by bob
	run srkt fetch "docker://$at/lay:one"
	refused 'signature'
	none_stored
}
test_signatures_by_sq() {
	"$TOP/tests/images/layout.py" lay <<<"image(layer(f('x', 'x')), ref='example.com/team/app:1')"
	skopeo inspect --raw oci:lay:example.com/team/app:1 >manifest
	digest=sha256:$(sha256sum <manifest | cut -d' ' -f1)
	sq key generate --userid 'dan <dan@example.com>' --export dan.key 2>/dev/null
	sq key extract-cert --output dan.pub dan.key
	"$SIGN" payload example.com/team/app:1 "$digest" 'atomic container signature' >payload
	sq sign --signer-key dan.key --detached --output detached manifest
	sq sign --signer-key dan.key --output simple payload
	sq sign --signer-key dan.key --binary --output binary payload
	sq sign --signer-key dan.key --output other manifest
	sq sign --signer-key dan.key --cleartext-signature --output clear payload
	run srkt fetch --signature=simple oci:lay
	refused 'no key is trusted'
	trust dan --prefix=example.com/team
	local file mechanism
	while read -r file mechanism; do
		rm -rf "$DATA"/cas
		run srkt fetch --signature="$file" oci:lay
		ok "$file"
		is "$(verified | head -n 1)" "$mechanism" "$file"
	done <<-'TABLE'
		detached openpgp
		simple simple-signing
		binary simple-signing
	TABLE
	for file in other clear; do
		rm -rf "$DATA"/cas
		run srkt fetch --signature="$file" oci:lay
		refused "image 'oci:lay'"
		none_stored
	done
}
