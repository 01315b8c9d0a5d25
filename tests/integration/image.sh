# shellcheck shell=bash
# fetch and the image commands.

test_fetch_prints_the_id() {
	run rkt fetch "$TESTAPP"
	ok
	matches "$out" '^sha512-[0-9a-f]{32}$'
	run rkt fetch --full "$TESTAPP"
	matches "$out" '^sha512-[0-9a-f]{64,128}$'
	is "${out:0:39}" "sha512-$(sha512sum <"$TESTAPP" | cut -c 1-32)"
}
test_the_id_does_not_depend_on_compression() {
	local how one
	one=$(rkt fetch "$TESTAPP")
	gzip -k <"$TESTAPP" >gz.aci
	bzip2 -k <"$TESTAPP" >bz.aci
	xz -0 <"$TESTAPP" >xz.aci
	zstd -q <"$TESTAPP" >zst.aci
	for how in gz bz xz zst; do
		run "$RKT" --dir="$DATA/$how" --insecure-options=image fetch "$T/$how.aci"
		ok "$how"
		is "$out" "$one" "$how"
		run "$RKT" --dir="$DATA/$how" --insecure-options=image run "$one"
		is "$out" hello
	done
	rm -rf "${DATA:?}"/{gz,bz,xz,zst}
}
test_lists_where_nothing_is_yet() {
	local list
	for list in list 'image list'; do
		# shellcheck disable=SC2086
		run "$RKT" --dir="$T/none" $list --format=json
		ok "$list"
		is "$out" '[]' "$list"
		# shellcheck disable=SC2086
		run "$RKT" --dir="$T/none" $list
		ok "$list"
		is "$(wc -l <<<"$out")" 1 "$list: lines, a head alone"
	done
	[ ! -e none ] || fail 'a list made a data directory'
}
test_unsigned_is_refused() {
	run "$RKT" --dir="$DATA" fetch "$TESTAPP"
	refused --insecure-options=image
	run "$RKT" --dir="$DATA" run "$TESTAPP"
	refused
	run rkt image list --no-legend
	is "$out" ''
}
test_list() {
	fetch testapp
	run rkt image list
	ok
	matches "$(head -n 1 <<<"$out")" $'^ID[\t ]+NAME[\t ]+SIZE[\t ]+IMPORT TIME[\t ]+LAST USED'
	matches "$(sed -n 2p <<<"$out")" '^sha512-[0-9a-f]{12}[[:space:]]+example.com/testapp:1.0.0[[:space:]]'
	run rkt image list --format=json
	is "$(jq -r '.[] | select(.name == "example.com/testapp:1.0.0") | .id' <<<"$out")" "${id:0:71}"
	run rkt image list --full --no-legend --fields=id,name
	ok
	has "$out" "${id:0:71}"
	run rkt image list --fields=nonsense
	refused
}
test_sort_and_order() {
	fetch testapp
	fetch busybox
	run rkt image list --no-legend --fields=name --sort=name --order=asc
	ok
	matches "$(head -n 1 <<<"$out")" busybox
	run rkt image list --no-legend --fields=name --sort=name --order=desc
	matches "$(head -n 1 <<<"$out")" testapp
}
test_rm() {
	fetch testapp
	run rkt image rm "$id"
	ok
	has "$out$err" 'successfully removed aci for image' '1 image(s) successfully removed'
	run rkt image list --no-legend
	is "$out" ''
	run rkt image rm "$id"
	ended 0
}
test_rm_by_prefix_and_name() {
	fetch testapp
	run rkt image rm "${id:0:12}"
	ok
	fetch testapp
	run rkt image rm example.com/testapp
	ok
	run rkt image list --no-legend
	is "$out" ''
}
test_bad_ids() {
	fetch testapp
	run rkt image cat-manifest sha512-0
	refused 'image ID too short'
	run rkt image cat-manifest sha512-ffffffffffffffff
	refused 'no image IDs found'
}
test_cat_manifest() {
	fetch testapp
	run rkt image cat-manifest "$id"
	ok
	# appc's schema always writes these two of a port
	is "$(jq -S 'del(.app.ports[] | .count, .socketActivated)' <<<"$out")" "$(tar -xOf "$TESTAPP" manifest | jq -S .)"
	run rkt image cat-manifest --pretty-print=false "$id"
	matches "$out" '^\{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/testapp"'
}
test_extract_and_render() {
	fetch testapp
	run rkt image extract "$id" "$T/x"
	ok
	cmp "$T/x/rootfs/bin/testapp" "$HELPERS/testapp"
	[ -s "$T/x/manifest" ]
	run rkt image extract --rootfs-only "$id" "$T/y"
	ok
	cmp "$T/y/bin/testapp" "$HELPERS/testapp"
	run rkt image extract "$id" "$T/y"
	refused
	run rkt image extract --overwrite "$id" "$T/y"
	ok
	[ ! -e "$T/y/bin" ] || fail 'what was there is still there'
	run rkt image render "$id" "$T/z"
	ok
	cmp "$T/z/rootfs/bin/testapp" "$HELPERS/testapp"
}
test_export_is_what_was_imported() {
	gzip -k <"$TESTAPP" >gz.aci
	id=$(rkt fetch "$T/gz.aci")
	run rkt image export "$id" "$T/out.aci"
	ok
	cmp "$T/out.aci" "$TESTAPP"
	run rkt image export "$id" "$T/out.aci"
	refused
	run rkt image export --overwrite "$id" "$T/out.aci"
	ok
}
test_verify_and_repair() {
	fetch testapp
	run rkt image verify "$id"
	ok
	has "$out$err" 'successfully verified checksum for image'
	local tree
	tree=$(find "$DATA/cas/tree" -name testapp -path '*/bin/*' | head -n 1)
	printf 'x' >>"$tree"
	run rkt image verify "$id"
	ok
	has "$out$err" 'tree cache verification failed for image'
	run rkt image verify "$id"
	ok
	has "$out$err" 'successfully verified checksum for image'
	run rkt run "$id"
	is "$out" hello
}
test_gc() {
	fetch testapp
	run rkt image gc
	ok
	run rkt run "$id"
	is "$out" hello
	run rkt rm "$(rkt list --no-legend --full | awk '{print $1}')"
	run rkt image gc --grace-period=0
	ok
	run rkt image list --no-legend
	is "$out" ''
	is "$(find "$DATA"/cas/{blob,tree} -type f | head -n 1)" ''
}
test_gc_keeps_what_pods_use() {
	fetch testapp
	uuid=$(rkt prepare "$id")
	run rkt image gc --grace-period=0
	run rkt run-prepared "$uuid"
	ok
	is "$out" hello
}
test_foreign_os_and_arch() {
	local aci
	aci=$(image_with bsd '(.labels[] | select(.name == "os")).value = "freebsd" | (.labels[] | select(.name == "arch")).value = "amd64"')
	run rkt fetch "$aci"
	ok
	run rkt run "$aci"
	refused 'bad os "freebsd"'
	aci=$(image_with noos 'del(.labels[] | select(.name == "os"))')
	run rkt run "$aci"
	refused 'missing os label in the image manifest'
	aci=$(image_with noarch 'del(.labels[] | select(.name == "arch"))')
	run rkt run "$aci"
	refused 'missing arch label in the image manifest'
}
test_the_store_cannot_be_traversed_by_others() {
	fetch testapp
	run setpriv --reuid=65534 --regid=65534 --clear-groups ls "$DATA/cas/tree"
	[ "$status" != 0 ] || fail 'anybody can look into the store'
}
test_not_root() {
	chmod 755 "$T" "$CHECK_TMP"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$RKT" --dir="$T/other" run "$TESTAPP"
	refused 'cannot run as unprivileged user'
}
test_modes_owners_links_and_times_are_kept() {
	mkdir -p x/dir
	echo a >x/dir/file
	ln x/dir/file x/dir/hard
	ln -s file x/dir/soft
	chown 12:34 x/dir/file # takes the setuid bit away
	chmod 4751 x/dir/file
	chmod 1777 x/dir
	touch -d '2001-02-03 04:05:06' x/dir/file
	local aci
	aci=$(image_with modes '.app.exec = ["/bin/testapp", "stat", "/dir", "/dir/file", "/dir/hard", "/dir/soft"]' x)
	run rkt run "$aci"
	ok
	has "$out" '/dir: dir 1777 0:0' '/dir/file: file 4751 12:34' '/dir/hard: file 4751 12:34' '/dir/soft: link'
	is "$(stat -c %Y "$(find "$DATA/cas/tree" -path '*/dir/file')")" "$(date -d '2001-02-03 04:05:06' +%s)"
}
