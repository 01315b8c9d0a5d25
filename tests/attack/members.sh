# shellcheck shell=bash
# time limit: 120
# shellcheck disable=SC2016,SC2034,SC2154
# What a hostile member of the group rkt plants in cas/incoming, where root looks for what members have downloaded.
. "$TOP/tests/attack/host.bash"
# shellcheck source=tests/signing.sh
. "$TOP/tests/signing.sh"
# shellcheck source=tests/members.sh
. "$TOP/tests/members.sh"

INCOMING='' BLOB='' SIZE='' LAYER=''
# A host that is watched, a store that the group may see, and $at/app:v1, whose one layer root has not: $LAYER, of $SIZE bytes, is called $BLOB.
aimed() {
	guard
	in_group "${RKTC[@]}" fetch "$IMAGES/busybox.aci" >/dev/null
	INCOMING=$DATA/cas/incoming
	registry
	"$TOP/tests/images/layout.py" "$T/lay" <<<"image(layer(*base(), f('etc/a', 'a')))"
	push oci:lay:one "docker://$at/app:v1"
	BLOB=$(jq -r '.layers[0].digest' "lay/blobs/sha256/$(jq -r '.manifests[0].digest' lay/index.json | cut -d: -f2)")
	LAYER=$T/lay/blobs/sha256/${BLOB#sha256:}
	SIZE=$(stat -c %s "$LAYER")
	BLOB=sha256-${BLOB#sha256:}
	cp "$LAYER" good
	chmod 755 . "$T/lay" && chmod -R a+rX lay good
	HTTP=("${RKTC[@]}" "--insecure-options=image,http")
}
plants() { as_member bash -c 'cd "$1" && shift && eval "$1"' - "$INCOMING" "$1"; }
# Root gets what the registry has, and nothing of what was planted.
root_fetches() {
	run in_group "${HTTP[@]}" fetch --full "docker://$at/app:v1"
	ok 'fetch of root'
	local id=$out
	run rkt image verify "$id"
	ok 'verification'
	run in_group "${HTTP[@]}" run --pull-policy=never "docker://$at/app:v1" -- 'cat /etc/a; ls /'
	has "$out" a
	hasnt "$out" pwned "$SECRET"
	rkt gc --grace-period=0 >/dev/null 2>&1
	rkt gc --grace-period=0 >/dev/null 2>&1
	rkt image rm "$id" >/dev/null 2>&1
}
# … after one line of warning.
passed_over() { # WHY
	local before
	before=$(requests blobs)
	run in_group "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok 'fetch of root'
	is "$(grep -c . <<<"$err")" 1 'lines'
	has "$err" "$INCOMING/$BLOB" 'is passed over' "$1"
	hasnt "$err" "$SECRET"
	is "$(requests blobs)" "$((before + 2))" 'configuration and layer, asked of the registry'
	rkt image rm "$out" >/dev/null 2>&1
	root_fetches
}

# The same without a pod.
root_has_it() {
	run in_group "${HTTP[@]}" fetch --full "docker://$at/app:v1"
	ok 'fetch of root'
	run rkt image verify "$out"
	ok 'verification'
	rkt image rm "docker://$at/app:v1" >/dev/null 2>&1
}

test_incoming_bytes_under_a_digest_that_is_not_theirs() {
	aimed
	plants "head -c $SIZE /dev/urandom >$BLOB"
	passed_over 'its digest is sha256:'
	plants "echo short >$BLOB"
	passed_over 'it has 6 bytes'
	plants "truncate -s 1000G $BLOB"
	passed_over 'it has 1073741824000 bytes'
	# an archive that unpacks to the same files and one more, and one that unpacks to very much
	as_member bash -c 'cd "$(mktemp -d)" && mkdir etc && echo pwned >etc/a && tar -czf x.tgz etc && truncate -s "$1" x.tgz && cat x.tgz >"$2" && rm -r "$PWD"' - "$SIZE" "$INCOMING/$BLOB"
	passed_over 'its digest is sha256:'
	as_member bash -c 'head -c 3000000000 /dev/zero | gzip -1 | head -c "$1" >"$2"' - "$SIZE" "$INCOMING/$BLOB"
	passed_over 'its digest is sha256:'
	# a file without a mode is a file all the same
	plants "cat $T/good >$BLOB; chmod 0 $BLOB"
	root_fetches
	untouched
}
test_incoming_what_is_no_file() {
	local what
	aimed
	for what in "ln -s $HOST/secret $BLOB" "ln -s $T/good $BLOB" "ln -s $BLOB $BLOB" "mkfifo $BLOB" "mkdir $BLOB" \
		"python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"$BLOB\")'"; do
		plants "$what"
		passed_over 'it is no file'
		is "$(find "$INCOMING" -mindepth 1)" '' 'what is left'
	done
	# none that a member could make, nor one that they could link to
	mknod "$INCOMING/$BLOB" c 1 5
	passed_over 'it is no file'
	plants "mkdir -p $BLOB/sub; ln -s $HOST/dir $BLOB/sub/link; echo x >$BLOB/file"
	passed_over 'it is no file'
	[ -e "$INCOMING/$BLOB/file" ] || fail 'a directory with something in it was removed in passing'
	run rkt image gc --grace-period=0
	ok
	is "$(find "$INCOMING" -mindepth 1)" '' 'what is left'
	untouched
}
# Links to files of others, where the kernel lets a member make them; here root does.
test_incoming_hard_links() {
	aimed
	cp good "$HOST/secret.layer"
	head -c "$SIZE" /dev/zero >"$HOST/zeros"
	chmod 600 "$HOST/secret.layer" "$HOST/zeros"
	host_digest >"$T/before"
	ln "$HOST/zeros" "$INCOMING/$BLOB"
	passed_over 'its digest is sha256:'
	ln "$HOST/secret.layer" "$INCOMING/$BLOB"
	root_fetches
	is "$(find "$INCOMING" -mindepth 1)" '' 'what is left'
	untouched
}
# A lease keeps who opens a file waiting until its owner lets go.
test_incoming_a_lease() {
	local lease
	aimed
	plants "cp $T/good $BLOB"
	as_member python3 -c 'import fcntl, os, signal, sys, time
signal.signal(signal.SIGIO, signal.SIG_IGN)
fcntl.fcntl(os.open(sys.argv[1], os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
while not os.path.exists(sys.argv[2]): time.sleep(.02)' "$INCOMING/$BLOB" "$T/stop" >lease.out 2>&1 &
	lease=$!
	wait_for 10 grep -q held lease.out || fail "$(cat lease.out)"
	passed_over 'Resource temporarily unavailable'
	touch stop
	wait "$lease"
	untouched
}
while_racing() { # what `race` is to do to what the member has left, while root looks for the layer
	local race
	as_member "$HELPERS/race" "$@" "$T/stop" >race.out 2>&1 &
	race=$!
	wait_for 10 grep -q go race.out || fail "$(cat race.out)"
	root_has_it
	touch "$T/stop"
	wait "$race" || fail "$(cat race.out)"
	rm "$T/stop"
}
# Content that changes, and files that are exchanged, while root reads. What root has is always what the registry has.
test_incoming_changes_while_root_reads() {
	local i
	aimed
	rm -f "$T/stop"
	for i in $(seq 12); do
		plants "rm -f $BLOB; cp $T/good $BLOB"
		while_racing scribble "$INCOMING/$BLOB"
	done
	plants "cp $T/good good; head -c $SIZE /dev/zero >bad"
	for i in $(seq 12); do
		plants "cp $T/good $BLOB; ln -sf $HOST/secret other"
		while_racing swap "$INCOMING/$BLOB" "$INCOMING/other"
	done
	untouched
}
# What a name means, root asks the registry. Documents are not looked for, nor anything that the store would have under such names.
test_incoming_names_that_mean_something_else() {
	local manifest config
	aimed
	"$TOP/tests/images/layout.py" "$T/evil" <<<"image(layer(*base(), f('pwned', 'x')))"
	manifest=$(jq -r '.manifests[0].digest' lay/index.json | cut -d: -f2)
	config=$(jq -r .config.digest "lay/blobs/sha256/$manifest" | cut -d: -f2)
	chmod -R a+rX evil
	plants "for f in sha256-$manifest sha256-$config; do cp $T/evil/index.json \$f; done; mkdir blob image tree tmp remote; cp $T/evil/blobs/sha256/* blob/; cp $T/evil/blobs/sha256/* ."
	run in_group "${HTTP[@]}" fetch "docker://$at/app:v1"
	ok
	is "$err" ''
	root_fetches
	untouched
}
test_incoming_thousands_of_entries() {
	aimed
	plants 'for i in $(seq 20); do mkdir d$i; touch d$i/{1..500} .hidden{1..500}.$i; done; n=; for i in $(seq 300); do mkdir x; cd x; done'
	plants "touch \$'new\nline' \$'esc\033[31m' -- -rf '--x' \"\$(printf %0250d 1)\"; ln -s $HOST/dir up; ln -s / root"
	plants "head -c $SIZE /dev/zero >$BLOB"
	passed_over 'its digest is sha256:'
	run rkt image gc --grace-period=0
	ok
	is "$(find "$INCOMING" -mindepth 1 | head)" '' 'what is left'
	untouched
}
# App Container Images count by the signature that the server has now, over what lies there.
test_incoming_images_that_the_server_does_not_have() {
	local entry what
	guard
	in_group "${RKTC[@]}" fetch "$IMAGES/busybox.aci" >/dev/null
	INCOMING=$DATA/cas/incoming
	mkdir -p www
	key alice
	key mallory
	cp "$(image_with x '.name = "example.com/app"')" old.aci
	cp "$(image_with y '.name = "example.com/app" | .annotations = [{name: "new", value: "yes"}]')" new.aci
	cp "$(image_with z '.name = "mallory.example/app"')" mallory.aci
	cp "$TESTAPP" unsigned.aci
	openssl dgst -sha256 -sign alice.key -out old.asc old.aci
	trust alice --prefix=example.com
	trust mallory --prefix=mallory.example
	serve
	chmod 755 . && chmod a+r ./*.aci ./*.asc
	HTTP=("${RKTC[@]}" --insecure-options=http)
	cp old.aci www/app.aci
	cp old.asc www/app.aci.asc
	as_member "${HTTP[@]}" fetch "http://$at/app.aci" >/dev/null 2>&1
	entry=$(basename "$(find "$INCOMING" -name 'url-*')")
	# the server has something newer: what was signed once is not it
	cp new.aci www/app.aci
	openssl dgst -sha256 -sign alice.key -out www/app.aci.asc new.aci
	for what in old mallory unsigned; do
		plants "cat $T/$what.aci >$entry"
		run in_group "${HTTP[@]}" fetch --full "http://$at/app.aci"
		ok
		is "$(grep -c . <<<"$err")" 1 'lines'
		has "$err" "$INCOMING/$entry" 'is passed over' "by user $MEMBER"
		is "$(rkt image cat-manifest "$out" | jq -r '.annotations[0].value')" yes "what root has instead of $what"
		is "$(find "$INCOMING" -mindepth 1)" '' 'what is left'
		rkt image rm "$out" >/dev/null 2>&1
	done
	for what in "ln -s $HOST/secret $entry" "mkfifo $entry" "mkdir $entry" "truncate -s 100000G $entry || truncate -s 15T $entry" ": >$entry"; do
		plants "$what"
		run in_group "${HTTP[@]}" fetch --full "http://$at/app.aci"
		ok
		has "$err" 'is passed over'
		hasnt "$err" "$SECRET"
		rkt image rm "$out" >/dev/null 2>&1
	done
	# what somebody has signed who is not trusted for the name is refused, wherever it comes from
	cp mallory.aci www/app.aci
	jq '.name = "example.com/app"' <(tar -xOf mallory.aci manifest) >manifest
	mkdir -p root && "$TOP/tests/images/mkaci.sh" root manifest ./evil.aci gzip
	cp evil.aci www/app.aci
	openssl dgst -sha256 -sign mallory.key -out www/app.aci.asc evil.aci
	chmod a+r evil.aci
	plants "cat $T/evil.aci >$entry"
	run in_group "${HTTP[@]}" fetch "http://$at/app.aci"
	ended 254
	has "$err" 'signature made by unknown entity'
	is "$(rkt image list --no-legend --fields=name | grep -c example.com/app)" 0 'stored'
	is "$(find "$INCOMING" -mindepth 1)" '' 'what is left'
	untouched
}
