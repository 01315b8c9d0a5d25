# shellcheck shell=bash
# Whose signatures count: keys, prefixes, masks, and every way to be refused.

KEYS=$CHECK_TMP/keys

# --- keys, made once -----------------------------------------------------------------------------
gpg_() { gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase '' "$@"; }
new_key() { # NAME ALGORITHM EXPIRY [gpg options]
	local name=$1 algorithm=$2 expiry=$3
	shift 3
	gpg_ "$@" --quick-gen-key "$name <$name@example.com>" "$algorithm" sign "$expiry"
	gpg_ --armor --export "$name@example.com" >"$KEYS/$name.pub"
}
fpr() { # NAME
	gpg_ --with-colons --list-keys "$1@example.com" | awk -F: '/^fpr/ {print tolower($10); exit}'
}
make_keys() {
	export GNUPGHOME=$KEYS/gnupg
	mkdir -m 700 "$KEYS" "$GNUPGHOME"
	new_key alice rsa2048 never --faked-system-time 20240101T000000
	new_key bob ed25519 never
	gpg_ --quick-add-key "$(fpr bob)" rsa2048 sign never
	gpg_ --armor --export bob@example.com >"$KEYS/bob.pub"
	new_key weak rsa1024 never
	new_key expired rsa2048 1y --faked-system-time 20200101T000000
	new_key revoked ed25519 never
	cp "$KEYS/revoked.pub" "$KEYS/unrevoked.pub"
	sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$(fpr revoked | tr a-f A-F).rev" >"$KEYS/revocation"
	gpgconf --kill all
}
keys() {
	(
		flock 9
		[ -d "$KEYS" ] || make_keys >"$CHECK_TMP/keys.log" 2>&1 || { cat "$CHECK_TMP/keys.log" >&2; exit 1; }
	) 9>"$CHECK_TMP/keys.lock"
	# one's own, with an agent of its own; a short path, for its sockets
	GNUPGHOME=$(mktemp -d "$CHECK_TMP/gXXXXXX")
	export GNUPGHOME
	cp -a "$KEYS/gnupg/." "$GNUPGHOME"
	trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
}
sign() { # KEY FILE [gpg options]: FILE.asc
	local key=$1 file=$2
	shift 2
	rm -f "$file.asc"
	gpg_ "$@" -u "$key@example.com" --armor --output "$file.asc" --detach-sign "$file" 2>/dev/null
}

# --- images --------------------------------------------------------------------------------------
image() { # NAME [VERSION] [FILE]: a small image of that name, ./image.aci or FILE
	local file=${3:-image.aci}
	mkdir -p root
	echo "$1 ${2:-1.0}" >root/file
	"$TOP/tests/images/manifest.sh" "$1" "${2:-1.0}" '{"exec": ["/x"], "user": "0", "group": "0"}' >manifest
	"$TOP/tests/images/mkaci.sh" root manifest "./$file" gzip
}
# rkt that asks for signatures.
srkt() { "$RKT" --dir="$DATA" --system-config="$T/vendor" --local-config="$T/config" "$@"; }
trust() { # KEY [trust flags]
	local key=$1
	shift
	srkt trust "$@" --skip-fingerprint-review "$KEYS/$key.pub" >/dev/null
}
none_stored() { is "$(srkt image list --no-legend --fields=name)" '' 'in the store'; }

