# shellcheck shell=bash
# Images that are put together from several: appc's dependencies and path whitelists.

# aci NAME ROOT [JQ_FILTER] [VERSION]: $T/NAME.aci of the directory ROOT, named example.com/NAME
aci() {
	jq -n --arg name "example.com/$1" --arg version "${4:-1}" --arg arch "$ARCH" '{acKind: "ImageManifest", acVersion: "0.8.11",
		name: $name, labels: [{name: "version", value: $version}, {name: "os", value: "linux"}, {name: "arch", value: $arch}]} | '"${3:-.}" >"$T/manifest"
	"$TOP/tests/images/mkaci.sh" "$2" "$T/manifest" "$T/$1.aci"
}
needs() { # NAME...: the filter that makes an image depend on them, in this order
	printf '.dependencies = ['
	local name comma=''
	for name; do
		printf '%s{imageName: "example.com/%s"}' "$comma" "$name"
		comma=,
	done
	printf ']'
}
ARCH=$(uname -m | sed 's/x86_64/amd64/')
put() { # FILE...: a file with its own name in it
	local f
	for f; do
		mkdir -p "$(dirname "$f")"
		echo "${f%%/*}" >"$f"
	done
}
fetched() { # NAME...
	local name
	for name; do rkt fetch "$T/$name.aci" >/dev/null; done
}
rendered() { # NAME: what an app of it would see, in ./seen
	rm -rf seen
	run rkt image render --rootfs-only "example.com/$1" "$T/seen"
	ok render
}
# The paths of ./seen, sorted, in one line
seen() { (cd seen && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | tr '\n' ' '); }
trees() { find "$DATA/cas/tree" -maxdepth 1 -name 'deps-*' | wc -l; }

