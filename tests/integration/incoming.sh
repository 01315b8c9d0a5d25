# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034
# Members of the group rkt fetch images for root: what they download lies in cas/incoming until root's next command uses it.

# shellcheck source=tests/signing.sh
. "$TOP/tests/signing.sh"
# shellcheck source=tests/members.sh
. "$TOP/tests/members.sh"

INCOMING=''
# A registry with an image of three layers as $at/app:v1, and a store that the group may see.
prepared() {
	INCOMING=$DATA/cas/incoming
	in_group "${RKTC[@]}" fetch "$TESTAPP" >/dev/null
	registry
	"$TOP/tests/images/layout.py" "$T/lay" <<<"image(layer(*base(), f('etc/a', 'a')), layer(d('etc'), f('etc/b', 'b'), compress='zstd'), layer(d('etc'), f('etc/c', 'c'), compress=''))"
	push oci:lay:one "docker://$at/app:v1"
	HTTP=("${RKTC[@]}" "--insecure-options=image,http")
}
rkt_http() { in_group "${HTTP[@]}" "$@"; }
incoming() { find "$INCOMING" -mindepth 1 -printf '%f\n' | sort; }
layers() { skopeo inspect --tls-verify=false --raw "docker://$at/app:v1" | jq -r '.layers[].digest' | tr : - | sort; }