# --- adding keys ---------------------------------------------------------------------------------
test_trust_prints_and_asks() {
	keys
	local answer
	for answer in no '' $'maybe\nno'; do
		status=0
		out=$(srkt trust --prefix=example.com "$KEYS/bob.pub" <<<"$answer" 2>"$T/err") || status=$?
		ended 254
		has "$out" 'Are you sure you want to trust this key' 'bob <bob@example.com>' 'Subkey fingerprint: '
	done
	[ ! -e config/trustedkeys ] || fail 'trusted after a no'
	out=$(srkt trust --prefix=example.com/foo "$KEYS/bob.pub" <<<yes)
	has "$(tr -d ' ' <<<"$out" | tr A-F a-f)" "$(fpr bob)"
	has "$out" "Added key for prefix \"example.com/foo\" at \"$T/config/trustedkeys/prefix.d/example.com/foo/$(fpr bob)\""
	[ -s "config/trustedkeys/prefix.d/example.com/foo/$(fpr bob)" ] || fail 'it is not there'
	is "$(stat -c %a "config/trustedkeys/prefix.d/example.com/foo/$(fpr bob)")" 644
	out=$(srkt trust --root "$KEYS/alice.pub" <<<yes)
	has "$out" "Added root key at \"$T/config/trustedkeys/root.d/$(fpr alice)\""
}
test_trust_refuses() {
	keys
	run srkt trust "$KEYS/alice.pub"
	refused --root
	run srkt trust --root --prefix=example.com "$KEYS/alice.pub"
	refused 'mutually exclusive'
	local prefix
	for prefix in ../x a//b /a a/ . 'a b' a/../b; do
		run srkt trust --skip-fingerprint-review --prefix="$prefix" "$KEYS/alice.pub"
		refused --prefix
	done
	local key
	for key in weak expired; do
		run srkt trust --skip-fingerprint-review --root "$KEYS/$key.pub"
		refused "$(fpr $key)"
	done
	gpg_ --armor --export-secret-keys alice@example.com >secret
	run srkt trust --skip-fingerprint-review --root secret
	refused 'secret key'
	echo nonsense >junk
	run srkt trust --skip-fingerprint-review --root junk
	refused junk
	run srkt trust --skip-fingerprint-review --root https://example.com/key
	refused
	[ ! -e config/trustedkeys ] || fail 'something was written'
}
test_several_keys_in_one_file() {
	keys
	cat "$KEYS/alice.pub" "$KEYS/bob.pub" >both
	srkt trust --skip-fingerprint-review --root both >/dev/null
	is "$(find config/trustedkeys -type f | wc -l)" 2
	image example.com/x
	sign bob image.aci
	run srkt fetch image.aci
	ok
}
test_pem_keys_are_stored_by_their_digest() {
	local sum
	openssl ecparam -name prime256v1 -genkey -noout -out k.pem
	openssl ec -in k.pem -pubout -out k.pub 2>/dev/null
	sum=$(openssl ec -pubin -in k.pub -outform DER 2>/dev/null | sha256sum | cut -d' ' -f1)
	run srkt trust --skip-fingerprint-review --prefix=example.com k.pub
	ok
	has "$out" "sha256-$sum" 'ECDSA P-256'
	cmp k.pub "config/trustedkeys/prefix.d/example.com/sha256-$sum"
}