test_order_is_depth_first() {
	# A → [B, C], C → [D]: B, D, C, A
	put a/of_a b/of_a b/of_b b/of_c b/of_d c/of_a c/of_c d/of_a d/of_b d/of_c d/of_d
	aci b b
	aci d d
	aci c c "$(needs d)"
	aci a a "$(needs b c)"
	fetched b d c
	run rkt fetch a.aci
	ok
	rendered a
	is "$(cd seen && cat of_a of_b of_c of_d | tr '\n' ' ')" 'a d c d '
	is "$(trees)" 2 'trees: of a and of c'
	run rkt image verify example.com/a
	ok
	hasnt "$out" repaired
}
test_an_app_runs_in_it() {
	mkdir -p lib/rootfs own base/etc
	tar -xf "$TESTAPP" -C lib
	echo words >base/etc/words
	aci base base
	aci code lib/rootfs
	aci app own "$(needs base code) | .app = {exec: [\"/bin/testapp\", \"cat\", \"/etc/words\"], user: \"0\", group: \"0\"}"
	fetched base code app
	run rkt run example.com/app
	ok
	is "$out" words
	run rkt run --no-overlay example.com/app
	is "$out" words
	local uuid
	uuid=$(rkt prepare example.com/app)
	# what was put together needs nothing of what it was made of
	run rkt image rm example.com/app example.com/base example.com/code
	ok
	has "$err" '3 image(s) successfully removed'
	run rkt image gc --grace-period=0
	ok
	is "$(trees)" 1
	run rkt run-prepared "$uuid"
	ok
	is "$out" words
	run rkt export "$uuid" out.aci
	ok
	is "$(tar -xOf out.aci rootfs/etc/words)" words
	rkt gc --grace-period=0 >/dev/null
	rkt gc --grace-period=0 >/dev/null
	run rkt image gc --grace-period=0
	is "$(trees)" 0
}
test_a_pod_manifest_takes_what_is_there() {
	mkdir -p lib/rootfs own
	tar -xf "$TESTAPP" -C lib
	aci code lib/rootfs
	aci app own "$(needs code)"
	fetched code app
	jq -n --arg id "$(id_of app.aci)" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "x", image: {id: $id},
		app: {exec: ["/bin/testapp", "echo", "hi"], user: "0", group: "0"}}]}' >pod.json
	run rkt run --pod-manifest=pod.json
	ok
	is "$out" hi
	run rkt image rm example.com/code
	rm -f code.aci
	run rkt image gc --grace-period=0
	run rkt run --pod-manifest=pod.json
	refused 'app -> example.com/code' 'not in the store'
}
test_a_volume_is_put_together() {
	put base/words
	mkdir -p empty
	aci base base
	aci data empty "$(needs base)"
	fetched base data
	local flag
	for flag in --debug --no-overlay; do
		run rkt run $flag --volume=v,kind=image,source=example.com/data "$TESTAPP" --mount=volume=v,target=/v --exec=/bin/testapp -- cat /v/words
		ok
		is "$out" base
	done
}
test_paths_are_replaced() {
	mkdir -p low/real low/dir/sub low/odd up/link up/file up/implied
	echo inside >low/real/keep
	ln -s real low/link
	ln -s real low/implied
	ln -s /etc low/away
	echo low >low/file
	echo low >low/dir/sub/x
	echo low >low/dir/y
	ln low/file low/file2
	echo up >up/link/new
	echo up >up/file/z
	echo up >up/dir
	echo up >up/away
	echo up >up/implied/new
	chmod 1711 up/link
	chmod 700 low/odd
	touch -d '2001-02-03 04:05:06' low/odd low/real
	aci low low
	aci up up "$(needs low)"
	# a parent that the archive does not list
	tar -xf up.aci
	tar --numeric-owner -cf up.aci manifest rootfs/link rootfs/file rootfs/dir rootfs/away rootfs/implied/new
	rm -rf manifest rootfs
	fetched low up
	rendered up
	is "$(seen)" 'away dir file file/z file2 implied implied/new link link/new odd real real/keep '
	is "$(cat seen/dir seen/away seen/link/new seen/implied/new seen/file2 | tr '\n' ' ')" 'up up up up low '
	[ ! -h seen/link ] && [ ! -h seen/implied ] || fail 'a link was kept'
	is "$(stat -c %a seen/link seen/odd seen/implied | tr '\n' ' ')" '1711 700 755 '
	is "$(stat -c %Y seen/odd seen/real | sort -u)" "$(date -d '2001-02-03 04:05:06' +%s)"
	is "$(stat -c %h seen/file2)" 1
}
attribute() { python3 -c 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode())' "$@"; }
test_attributes_of_merged_directories() {
	mkdir -p low/d up/d low/untouched
	attribute low/d user.low 1
	attribute up/d user.up 2
	attribute low/untouched user.low 3
	chown 7:8 low/d
	chmod 700 up/d
	aci low low
	aci up up "$(needs low)"
	fetched low up
	rendered up
	is "$(stat -c '%a %u:%g' seen/d)" '700 0:0'
	is "$(python3 -c 'import os; print([(x, os.getxattr(p, x)) for p in ("seen/d", "seen/untouched") for x in os.listxattr(p)])')" \
		"[('user.up', b'2'), ('user.low', b'3')]"
}
test_whitelist() {
	mkdir -p base/etc/empty base/only/dirs
	put base/bin/wanted base/bin/not base/etc/conf base/deep/er/file base/deep/er/not
	ln base/bin/not base/bin/first
	ln base/bin/not base/bin/second
	ln -s wanted base/bin/link
	chmod 751 base/deep
	put app/own app/other
	aci base base
	aci app app "$(needs base)"' | .pathWhitelist = ["/bin/wanted", "/bin/../x", "//deep/er/./file/", "/bin/second", "/bin/first", "/own", "/etc/empty/", "/nowhere/x"]'
	fetched base app
	rendered app
	is "$(seen)" 'bin bin/first bin/second bin/wanted deep deep/er deep/er/file etc etc/empty own '
	is "$(stat -c '%h %i' seen/bin/first)" "$(stat -c '%h %i' seen/bin/second)" 'two names of one file'
	is "$(cat seen/bin/second)" base
	is "$(stat -c %a seen/deep)" 751
	run rkt image verify example.com/app
	ok
	hasnt "$out" repaired
	# extract and export are about the image itself
	run rkt image extract --rootfs-only example.com/app "$T/x"
	is "$(cd x && find . -type f | sort | tr '\n' ' ')" './other ./own '
	run rkt image export example.com/app "$T/x.aci"
	cmp x.aci app.aci
}
test_whitelist_without_dependencies() {
	put one/a one/b
	aci one one '.pathWhitelist = ["/b"]'
	fetched one
	rendered one
	is "$(seen)" 'b '
}
test_whitelists_intersect() {
	# a sees of c only what both a and b want; the other way to c is another matter
	put c/1 c/2 c/3 c/4 b/5 b/6
	mkdir -p a
	aci c c
	aci b b "$(needs c)"' | .pathWhitelist = ["/1", "/2", "/5"]'
	aci a a "$(needs b)"' | .pathWhitelist = ["/2", "/3", "/5", "/6"]'
	aci two a "$(needs b c)"' | .pathWhitelist = ["/2", "/3", "/5", "/6"]'
	fetched c b a two
	rendered a
	is "$(seen)" '2 5 '
	rendered two
	is "$(seen)" '2 3 5 '
	rendered b
	is "$(seen)" '1 2 5 '
}
test_shared_dependencies() {
	# A → [B, C], B → [D], C → [D]: D, B, D, C, A
	put d/x d/y b/x c/z
	mkdir -p a
	aci d d
	aci b b "$(needs d)"
	aci c c "$(needs d)"
	aci a a "$(needs b c)"
	fetched d b c a
	rendered a
	is "$(cat seen/x seen/y seen/z | tr '\n' ' ')" 'd d c '
}
# Into the store alone: what they depend on is not there yet.
alone() { # NAME...
	local name
	for name; do
		run rkt fetch --pull-policy=never "$name.aci"
		refused 'not in the store'
	done
}
test_cycles() {
	mkdir -p empty
	aci self empty "$(needs self)"
	run rkt fetch self.aci
	refused 'example.com/self -> example.com/self' 'in a circle'
	aci ring1 empty "$(needs ring2)"
	aci ring2 empty "$(needs ring3)"
	aci ring3 empty "$(needs ring1)"
	alone ring1 ring2
	run rkt fetch --pull-policy=new ring3.aci
	refused 'example.com/ring3 -> example.com/ring1 -> example.com/ring2 -> example.com/ring3' 'in a circle'
	run rkt run example.com/ring1 --exec=/x
	refused 'in a circle'
	is "$(trees)" 0
}
test_depth_and_number() {
	local i
	mkdir -p empty
	aci n0 empty
	for i in {1..33}; do aci "n$i" empty "$(needs "n$((i - 1))")"; done
	for i in {33..1}; do alone "n$i"; done
	fetched n0
	run rkt image render example.com/n33 "$T/n"
	refused 'example.com/n33 -> ... -> ' 'example.com/n0' 'more than 32 deep'
	run rkt image render example.com/n32 "$T/n"
	ok
	aci m0 empty
	for i in {1..8}; do aci "m$i" empty "$(needs "m$((i - 1))" "m$((i - 1))")"; done
	for i in {8..1}; do alone "m$i"; done
	fetched m0
	run rkt image render example.com/m8 "$T/no"
	refused 'more than 256 images'
	run rkt image render example.com/m7 "$T/yes"
	ok
}
test_what_a_dependency_must_be() {
	put base/x
	mkdir -p empty
	aci base base
	aci other empty
	gzip -k base.aci
	fetched base
	local good bad size policy=new
	good=$(id_of base.aci) bad=$(id_of other.aci) size=$(stat -c %s base.aci)
	one() { # JQ_OBJECT
		aci app empty ".dependencies = [{imageName: \"example.com/base\"} + $1]"
		run rkt fetch --pull-policy=$policy app.aci
	}
	one "{imageID: \"$good\"}"
	ok
	one "{imageID: \"${good:0:71}\"}"
	ok
	one "{size: $size}"
	ok
	one "{labels: [{name: \"version\", value: \"1\"}, {name: \"os\", value: \"linux\"}], size: $size, imageID: \"$good\"}"
	ok
	one "{size: $((size + 1))}"
	refused 'dependency example.com/app -> example.com/base' 'does not have the size' "$((size + 1))"
	run rkt fetch other.aci
	one "{imageID: \"$bad\"}"
	refused 'dependency example.com/app -> example.com/base' 'has another name: "example.com/other"'
	one "{imageID: \"$bad\", labels: [{name: \"version\", value: \"2\"}]}"
	refused 'another name'
	policy=never
	one '{labels: [{name: "version", value: "2"}]}'
	refused 'example.com/app -> example.com/base' 'with these labels is not in the store' 'rkt fetch'
	one "{imageID: \"${bad/sha512-??/sha512-00}\"}"
	refused 'that image is not in the store'
	policy=new
	aci app empty "$(needs missing)"
	run rkt fetch --pull-policy=never app.aci
	refused 'example.com/app -> example.com/missing' 'not in the store'
	# the size of the archive as it comes or uncompressed
	run rkt image rm example.com/base
	rkt fetch base.aci.gz >/dev/null
	one "{size: $size}"
	ok
	one "{size: $(stat -c %s base.aci.gz)}"
	ok
	# labels of an image that is named by its id
	one "{imageID: \"$good\", labels: [{name: \"version\", value: \"7\"}]}"
	refused 'the label "version" with the value "7", but has "1"'
}
test_a_newer_dependency_makes_another_tree() {
	put base/x
	mkdir -p empty
	aci base base
	aci app empty "$(needs base)"
	fetched base app
	rendered app
	is "$(cat seen/x)" base
	echo newer >base/x
	aci base base . 2
	fetched base
	rendered app
	is "$(cat seen/x)" newer
	is "$(trees)" 2
	run rkt image verify example.com/app
	ok
	# an image of its own takes part in what it is made of
	local size
	size=$(rkt image list --format=json | jq '.[] | select(.name == "example.com/app:1") | .size')
	is "$size" $(($(stat -c %s app.aci) + $(stat -c %s "$DATA/cas/tree/$(sha512sum <app.aci | cut -c 1-128)/manifest") + 5 + 6))
	# the tree that nobody used goes first
	find "$DATA/cas/tree" -maxdepth 2 -name rendered -exec touch -d '2 hours ago' {} +
	rkt image render --rootfs-only example.com/app "$T/again"
	run rkt image gc --grace-period=1h
	ok
	is "$(trees)" 1
	run rkt image rm example.com/app
	is "$(trees)" 0
	is "$(rkt image list --no-legend --fields=name | sort | tr -d ' ' | tr '\n' ' ')" 'example.com/base:1 example.com/base:2 '
}
test_verify_repairs() {
	put base/x base/y
	mkdir -p empty
	aci base base
	aci app empty "$(needs base)"
	fetched base app
	local tree
	tree=$(echo "$DATA"/cas/tree/deps-*)
	echo z >"$tree/rootfs/x"
	run rkt image verify example.com/app
	ok
	has "$out" repaired
	is "$(cat "$tree/rootfs/x")" base
	rm -rf "$tree/rootfs"
	run rkt image verify example.com/app
	has "$out" repaired
	run rkt image verify example.com/app
	hasnt "$out" repaired
	run rkt image rm example.com/base
	run rkt image verify example.com/app
	refused 'one of the images is gone'
}
test_layers_cannot_be_depended_on() {
	mkdir -p empty
	"$TOP/tests/images/layout.py" "$T/lay" <<-'END'
		image(layer(*base()), ref='example.com/layered:1')
	END
	rkt fetch oci:lay >/dev/null
	aci app empty "$(needs layered)"
	run rkt fetch --pull-policy=new app.aci
	refused 'example.com/app -> example.com/layered' 'rkt image export'
	# with what it says
	rkt image export example.com/layered "$T/plain.aci"
	run rkt image rm example.com/layered
	fetched plain
	run rkt fetch --pull-policy=new app.aci
	ok
}
test_a_stage1_has_all_its_files() {
	mkdir -p empty
	aci base empty
	aci one empty "$(needs base)"' | .annotations = [{name: "coreos.com/rkt/stage1/run", value: "/run"}]'
	fetched base
	run rkt run --stage1-path="$T/one.aci" "$TESTAPP"
	refused 'depends on other images'
}
test_killed_while_it_is_put_together() {
	local i n max kills=0
	# where a sync costs nothing
	mount -t tmpfs rkt-check "$DATA"
	put big/1 big/2 big/3 big/d/4 mid/1
	aci big big
	aci mid mid "$(needs big)"
	aci app mid "$(needs mid)"' | .pathWhitelist = ["/1", "/3", "/d/4"]'
	fetched big mid app
	local cmd=("${RKTC[@]}" fetch --pull-policy=new app.aci)
	rm -rf "$DATA"/cas/tree/deps-*
	max=$("$HELPERS/kill9" call 1000000 ONE "${cmd[@]}" 2>&1 >/dev/null | sed -n 's/^kill9: ended after \([0-9]*\) calls$/\1/p')
	[ "$max" -gt 40 ] || fail "$max calls"
	for i in {1..24}; do
		rm -rf "$DATA"/cas/tree/deps-*
		n=$((1 + (max - 1) * i / 24))
		"$HELPERS/kill9" call $n "$([ $((i % 3)) = 0 ] && echo ALL || echo ONE)" "${cmd[@]}" >victim.out 2>&1 </dev/null && kills=$((kills + 1))
		# what is there is whole
		run rkt image verify example.com/app
		ok verify
		hasnt "$out" repaired
		run rkt image gc
		ok 'image gc'
		is "$(ls "$DATA/cas/tmp")" '' "left by a kill before call $n of $max"
	done
	[ $kills -gt 15 ] || fail "$kills kills"
	rendered app
	is "$(seen)" '1 3 d d/4 '
	is "$(cat seen/1 seen/3 | tr '\n' ' ')" 'mid big '
}
test_ten_at_once_make_one_tree() {
	local i pids=()
	put base/x
	mkdir -p empty
	aci base base
	aci app empty "$(needs base)"
	fetched base app
	rm -rf "$DATA"/cas/tree/deps-*
	for i in {1..10}; do
		"${RKTC[@]}" fetch app.aci >"out.$i" 2>"err.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || { cat err.*; fail 'one of them failed'; }; done
	is "$(trees)" 1
	is "$(cat out.* | sort -u | wc -l)" 1
}
# The rendered tree is shown with the pod's users, and as a volume; on disk it stays as the images have it.
test_with_users_of_the_pod() {
	local how
	put top/of_top
	chown 1000:1000 top/of_top
	chmod 600 top/of_top
	aci top top "$(needs testapp)"
	rkt fetch "$TESTAPP" >/dev/null
	rkt fetch top.aci >/dev/null
	for how in false true; do
		run rkt run --private-users --no-overlay=$how --volume=v,kind=image,source=example.com/top example.com/top --mount=volume=v,target=/v \
			--exec=/bin/testapp -- stat /of_top /v/of_top /bin/testapp + write /new x + stat /new
		ok
		has "$out" $'/of_top: file 0600 1000:1000 4\n/v/of_top: file 0600 1000:1000 4' '/bin/testapp: file 0755 0:0' '/new: file 0644 0:0'
	done
	is "$(find "$DATA/cas/tree" -uid +65535 | wc -l)" 0
}