test_root_uses_what_a_member_has_downloaded() {
	local id before
	prepared
	is "$(stat -c %a:%u:%g "$INCOMING")" "3730:0:$GROUP_ID"
	member "${HTTP[@]}" fetch --full "docker://$at/app:v1"
	ok
	has "$err" "root's next command that uses it verifies and unpacks it"
	id=$out
	is "$(incoming)" "$(layers)" 'what was downloaded'
	is "$(find "$INCOMING" -type f -printf '%m %U %G\n' | sort -u)" "600 $MEMBER $GROUP_ID"
	member "${RKTC[@]}" image list --no-legend --fields=name
	is "$out" example.com/testapp:1.0.0 'the images of the store'
	# once more: nothing is downloaded
	before=$(requests blobs)
	member "${HTTP[@]}" fetch --full "docker://$at/app:v1"
	is "$out" "$id"
	is "$(requests blobs)" "$before"
	# and root asks for the manifest and the configuration, and for no layer
	run rkt_http run "docker://$at/app:v1" -- 'cat /etc/a /etc/b /etc/c'
	is "$out" abc
	hasnt "$err" incoming
	is "$(requests blobs)" "$((before + 1))" 'blobs that root asked for'
	is "$(incoming)" '' 'what is left of it'
	run rkt_http fetch --full "docker://$at/app:v1"
	is "$out" "$id" 'the id that the member was told'
	rkt image verify "$id" >/dev/null
	# what the store has, nobody downloads
	member "${HTTP[@]}" fetch --full "docker://$at/app:v1"
	ok
	is "$out" "$id"
	hasnt "$err" downloaded
	is "$(incoming)" ''
	is "$(requests blobs)" "$((before + 1))"
}
# What a member cannot have: the others' downloads, a look at them, a file of root's.
test_what_is_there_is_nobody_elses() {
	local file
	prepared
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	file=$(find "$INCOMING" -type f | head -n 1)
	# shellcheck disable=SC2016
	WHO=$OTHER_MEMBER member bash -c 'cat "$1"; ls "${1%/*}"; rm -f "$1"; mv "$1" "$1.x"; : >>"$1"; true' - "$file"
	is "$(grep -cE 'Permission denied|Operation not permitted' <<<"$err")" 5 'refusals'
	# it is enough that it is there
	WHO=$OTHER_MEMBER member "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok
	# of another size it cannot be replaced, and root will
	truncate -s 1 "$file"
	WHO=$OTHER_MEMBER member "${HTTP[@]}" fetch "docker://$at/app:v1"
	refused "another user's" "root's next fetch uses or removes it"
	is "$(find "$INCOMING" -name 'tmp-*')" '' 'left-overs'
	run rkt_http fetch "docker://$at/app:v1"
	ok
	has "$err" "by user $MEMBER, is passed over: it has 1 bytes"
	is "$(grep -c . <<<"$err")" 1 'lines of warnings'
	is "$(incoming)" ''
}
test_only_members_and_only_from_servers() {
	prepared
	member "${HTTP[@]}" fetch "$TESTAPP"
	refused "'$TESTAPP': a file is put into the store by root alone"
	member "${HTTP[@]}" fetch oci:lay:one
	refused "'oci:lay:one': a file is put into the store by root alone"
	member "${HTTP[@]}" fetch example.com/testapp:1.0.0 --pull-policy=never
	ok
	is "$out" "$(rkt fetch "$TESTAPP")" 'what the store has is told'
	with_group setpriv --reuid=$MEMBER --regid=$MEMBER --clear-groups "${HTTP[@]}" fetch "docker://$at/app:v1"
	refused 'cannot be done as unprivileged user, only as root'
	is "$(requests manifests)" 0 'requests'
	is "$(incoming)" ''
}
# The worker is confined by what a user can do alone, in one way or the other, or does not begin.
test_kernels_without_namespaces_for_users() {
	prepared
	WRAP=("$HELPERS/nosys" landlock)
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok
	rm "$INCOMING"/*
	WRAP=("$HELPERS/nosys" unshare)
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok
	is "$(incoming)" "$(layers)"
	rm "$INCOMING"/*
	WRAP=("$HELPERS/nosys" "unshare,landlock")
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	refused 'neither user namespaces nor Landlock'
	is "$(incoming)" ''
}
# By their own credentials: root's are root's.
test_configuration_that_is_not_for_members() {
	prepared
	mkdir -p config/auth.d
	echo '{"rktKind": "dockerAuth", "rktVersion": "v1", "registries": ["'"$at"'"], "credentials": {"user": "u", "password": "p"}}' >config/auth.d/a.json
	chmod 600 config/auth.d/a.json
	member "${RKTC[@]}" image list --no-legend
	ok
	member "${RKTC[@]}" config
	ok
	hasnt "$out" password
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok
	chmod 700 config/auth.d
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok
	has "$(rkt config)" '"password"'
	# nothing else is passed over
	mkdir -p config/paths.d
	echo '{"rktKind": "paths", "rktVersion": "v1", "data": "/x"}' >config/paths.d/a.json
	chmod 600 config/paths.d/a.json
	member "${RKTC[@]}" image list
	refused 'config/paths.d/a.json' 'Permission denied'
}
# What is signed is checked at once, for who asks; and by root, who believes nobody.
test_signatures() {
	prepared
	key alice
	HTTP=("${RKTC[@]}" --insecure-options=http)
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	ended 254
	is "$(incoming)" ''
	trust alice --prefix="$at/app"
	pushed signed:v1 x
	cosign signed "$digest" alice
	trust alice --prefix="$at/signed"
	member "${HTTP[@]}" fetch "docker://$at/signed:v1"
	ok
	is "$(incoming | wc -l)" 1
	run rkt_http fetch "docker://$at/signed:v1"
	ok
	is "$(srkt image list --format=json | jq -r '.[] | select(.name | contains("signed")).verified.mechanism')" cosign
	# a member who asks for no signature: root does
	HTTP=("${RKTC[@]}" "--insecure-options=image,http")
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok
	HTTP=("${RKTC[@]}" --insecure-options=http)
	run rkt_http run "docker://$at/app:v1"
	ended 254
	is "$(incoming)" "$(layers)" 'it stays'
	is "$(srkt image list --no-legend | grep -c app:v1)" 0 'stored'
}
# What a server sends is compared with what the manifest says, before it gets its name.
test_servers_that_send_something_else() {
	local blob
	prepared
	blob=$(find registry -path '*/blobs/sha256/*' -name data -size +8k | head -n 1)
	printf x | dd of="$blob" bs=1 seek=100 conv=notrunc 2>/dev/null
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	refused 'its digest is sha256:' 'the manifest says sha256:'
	is "$(find "$INCOMING" -name 'tmp-*')" '' 'left-overs'
	is "$(incoming | grep -c "$(basename "$(dirname "$blob")")")" 0 'what was kept of it'
}
test_a_full_disk() {
	layout
	mount -t tmpfs -o size=600k,mode=755 rkt-check "$DATA"
	in_group "${RKTC[@]}" fetch oci:lay:one >/dev/null
	registry
	head -c 1000000 /dev/urandom >random
	"$TOP/tests/images/layout.py" "$T/big" <<<"image(layer(f('etc/a', '$(base64 -w0 random | head -c 900000)')))"
	push oci:big:one "docker://$at/app:v1"
	member "${RKTC[@]}" "--insecure-options=image,http" fetch "docker://$at/app:v1"
	refused "no space left on the store's device"
	is "$(find "$DATA/cas/incoming" -mindepth 1)" '' 'left-overs'
}
# Killed at any time it leaves a name of its own at most, which goes as all does that nobody came for.
test_what_nobody_comes_for_is_collected() {
	prepared
	member "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok
	as_member touch "$INCOMING/tmp-0123456789abcdef" "$INCOMING/.hidden"
	as_member mkdir -p "$INCOMING/dir/below"
	as_member touch -d 2100-01-01 "$INCOMING/.hidden"
	run in_group "${RKTC[@]}" image gc
	ok
	is "$(incoming | wc -l)" 7 'what is young stays'
	run in_group "${RKTC[@]}" image gc --grace-period=0
	ok
	is "$(incoming)" ''
}
test_killed_at_any_time() {
	local n s max file
	prepared
	max=$(as_member "$HELPERS/kill9" call 1000000 ONE "${HTTP[@]}" fetch "docker://$at/app:v1" 2>&1 >/dev/null | sed -n 's/^kill9: ended after \([0-9]*\) calls$/\1/p')
	[ "${max:-0}" -gt 30 ] || fail "a member's fetch had '$max' calls"
	for n in $(seq $((1 + RANDOM % (max / 12))) $((max / 12)) "$max"); do
		rm -f "$INCOMING"/*
		s=0
		as_member "$HELPERS/kill9" call "$n" ALL "${HTTP[@]}" fetch "docker://$at/app:v1" >victim.out 2>&1 || s=$?
		[ $s = 0 ] || [ $s = 3 ] || fail "kill9 before call $n: status $s: $(cat victim.out)"
		for file in "$INCOMING"/*; do
			case ${file##*/} in
			sha256-*) is "sha256-$(sha256sum <"$file" | cut -d' ' -f1)" "${file##*/}" "what was kept before call $n" ;;
			tmp-* | '*') ;;
			*) fail "left before call $n: $file" ;;
			esac
		done
	done
	run rkt_http fetch "docker://$at/app:v1"
	ok
	is "$err" ''
	run rkt image gc --grace-period=0
	is "$(incoming)" ''
}