# --- accepted ------------------------------------------------------------------------------------
test_signed_by_a_trusted_key() {
	keys
	trust alice --prefix=example.com
	trust bob --root
	local key
	for key in alice bob; do # bob signs by a subkey
		image "example.com/$key" 1.0 "$key.aci"
		sign "$key" "$key.aci"
		mv "$key.aci.asc" "$key.aci.asc.tmp" && mv "$key.aci.asc.tmp" "$key.aci.asc"
		run srkt fetch "$key.aci"
		ok "$key"
		run srkt image list --format=json
		is "$(jq -r ".[] | select(.name == \"example.com/$key:1.0\") | .verified.key" <<<"$out")" "$(fpr $key)"
		is "$(jq -r ".[] | select(.name == \"example.com/$key:1.0\") | .verified.digest" <<<"$out")" "sha256-$(sha256sum <"$key.aci" | cut -d' ' -f1)"
		run srkt image list --full
		has "$out" VERIFIED "openpgp:$(fpr $key)"
	done
	run srkt image verify example.com/alice
	ok
	has "$out" 'successfully verified checksum' "$(fpr alice)"
}
test_binary_signature_and_other_file() {
	keys
	trust alice --prefix=example.com
	image example.com/x
	gpg_ -u alice@example.com --output image.sig --detach-sign image.aci
	run srkt fetch image.aci
	refused 'error opening signature file'
	run srkt fetch --signature=image.sig image.aci
	ok
	run srkt prepare image.aci --signature=image.sig
	ok
	run srkt fetch --signature=nothing image.aci
	refused 'error opening signature file' nothing
}
test_signature_that_is_named_for_a_stored_image() {
	keys
	local ref id
	trust alice --prefix=example.com
	image example.com/x
	id=$(rkt fetch --full image.aci)
	gpg_ -u alice@example.com --output good.sig --detach-sign image.aci
	gpg_ -u bob@example.com --output other.sig --detach-sign image.aci
	gpg_ -u alice@example.com --output wrong.sig --detach-sign "$TESTAPP"
	for ref in example.com/x example.com/x:1.0 "$id"; do
		run srkt prepare "$ref" --signature=other.sig
		refused "$ref" 'signature made by unknown entity' other.sig
		run srkt prepare "$ref" --signature=wrong.sig
		refused "$ref" wrong.sig
		run srkt fetch --pull-policy=never --signature=nothing "$ref"
		refused "$ref" 'error opening signature file' nothing
	done
	is "$(srkt image list --no-legend --fields=verified)" no 'before a good one'
	is "$(srkt list --no-legend)" '' 'pods'
	run srkt prepare example.com/x --signature=good.sig
	ok
	has "$(srkt image list --no-legend --fields=verified)" "$(fpr alice)"
	run srkt prepare "$id" --signature=wrong.sig
	refused wrong.sig
	run rkt prepare "$id" --signature=wrong.sig
	ok 'without looking at signatures'
	run srkt fetch --signature=good.sig image.aci image.aci
	refused 'one image'
}
test_run_and_prepare_verify() {
	keys
	cp "$TESTAPP" testapp.aci
	run srkt run testapp.aci
	refused 'error opening signature file'
	sign alice testapp.aci
	run srkt run testapp.aci
	refused 'signature made by unknown entity' "$(fpr alice)" 'rkt trust'
	srkt trust --root --skip-fingerprint-review "$KEYS/alice.pub" >/dev/null
	run srkt run testapp.aci
	ok
	has "$out" hello
}
test_a_bad_and_a_good_signature_in_one_block() {
	keys
	trust alice --prefix=example.com
	image example.com/x
	echo other >other
	gpg_ -u alice@example.com --output bad.sig --detach-sign other
	gpg_ -u alice@example.com --output good.sig --detach-sign image.aci
	gpg_ -u bob@example.com --output stranger.sig --detach-sign image.aci
	cat bad.sig stranger.sig good.sig | gpg_ --enarmor 2>/dev/null | sed 's/ARMORED FILE/SIGNATURE/' >image.aci.asc
	run srkt fetch image.aci
	ok
}
test_keys_and_signatures_of_sequoia() {
	keys
	export SEQUOIA_HOME=$T/sq
	sq key generate --userid 'carol <carol@example.com>' --export carol.key >/dev/null 2>&1
	sq key extract-cert --output carol.pub carol.key
	image example.com/x
	sq sign --signer-key carol.key --detached --output image.aci.asc image.aci
	run srkt fetch image.aci
	refused 'signature made by unknown entity'
	run srkt trust --prefix=example.com/x --skip-fingerprint-review carol.pub
	ok
	run srkt fetch image.aci
	ok
}
test_bare_signatures_by_pem_keys() {
	local name other
	image example.com/x
	openssl ecparam -name prime256v1 -genkey -noout -out p256.key
	openssl ecparam -name secp384r1 -genkey -noout -out p384.key
	openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
	openssl genpkey -algorithm ed25519 -out ed25519.key
	openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:1024 -out small.key 2>/dev/null
	for name in p256 p384 rsa ed25519 small; do
		openssl pkey -in $name.key -pubout -out $name.pub
		case $name in
		ed25519) openssl pkeyutl -sign -inkey $name.key -rawin -in image.aci -out $name.sig ;;
		*) openssl dgst -sha256 -sign $name.key -out $name.sig image.aci ;;
		esac
		base64 -w 0 $name.sig >$name.b64
		run srkt fetch --signature=$name.b64 image.aci
		refused 'signature made by unknown entity'
	done
	for name in p256 p384 rsa ed25519; do
		rm -rf config/trustedkeys
		run srkt trust --prefix=example.com --skip-fingerprint-review $name.pub
		ok
		run srkt fetch --signature=$name.sig image.aci
		ok "$name"
		run srkt fetch --signature=$name.b64 image.aci
		ok "$name in base64"
		has "$(srkt image list --full)" pem:sha256-
		for other in p256 p384 rsa ed25519; do
			[ $other != $name ] || continue
			run srkt fetch --signature=$other.sig image.aci
			refused 'signature made by unknown entity'
		done
		cp image.aci changed.aci && echo >>changed.aci
		run srkt fetch --signature=$name.sig changed.aci
		refused 'signature made by unknown entity'
	done
	run srkt trust --prefix=example.com --skip-fingerprint-review small.pub
	refused 'too weak'
}
test_unsigned_where_it_is_allowed() {
	image example.com/free/x
	run srkt fetch image.aci
	refused 'error opening signature file'
	srkt trust --prefix=example.com/free --allow-unsigned >/dev/null
	run srkt fetch image.aci
	ok
	run srkt trust list
	has "$out" UNSIGNED example.com/free 'needs no signature'
	image example.com/freedom 1.0 other.aci
	run srkt fetch other.aci
	refused 'error opening signature file'
	srkt trust rm --prefix=example.com/free --allow-unsigned >/dev/null
	image example.com/free/y 1.0 y.aci
	run srkt fetch y.aci
	refused
	run srkt trust rm --prefix=example.com/free --allow-unsigned
	refused "--prefix 'example.com/free': nothing allows unsigned images"
}
# A flag that would have no effect says so.
test_flags_of_each_verb() {
	local words
	for words in 'list --prefix=example.com' 'list --root' 'rm --match=exact 0' 'mask --allow-unsigned 0' \
		'explain --format=json example.com' '--no-legend --root key.pub' 'mask --insecure-allow-http 0'; do
		# shellcheck disable=SC2086 # words
		run srkt trust $words
		refused 'is not for'
	done
	for words in '' '--root' '--prefix=example.com key.pub' '--prefix=example.com --match=exact'; do
		# shellcheck disable=SC2086 # words
		run srkt trust --allow-unsigned $words
		refused '--allow-unsigned goes with --prefix'
	done
	run srkt trust --prefix=example.com http://127.0.0.1/key
	refused --insecure-allow-http
	[ ! -e config/trustedkeys ] || fail 'something is trusted'
	run srkt trust list --no-legend
	ok
	is "$out" ''
}

