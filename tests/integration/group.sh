# shellcheck shell=bash
# The group rkt: its members may see which images there are, and write nothing that root trusts.

# shellcheck source=tests/members.sh
. "$TOP/tests/members.sh"

fetched() {
	with_group "${RKTC[@]}" fetch "$TESTAPP"
	ok
}
test_members_list_images() {
	fetched
	member "${RKTC[@]}" image list --fields=name --no-legend
	ok
	has "$out" example.com/testapp
	member "${RKTC[@]}" image list --format=json
	ok
	# whoever is none sees nothing
	with_group setpriv --reuid=$MEMBER --regid=$MEMBER --clear-groups "${RKTC[@]}" image list
	refused 'Permission denied'
}
test_members_do_nothing_else() {
	fetched
	pod -- exit 0
	local what
	for what in "fetch $TESTAPP" "fetch oci:x" "image rm example.com/testapp" "image gc --grace-period=0" "image cat-manifest example.com/testapp" \
		"image export example.com/testapp x.aci" "run example.com/testapp" "prepare example.com/testapp" "list" "gc"; do
		# shellcheck disable=SC2086
		member "${RKTC[@]}" $what
		[ "$status" = 254 ] || fail "$what ended with $status"
		hasnt "$out" testapp
	done
	is "$(rkt image list --fields=name --no-legend | grep -c example.com/testapp)" 1 'the image'
}
# What could be forged: a record, a directory of records, a tree.
test_members_write_nothing() {
	fetched
	local record
	record=$(echo "$DATA"/cas/image/*)
	# shellcheck disable=SC2016
	member bash -c 'cd "$1" 2>/dev/null
		for f in . blob image tree tmp remote; do
			{ echo >"$f/forged"; } 2>/dev/null && echo "wrote to $f"
			mv "$f" forged 2>/dev/null && echo "moved $f"
			mkdir "$f/forged" 2>/dev/null && echo "made a directory in $f"
		done
		{ echo >>"$2"; } 2>/dev/null && echo "wrote to a record"
		rm -f "$2" 2>/dev/null && echo "removed a record"
		mv incoming forged 2>/dev/null && echo "moved incoming"
		ls tree blob tmp remote incoming 2>/dev/null
		ls ../pods/* 2>/dev/null
		cat "$2" >/dev/null && echo "read a record"' - "$DATA/cas" "$record"
	is "$out" 'read a record'
	is "$(find "$DATA/cas" -mindepth 1 ! -path "$DATA/cas/image*" ! -path "$DATA/cas/incoming" ! -path '*/rootfs/*' \( -group $GROUP_ID -o -perm /6000 \))" '' 'what the group has beside the records'
	is "$(find "$DATA/cas" ! -path "$DATA/cas/incoming" -group $GROUP_ID -perm /022)" '' 'what the group may write to'
}
# A store as rkt's tmpfiles.d makes it: made safe while it is empty, and never trusted afterwards.
test_a_store_that_is_open() {
	mkdir -p "$DATA"/cas/{blob,tree,tmp}
	chgrp -R $GROUP_ID "$DATA/cas"
	chmod -R 2770 "$DATA/cas"
	fetched
	is "$(stat -c %a:%g "$DATA/cas" "$DATA/cas/image" | paste -sd' ')" "750:$GROUP_ID 750:$GROUP_ID"
	is "$(stat -c %a:%u:%g "$DATA/cas/incoming")" "3730:0:$GROUP_ID"
	is "$(find "$DATA/cas" -maxdepth 2 -type d ! -path "$DATA/cas/incoming" -perm /2022)" '' 'directories that the group may write to'
	is "$(find "$DATA/cas/tree" -path '*/rootfs' -group $GROUP_ID)" '' "files of an image that are the group's"
	chmod 770 "$DATA/cas"
	run rkt run "$TESTAPP" --exec=/bin/testapp -- echo ran
	refused 'mode 770' 'is not trusted'
	chmod 750 "$DATA/cas"
	pod -- echo ran
	ok
}
test_a_directory_that_is_not_root_s() {
	mkdir -p "$DATA/cas/tree"
	chown $MEMBER "$DATA/cas/tree"
	run rkt fetch "$TESTAPP"
	refused "belongs to user $MEMBER"
}
test_no_such_group() {
	rkt fetch "$TESTAPP" >/dev/null
	[ "$(getent group rkt)" ] || is "$(stat -c %a "$DATA/cas" "$DATA/cas/image" "$DATA/cas/tree" | sort -u)" 700
}