# --- App Container Images --------------------------------------------------------------------------
# http://$at/app.aci with a signature by alice, who is trusted for it.
site() {
	INCOMING=$DATA/cas/incoming
	in_group "${RKTC[@]}" fetch "$IMAGES/busybox.aci" >/dev/null
	mkdir -p www
	key alice
	signed_by alice "$TESTAPP"
	trust alice --prefix=example.com
	serve
	STRICT=("${RKTC[@]}" --insecure-options=http)
}
signed_by() { # KEY FILE: what the server has
	cp "$2" www/app.aci
	openssl dgst -sha256 -sign "$1.key" -out www/app.aci.asc www/app.aci
}
downloads() { grep -c "^GET /app.aci " log || true; }
test_images_with_a_signature() {
	local id name
	site
	member "${STRICT[@]}" fetch --full "http://$at/app.aci"
	ok
	has "$err" "root's next command that uses it verifies and unpacks it"
	id=$out
	is "$(incoming | sed 's/-[0-9a-f]\{32\}$//')" url
	is "$(downloads)" 1
	run in_group "${STRICT[@]}" fetch --full "http://$at/app.aci"
	ok
	is "$out" "$id"
	is "$err" ''
	is "$(downloads)" 1 'downloads'
	is "$(grep -c '^GET /app.aci.asc ' log)" 2 'signatures that were asked for'
	is "$(incoming)" ''
	is "$(srkt image list --format=json | jq -r '.[] | select(.name | contains("testapp")).verified.mechanism')" pem
	rkt image verify "$id" >/dev/null
	# what is in the store is not kept for root
	member "${STRICT[@]}" fetch --full "http://$at/app.aci"
	ok
	is "$out" "$id"
	hasnt "$err" downloaded
	is "$(incoming)" ''
	# with a signature that the member names, too
	rkt image rm "$id" >/dev/null
	member "${STRICT[@]}" fetch --full --signature="$T/www/app.aci.asc" "http://$at/app.aci"
	ok
	is "$out" "$id"
	has "$err" "root's next command that uses it verifies and unpacks it"
	run in_group "${STRICT[@]}" fetch --full "http://$at/app.aci"
	ok
	# by a name that the store has, too
	member "${STRICT[@]}" fetch --full --pull-policy=new example.com/testapp
	ok
	is "$out" "$id"
}
test_images_without_a_signature_are_not_taken_from_others() {
	site
	member "${RKTC[@]}" "--insecure-options=image,http" fetch "http://$at/app.aci"
	refused 'counts by its signature alone' 'or as root'
	member "${STRICT[@]}" fetch "http://$at/app.aci"
	ok
	# who asks for no signature asks the server
	run in_group "${RKTC[@]}" "--insecure-options=image,http" fetch "http://$at/app.aci"
	ok
	is "$(downloads)" 2
	is "$(incoming | wc -l)" 1 'it stays'
	rm "$INCOMING"/*
	rm www/app.aci.asc
	member "${STRICT[@]}" fetch "http://$at/app.aci"
	refused 'error downloading the signature file' 404
	srkt trust --prefix=example.com --allow-unsigned >/dev/null
	member "${STRICT[@]}" fetch "http://$at/app.aci"
	refused 'counts by its signature alone' "there is no 'http://$at/app.aci.asc'"
	key bob
	signed_by bob "$TESTAPP"
	member "${STRICT[@]}" fetch "http://$at/app.aci"
	refused 'signature made by unknown entity'
	is "$(incoming)" ''
}