# --- refused: one row each -----------------------------------------------------------------------
refusal_unknown_key() { sign bob image.aci; }
refusal_other_image() { echo other >other && sign alice other && mv other.asc image.aci.asc; }
refusal_stripped() { rm -f image.aci.asc; }
refusal_empty_signature() { : >image.aci.asc; }
refusal_replaced_manifest() {
	sign alice image.aci
	mv image.aci.asc kept.asc
	image example.com/foo 6.6
	mv kept.asc image.aci.asc
}
refusal_sha1() { sign alice image.aci --digest-algo SHA1; }
refusal_future() { sign alice image.aci --faked-system-time 20990101T000000; }
refusal_expired_signature() { sign alice image.aci --faked-system-time "$(date -d '-2 days' +%Y%m%dT%H%M%S)" --default-sig-expire 1d; }
refusal_text_mode() { sign alice image.aci --textmode; }
refusal_clear_text() {
	rm -f image.aci.asc
	gpg_ -u alice@example.com --output image.aci.asc --clearsign image.aci
}
refusal_inline() {
	rm -f image.aci.asc
	gpg_ -u alice@example.com --armor --output image.aci.asc --sign image.aci
}
refusal_sibling_prefix() { image example.com/foobar && sign alice image.aci; }
refusal_other_prefix() { image example.org/foo && sign alice image.aci; }
refusal_parent_of_prefix() { image example.com && sign alice image.aci; }
refusal_expired_key() {
	cp "$KEYS/expired.pub" "config/trustedkeys/prefix.d/example.com/foo/$(fpr expired)"
	sign expired image.aci --faked-system-time 20200601T000000
}
refusal_weak_key() {
	cp "$KEYS/weak.pub" "config/trustedkeys/prefix.d/example.com/foo/$(fpr weak)"
	sign weak image.aci
}
refusal_revoked_key() {
	sign revoked image.aci
	mkdir -m 700 other.gnupg
	GNUPGHOME=$T/other.gnupg gpg_ --import "$KEYS/unrevoked.pub" "$KEYS/revocation" 2>/dev/null || true
	GNUPGHOME=$T/other.gnupg gpg_ --armor --export >"config/trustedkeys/prefix.d/example.com/foo/$(fpr revoked)"
}
refusal_masked_key() {
	sign alice image.aci
	mkdir -p vendor
	mv config/trustedkeys vendor/trustedkeys
	srkt trust mask "$(fpr alice)" >/dev/null
}
refusal_wrong_file_name() {
	sign alice image.aci
	mv "config/trustedkeys/prefix.d/example.com/foo/$(fpr alice)" "config/trustedkeys/prefix.d/example.com/foo/$(fpr bob)"
}
refusal_stray_file() {
	sign alice image.aci
	echo >"config/trustedkeys/prefix.d/example.com/foo/README"
}
test_every_refusal() {
	keys
	local what why
	while read -r what why; do
		rm -rf config vendor image.aci* "$DATA"/cas
		mkdir config
		image example.com/foo
		trust alice --prefix=example.com/foo
		"refusal_$what" || fail "cannot set up $what"
		run srkt fetch image.aci
		refused "$why"
		none_stored
		is "$(find "$DATA"/cas/{tmp,tree,blob/sha512} -mindepth 1)" '' "$what: left"
	done <<-'TABLE'
		unknown_key signature made by unknown entity
		other_image the signature does not match
		stripped error opening signature file
		empty_signature not a detached signature
		replaced_manifest the signature does not match
		sha1 digest is too weak (SHA1)
		future made in the future
		expired_signature the signature has expired
		text_mode not one over a file's bytes
		clear_text
		inline not a detached OpenPGP signature
		sibling_prefix not for "example.com/foobar"
		other_prefix not for "example.org/foo"
		parent_of_prefix not for "example.com"
		expired_key the key has expired
		weak_key the key is too weak (RSA 1024)
		revoked_key the key is revoked
		masked_key signature made by unknown entity
		wrong_file_name signature made by unknown entity
		stray_file README
	TABLE
}
test_a_key_file_with_another_name_is_an_error() {
	keys
	trust alice --prefix=example.com
	cp "$KEYS/bob.pub" "config/trustedkeys/prefix.d/example.com/$(printf %040d 0)"
	image example.com/foo
	sign alice image.aci
	run srkt fetch image.aci
	refused 'its name is not the fingerprint'
	run srkt trust list
	has "$out" 'not named by its fingerprint'
	# … for what it covers, and for nothing else
	trust alice --prefix=example.org
	image example.org/foo
	sign alice image.aci
	run srkt fetch image.aci
	ok
}
test_the_name_that_was_asked_for() {
	keys
	trust alice --root
	image example.com/app 1.0 app.aci
	sign alice app.aci
	srkt fetch app.aci >/dev/null
	# signed by the same key, but another image
	image example.com/other 1.0 app.aci
	sign alice app.aci
	run srkt fetch --pull-policy=update example.com/app
	refused 'requested name: "example.com/app" differs'
	image example.com/app 2.0 app.aci
	sign alice app.aci
	run srkt fetch --pull-policy=update example.com/app:1.0
	refused 'requested value for label "version": "1.0" differs from fetched aci label value: "2.0"'
	run srkt fetch --pull-policy=update example.com/app
	ok
}

# --- later ---------------------------------------------------------------------------------------
test_removing_a_key_is_seen() {
	keys
	trust alice --prefix=example.com
	image example.com/x
	sign alice image.aci
	srkt fetch image.aci >/dev/null
	run srkt trust rm "$(fpr alice)"
	ok
	[ ! -e config/trustedkeys/prefix.d/example.com ] || fail 'an empty directory is left'
	run srkt image verify example.com/x
	ended 254
	has "$err" "$(fpr alice)" 'not trusted for "example.com/x" any more'
	run srkt trust explain example.com/x
	ok
	has "$out" 'verified by key' 'any more' 'rkt trust --prefix=example.com/x'
	run srkt trust rm "$(fpr alice)"
	refused "$(fpr alice)"
}
test_masks() {
	keys
	mkdir -p "vendor/trustedkeys/root.d"
	cp "$KEYS/alice.pub" "vendor/trustedkeys/root.d/$(fpr alice)"
	image example.com/foo/x
	sign alice image.aci
	run srkt trust rm "$(fpr alice)"
	refused 'rkt trust mask'
	# a mask below a prefix takes the key away from that prefix alone
	mkdir -p config/trustedkeys/prefix.d/example.com/foo
	: >"config/trustedkeys/prefix.d/example.com/foo/$(fpr alice)"
	run srkt fetch image.aci
	refused
	image example.com/foobar
	sign alice image.aci
	run srkt fetch image.aci
	ok
	run srkt trust list --format=json
	is "$(jq -c '[.[].state]' <<<"$out")" '["trusted","mask"]'
	run srkt trust mask "$(fpr alice)"
	ok
	[ -e "config/trustedkeys/root.d/$(fpr alice)" ] || fail 'no mask in root.d'
	run srkt trust list --format=json
	is "$(jq -c '[.[].state]' <<<"$out")" '["masked","mask","mask"]'
}
test_what_is_verified_is_what_is_imported() {
	keys
	trust alice --prefix=example.com
	image example.com/x 6.6 evil.aci
	image example.com/x 1.0 good.aci
	# the same size, so that writing in place is not noticed by it
	truncate -s "$(($(stat -c %s evil.aci good.aci | sort -n | tail -n 1) + 64))" evil.aci good.aci
	cp good.aci image.aci
	sign alice image.aci
	local i end=$((SECONDS + 3)) seen=0
	(
		while :; do
			dd if=evil.aci of=image.aci conv=notrunc status=none
			dd if=good.aci of=image.aci conv=notrunc status=none
			sleep .02
		done
	) &
	local writer=$!
	for ((i = 0; SECONDS < end; i++)); do
		if srkt fetch image.aci >/dev/null 2>&1; then seen=1; fi
	done
	kill "$writer"
	wait "$writer" 2>/dev/null || true
	[[ $(srkt image list --no-legend --fields=name) != *6.6* ]] || fail 'the other one came in'
	is $seen 1 "accepted in $i tries"
}
test_a_signature_promotes_what_came_without() {
	keys
	trust alice --prefix=example.com
	image example.com/x
	sign alice image.aci
	srkt --insecure-options=image fetch image.aci >/dev/null
	is "$(srkt image list --format=json | jq -c '.[0] | [.insecure, .verified]')" '[true,null]'
	echo changed >"$(echo "$DATA"/cas/tree/*/rootfs/file)"
	run srkt fetch image.aci
	ok
	is "$(srkt image list --format=json | jq -r '.[0] | .insecure, .verified.key')" "false
$(fpr alice)"
	is "$(cat "$DATA"/cas/tree/*/rootfs/file)" 'example.com/x 1.0' 'the tree'
}
test_the_manifest_of_a_changed_tree_is_not_believed() {
	keys
	trust alice --prefix=example.com
	image example.org/x
	sign alice image.aci
	srkt --insecure-options=image fetch image.aci >/dev/null
	sed -i 's,example.org/x,example.com/x,' "$DATA"/cas/tree/*/manifest
	run srkt fetch image.aci
	refused 'not for "example.org/x"'
	is "$(srkt image list --format=json | jq -c '.[0] | [.name, .insecure]')" '["example.org/x:1.0",true]'
}
test_stage1_needs_a_signature_too() {
	keys
	cp "$TOP/$B/stage1-fly.aci" fly.aci
	run srkt --insecure-options=image prepare --stage1-path="$T/fly.aci" "$TESTAPP"
	ok
	sign alice fly.aci
	srkt --insecure-options=image fetch "$TESTAPP" >/dev/null
	rm -rf "$DATA"/cas
	srkt --insecure-options=image fetch "$TESTAPP" >/dev/null
	run srkt prepare --stage1-path="$T/fly.aci" example.com/testapp
	refused 'signature made by unknown entity'
	trust alice --root
	run srkt prepare --stage1-path="$T/fly.aci" example.com/testapp
	ok
}
