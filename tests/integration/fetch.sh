# shellcheck shell=bash
# Images from the network: by URL from a server that lies (tests/helpers/liar), by name with discovery from nginx. Nothing
# leaves 127.0.0.0/8.

# shellcheck source=tests/web.sh
. "$TOP/tests/web.sh"

requests() { # PATTERN: how many
	grep -c -- "$1" "$T/log" || true
}
whole() { # the last fetch gave the image, whole
	ok
	is "$out" "sha512-$(sha512sum <"$TESTAPP" | cut -c 1-32)"
	run rkt image verify "$out"
	ok
}
large() { # MIB: www/large.aci, which does not compress
	mkdir -p www large/rootfs
	tar -xf "$TESTAPP" -C large
	head -c "$1M" /dev/urandom >large/rootfs/noise
	tar -C large -cf www/large.aci manifest rootfs
	rm -rf large
}

test_https_url() {
	https
	run rkt --debug fetch "https://$at/app.aci"
	has "$err" "remote fetching from URL \"https://$at/app.aci\"" "fetching image from https://$at/app.aci"
	whole
	run rkt run "https://$at/app.aci"
	is "$out" hello
	is "$(requests 'GET /app.aci')" 1 'pull policy new: no second request'
	run rkt fetch "https://$at/nothing.aci"
	refused 'bad HTTP status code: 404'
}
test_http_must_be_allowed() {
	serve
	run rkt fetch "http://$at/app.aci"
	refused '--insecure-options=http'
	run rkt --insecure-options=image,http fetch "http://$at/app.aci"
	whole
	run rkt fetch "ftp://$at/app.aci"
	refused
	run rkt fetch "https://user:secret@$at/app.aci"
	refused
}
test_certificates() {
	https
	local good=$at
	certificate wrong DNS:wrong.example
	serve wrong
	run rkt fetch "https://$at/app.aci"
	refused SSL
	run rkt --insecure-options=image,tls fetch "https://$at/app.aci"
	whole
	certificate expired IP:127.0.0.1 -days -1
	serve expired
	run rkt fetch "https://$at/app.aci"
	refused SSL
	unset SSL_CERT_FILE
	run rkt --pull-policy=update fetch "https://$good/app.aci"
	refused SSL
	mkdir authorities
	cp ca.pem authorities/
	SSL_CERT_DIR=$T/authorities run rkt --pull-policy=update fetch "https://$good/app.aci"
	ok
	CURL_CA_BUNDLE=$T/ca.pem run rkt --pull-policy=update fetch "https://$good/app.aci"
	ok
}
test_redirects() {
	https
	run rkt fetch "https://$at/to/https/$at/app.aci"
	whole
	run rkt fetch "https://$at/to/file//etc/passwd"
	refused 'refused to follow a redirect'
	run rkt fetch "https://$at/to/http/$at/app.aci"
	refused 'refused to follow a redirect'
	run rkt fetch "https://$at/loop/x"
	refused 'too many redirects'
	is "$(requests 'GET /loop')" 11
}
test_secrets_stay_at_home() {
	https
	local home=$at
	serve good
	local other=$at
	mkdir -p config/auth.d
	printf '{"rktKind":"auth","rktVersion":"v1","domains":["%s"],"type":"basic","credentials":{"user":"u","password":"p"}}' "$home" >config/auth.d/a.json
	run rkt fetch "https://$home/basic/Basic+dTpw/app.aci"
	whole
	: >log
	run rkt fetch "https://$home/to/https/$other/basic/Basic+dTpw/app.aci"
	refused 'bad HTTP status code: 401' auth.d
	grep -q "authorization=Basic dTpw host=$home" log
	grep -q "authorization= host=$other" log
	run rkt fetch "https://$other/basic/Basic+dTpw/app.aci"
	refused 'bad HTTP status code: 401'
	: >log
	run rkt fetch "https://$home/to/https/$other/to/https/$home/app.aci"
	ok
	is "$(requests 'authorization=Basic')" 1 'nor back again'
}
test_kinds_of_credentials() {
	https
	mkdir -p config/auth.d
	printf '{"rktKind":"auth","rktVersion":"v1","domains":["%s"],"type":"oauth","credentials":{"token":"tok"}}' "$at" >config/auth.d/a.json
	run rkt fetch "https://$at/basic/Bearer+tok/app.aci"
	whole
	run rkt config
	is "$(jq -r '.stage0[] | select(.rktKind == "auth") | .credentials.token' <<<"$out")" tok
	printf '{"rktKind":"auth","rktVersion":"v1","domains":["%s"],"type":"aws","credentials":{"accessKeyID":"KEY","secretAccessKey":"S","awsRegion":"eu-west-1"}}' "$at" >config/auth.d/a.json
	run rkt fetch "https://$at/aws/app.aci"
	whole
	cp config/auth.d/a.json config/auth.d/b.json
	run rkt config
	refused "auth for domain \"$at\" is already specified"
}
test_retries() {
	https
	run rkt fetch "https://$at/later/503/2/app.aci"
	whole
	run rkt fetch "https://$at/later/429/1/app.aci"
	whole
	run rkt fetch "https://$at/status/500/app.aci"
	refused 'bad HTTP status code: 500'
	is "$(requests 'GET /status/500')" 4
	run rkt fetch "https://$at/patience/100000/app.aci"
	refused 'bad HTTP status code: 503'
	is "$(requests 'GET /patience')" 1
	run rkt fetch "https://$at/status/401/app.aci"
	refused 'bad HTTP status code: 401'
	is "$(requests 'GET /status/401')" 1
	run rkt fetch https://127.0.0.1:1/app.aci
	refused 127.0.0.1:1
}
test_cut_connections() {
	large 5
	https
	run rkt fetch "https://$at/cut/1048576/large.aci"
	ok
	is "$out" "sha512-$(sha512sum <www/large.aci | cut -c 1-32)"
	is "$(requests 'range=bytes=1048576-')" 1
	matches "$(requests 'GET /cut')" '^[6-9]$'
	run rkt fetch "https://$at/cut-anonymous/10000/app.aci"
	whole
	is "$(requests 'cut-anonymous.*range=bytes')" 0 'what it belongs to is unknown: from the beginning'
	run rkt fetch "https://$at/no-range/10000/app.aci"
	whole
}
test_wrong_lengths() {
	https
	run rkt fetch "https://$at/short/app.aci"
	refused
	run rkt fetch "https://$at/wrong-range/app.aci"
	refused 'another part'
	run rkt fetch "https://$at/long/app.aci"
	whole
	run rkt fetch "https://$at/headers/app.aci"
	refused
	run rkt fetch "https://$at/huge/app.aci"
	refused larger
	is "$(requests 'GET /huge')" 1
	find "$DATA/cas/tmp" -name 'part-*' -delete
	find "$DATA/cas/tmp" -name 'info-*' -delete
}
test_resumed_by_the_next() {
	large 3
	https
	head -c 1000000 www/large.aci >half
	# somebody was killed: what is there, and what it is a part of
	run timeout -s KILL 2 "${RKTC[@]}" fetch "https://$at/cut/1000000/large.aci"
	ls "$DATA"/cas/tmp >left
	run rkt fetch "https://$at/cut/1000000/large.aci"
	ok
	is "$out" "sha512-$(sha512sum <www/large.aci | cut -c 1-32)"
}
# Nobody synced what is there: after a power cut it may be anything.
test_not_resumed_after_another_boot() {
	local boot
	large 3
	https
	for boot in same other; do
		"${RKTC[@]}" fetch "https://$at/cut/1000000/large.aci" >/dev/null 2>&1 &
		wait_for 20 part_has_come || fail 'nothing came'
		kill -9 $!
		killed $!
		[ $boot = same ] || printf x | dd of="$(echo "$DATA"/cas/tmp/info-*)" bs=1 seek=4096 conv=notrunc status=none
		run rkt --debug fetch "https://$at/cut/1000000/large.aci"
		ok
		is "$out" "sha512-$(sha512sum <www/large.aci | cut -c 1-32)"
		is "$(grep -c 'resuming the download' <<<"$err")" "$([ $boot = same ] && echo 1 || echo 0)" "$boot boot: resumed"
		rkt image rm "$out" >/dev/null
	done
}
part_has_come() { [ -n "$(find "$DATA/cas/tmp" -name 'part-*' -size +0 2>/dev/null)" ] && [ -n "$(find "$DATA/cas/tmp" -name 'info-*' -size +0)" ]; }
test_fresh_and_unchanged() {
	https
	run rkt fetch "https://$at/fresh/1000/app.aci"
	whole
	run rkt --debug fetch "https://$at/fresh/1000/app.aci"
	has "$err" "image for https://$at/fresh/1000/app.aci isn't expired, not fetching."
	is "$(requests 'GET /fresh/1000')" 1
	run rkt fetch "https://$at/app.aci"
	run rkt fetch "https://$at/app.aci"
	whole
	matches "$(requests 'GET /app.aci.*etag="')" '^1$'
	run rkt --debug fetch --pull-policy=never "https://$at/app.aci"
	has "$err" "using image from local store for url https://$at/app.aci"
	is "$(requests 'GET /app.aci')" 2
	run rkt image rm "$(rkt fetch "$TESTAPP")"
	run rkt fetch --store-only "https://$at/app.aci"
	refused
	run rkt fetch --no-store --store-only "https://$at/app.aci"
	refused
	run rkt fetch "https://$at/app.aci"
	whole
	run rkt image gc --grace-period=0
	ok
	is "$(ls "$DATA/cas/remote")" '' 'notes of images that are gone'
}
test_ten_at_once() {
	https
	local i pids=()
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"${RKTC[@]}" fetch "https://$at/slow/1/app.aci" >"out.$i" 2>"err.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || { cat err.*; fail 'one of them failed'; }; done
	is "$(requests 'GET /slow')" 1
	is "$(cat out.* | sort -u | wc -l)" 1
}
test_proxy() {
	https
	serve
	HTTPS_PROXY=http://127.0.0.1:1 run rkt fetch "https://$at/app.aci"
	refused 'port 1'
	local plain=$at
	http_proxy=http://$plain run rkt --insecure-options=image,http fetch http://no-such-host.example/app.aci
	has "$(cat log)" 'GET http://no-such-host.example/app.aci'
	NO_PROXY=127.0.0.1 http_proxy=http://127.0.0.1:1 run rkt --insecure-options=image,http fetch "http://$plain/app.aci"
	whole
}
test_the_worker_is_confined() {
	https
	run strace -f -o trace "${RKTC[@]}" fetch "https://$at/app.aci"
	ok
	is "$(grep -c -e '--- SIGSYS' trace || true)" 0
	grep -q 'setresuid(65534, 65534, 65534)' trace
	# once the filter stands, nothing is opened but names and authorities
	hasnt "$(sed -n '/PR_SET_SECCOMP/,$p' trace | grep -o 'openat(AT_FDCWD, "[^"]*' | grep -v unpack || true)" '/etc/shadow' '/root'
}

# --- discovery: nginx on port 443 of a network of its own ----------------------------------------
site() { # runs a script with nginx serving $T/site for example.com and storage.example
	authority
	certificate site DNS:example.com,DNS:storage.example
	printf '127.0.0.1 localhost example.com storage.example\n' >hosts
	cat >nginx.conf <<-END
		daemon off; pid $T/nginx.pid; error_log $T/nginx.err; worker_processes 1; user root;
		events { worker_connections 64; }
		http {
			access_log $T/nginx.log; client_body_temp_path $T/ngx; proxy_temp_path $T/ngx; fastcgi_temp_path $T/ngx; uwsgi_temp_path $T/ngx; scgi_temp_path $T/ngx;
			types { text/html html; }
			server {
				listen 127.0.0.1:443 ssl; ssl_certificate $T/site.pem; ssl_certificate_key $T/site.key;
				root $T/site; index index.html;
			}
		}
	END
	cat >inside <<-'END'
		set -e
		ip link set lo up
		mount --bind "$T/hosts" /etc/hosts
		nginx -c "$T/nginx.conf" 2>"$T/nginx.out" &
		until ss -ltn | grep -q 127.0.0.1:443; do sleep .05; done
		status=0
		"$@" || status=$?
		kill $!
		wait $! || true
		exit $status
	END
	run unshare -n -m bash inside "$@"
}
discovery() { # DIRECTORY TEMPLATE...
	local dir=$1 metas='' template
	shift
	for template; do metas+="<meta name=\"ac-discovery\" content=\"example.com $template\">"; done
	mkdir -p "site/$dir"
	cat >"site/$dir/index.html" <<-END
		<!DOCTYPE html><html><head><title><meta name="ac-discovery" content="example.com https://title.example/{ext}"></title>
		<!-- <meta name="ac-discovery" content="example.com https://comment.example/{ext}"> -->
		$metas</head><body><meta name="ac-discovery" content="example.com https://body.example/{ext}"></body></html>
	END
}
test_discovery() {
	discovery . 'https://storage.example/{os}/{arch}/{name}-{version}.{ext}' 'https://storage.example/{os}/{arch}/{name}-latest.{ext}'
	local arch
	arch=$(tar -xOf "$TESTAPP" manifest | jq -r '.labels[] | select(.name == "arch").value')
	mkdir -p "site/linux/$arch/example.com"
	cp "$TESTAPP" "site/linux/$arch/example.com/testapp-1.0.0.aci"
	cp "$TESTAPP" "site/linux/$arch/example.com/testapp-latest.aci"
	site "${RKTC[@]}" --debug fetch example.com/testapp:1.0.0
	has "$err" 'searching for app image example.com/testapp' "remote fetching from URL \"https://storage.example/linux/$arch/example.com/testapp-1.0.0.aci\""
	whole
	has "$(cat nginx.log)" 'GET /testapp?ac-discovery=1' 'GET /?ac-discovery=1'
	run rkt image rm "$(rkt fetch "$TESTAPP")"
	site "${RKTC[@]}" --debug run example.com/testapp
	is "$out" hello
	has "$err" testapp-latest.aci
	run rkt --debug fetch --pull-policy=new example.com/testapp
	ok
	has "$err" 'using image from local store for image name example.com/testapp'
	run rkt fetch --pull-policy=never example.com/other
	refused
	site "${RKTC[@]}" --debug fetch "cimd:appc:v=0:example.com/testapp?version=1.0.0&arch=$arch"
	whole
}
test_another_image_than_asked_for() {
	discovery . 'https://storage.example/x-{version}.{ext}'
	cp "$TESTAPP" site/x-2.0.aci
	site "${RKTC[@]}" fetch example.com/testapp:2.0
	refused 'requested value for label "version": "2.0" differs from fetched aci label value: "1.0.0"'
	cp "$TESTAPP" site/x-1.0.0.aci
	site "${RKTC[@]}" fetch example.com/other:1.0.0
	refused
	site "${RKTC[@]}" fetch example.com/testapp:1.0.0,channel=beta
	refused 'requested label "channel" not provided by the image manifest'
	run rkt image list --no-legend
	is "$out" ''
}
test_no_discovery() {
	mkdir -p site
	site "${RKTC[@]}" fetch example.com/a/b:1
	refused 'discovery failed for "example.com/a/b"' 'no endpoints discovered' 404
	is "$(grep -c ac-discovery nginx.log)" 3
	site "${RKTC[@]}" fetch no-such-name.example/a:1
	refused
	run rkt fetch nodots
	refused
}

test_simple_discovery() {
	local arch
	arch=$(tar -xOf "$TESTAPP" manifest | jq -r '.labels[] | select(.name == "arch").value')
	mkdir -p site
	cp "$TESTAPP" "site/testapp-1.0.0-linux-$arch.aci"
	site "${RKTC[@]}" --debug fetch example.com/testapp:1.0.0
	has "$err" "remote fetching from URL \"https://example.com/testapp-1.0.0-linux-$arch.aci\""
	whole
	is "$(grep -c 'GET /.*ac-discovery' nginx.log)" 2 'pages are asked first'
	run rkt image rm "$out"
	cp "$TESTAPP" "site/testapp-latest-linux-$arch.aci"
	site "${RKTC[@]}" fetch example.com/testapp
	whole
	run rkt image rm "$out"
	cp "$TESTAPP" "site/testapp-2-linux-$arch.aci"
	site "${RKTC[@]}" fetch example.com/testapp:2
	refused 'requested value for label "version": "2" differs'
	# a name without a path would be a name of another host
	site "${RKTC[@]}" fetch example.com:1.0.0
	refused 'no endpoints discovered'
	site "$RKT" --dir="$DATA" --system-config="$T/none" --local-config="$T/config" fetch example.com/testapp:1.0.0
	refused 'error downloading the signature file' "testapp-1.0.0-linux-$arch.aci.asc"
}
# site/NAME.aci: a manifest and a file. part NAME JQ_FILTER
part() {
	mkdir -p "parts/$1"
	echo "$1" >"parts/$1/$1"
	jq -n --arg name "example.com/$1" '{acKind: "ImageManifest", acVersion: "0.8.11", name: $name, labels: [{name: "version", value: "1"}]} | '"$2" >part.json
	"$TOP/tests/images/mkaci.sh" "parts/$1" part.json "site/$1.aci" "${3:-none}"
}
test_dependencies() {
	discovery . 'https://storage.example/{name}.{ext}'
	mkdir -p site/example.com
	part base .
	part middle '.dependencies = [{imageName: "example.com/base", labels: [{name: "version", value: "1"}]}]'
	part app '.dependencies = [{imageName: "example.com/middle"}]
		| .labels += [{name: "os", value: "linux"}, {name: "arch", value: "'"$(uname -m | sed 's/x86_64/amd64/')"'"}]'
	key site/base.aci site/middle.aci site/app.aci
	cp site/*.aci site/*.asc site/example.com/
	local srkt=("$RKT" --dir="$DATA" --system-config="$T/none" --local-config="$T/config")
	# each is verified for its own name
	run "${srkt[@]}" trust --skip-fingerprint-review --prefix=example.com/app key.pub
	run "${srkt[@]}" trust --skip-fingerprint-review --prefix=example.com/middle key.pub
	site "${srkt[@]}" fetch example.com/app
	refused 'dependency example.com/app -> example.com/middle -> example.com/base' 'trusted for' '"example.com/base"'
	run "${srkt[@]}" trust --skip-fingerprint-review --prefix=example.com/base key.pub
	site "${srkt[@]}" fetch example.com/app
	ok
	run "${srkt[@]}" image render --rootfs-only example.com/app "$T/seen"
	ok
	is "$(cat seen/*)" $'app\nbase\nmiddle'
	is "$("${srkt[@]}" image list --format=json | jq -c '[.[] | .insecure]')" '[false,false,false]'
	# what is here is asked for again, and has not changed
	: >nginx.log
	site "${srkt[@]}" fetch example.com/app
	ok
	is "$(grep -c 'GET /example.com/.*aci HTTP[^"]*" 304' nginx.log)" 3
	: >nginx.log
	site "${srkt[@]}" fetch --pull-policy=new example.com/app
	ok
	is "$(cat nginx.log)" ''
	# a newer one
	part base '.annotations = [{name: "created", value: "2020-01-01T00:00:00Z"}]'
	echo newer >parts/base/base
	"$TOP/tests/images/mkaci.sh" parts/base part.json site/example.com/base.aci
	gpg --batch --yes --quiet --passphrase '' --armor --output site/example.com/base.aci.asc --detach-sign site/example.com/base.aci
	site "${srkt[@]}" fetch example.com/app
	ok
	run "${srkt[@]}" image render --rootfs-only example.com/app "$T/again"
	is "$(cat again/*)" $'app\nnewer\nmiddle'
}
test_dependencies_must_be_what_they_should() {
	discovery . 'https://storage.example/{name}.{ext}'
	mkdir -p site/example.com parts/base
	head -c 200000 /dev/urandom >parts/base/noise
	part base .
	cp site/base.aci site/example.com/
	app() {
		part app ".dependencies = [{imageName: \"example.com/base\"} + $1]"
		cp site/app.aci site/example.com/
		site "${RKTC[@]}" fetch --pull-policy=new "$T/site/app.aci"
	}
	app '{size: 1000}'
	refused 'example.com/app -> example.com/base' larger
	app '{size: 150000}'
	refused 'does not have the size'
	app "{imageID: \"sha512-$(printf '%0128d' 7)\"}"
	refused 'example.com/app -> example.com/base: it must be image'
	run rkt image rm example.com/base
	app '{labels: [{name: "version", value: "2"}]}'
	refused 'requested value for label "version": "2" differs'
	app '{labels: [{name: "os", value: "linux"}]}'
	refused 'requested label "os" not provided'
	app "{size: $(stat -c %s site/base.aci), imageID: \"sha512-$(sha512sum <site/base.aci | cut -c 1-128)\"}"
	ok
}

# --- signatures and keys --------------------------------------------------------------------------
key() { # SIGNED_FILE...: key.pub, and FILE.asc
	GNUPGHOME=$(mktemp -d "$CHECK_TMP/gXXXXXX")
	export GNUPGHOME
	trap leave EXIT
	gpg --batch --quiet --no-tty --passphrase '' --quick-gen-key 'a <a@example.com>' ed25519 sign never 2>/dev/null
	gpg --batch --armor --export >key.pub
	local file
	for file; do gpg --batch --quiet --passphrase '' --armor --output "${file%.aci}.aci.asc" --detach-sign "$file"; done
}
srkt() { "$RKT" --dir="$DATA" --system-config="$T/none" --local-config="$T/config" "$@"; }
test_signatures_beside_the_image() {
	mkdir -p www
	cp "$TESTAPP" www/app.aci
	cp "$TESTAPP" www/other.aci
	key www/app.aci
	https
	run srkt fetch "https://$at/other.aci"
	refused 'error downloading the signature file' 'bad HTTP status code: 404'
	is "$(requests 'other.aci ')" 0 'nothing is downloaded that cannot be accepted'
	run srkt fetch "https://$at/app.aci"
	refused 'signature made by unknown entity'
	run srkt trust --skip-fingerprint-review --prefix=example.com key.pub
	ok
	run srkt fetch "https://$at/app.aci"
	whole
	: >log
	run srkt --debug fetch "https://$at/deferred/app.aci"
	has "$err" 'server requested deferring the signature download'
	whole
	is "$(requests 'deferred/app.aci.asc')" 2
	run srkt --debug fetch --signature=www/app.aci.asc "https://$at/other.aci"
	whole
	: >log
	run srkt fetch --pull-policy=new --signature=www/app.aci.asc "https://$at/app.aci"
	ok
	echo x >nonsense
	run srkt fetch --pull-policy=new --signature=nonsense "https://$at/app.aci"
	refused nonsense
	run srkt prepare --pull-policy=never "https://$at/app.aci" --signature=nonsense
	refused nonsense
	is "$(wc -l <log)" 0 'what is stored is judged where it is'
	cp www/app.aci.asc www/other.aci.asc
	echo >>www/other.aci
	run srkt fetch "https://$at/other.aci"
	refused
}
test_an_insecure_copy_is_not_enough() {
	mkdir -p www
	cp "$TESTAPP" www/app.aci
	key
	https
	run rkt fetch "https://$at/fresh/1000/app.aci"
	whole
	run srkt fetch "https://$at/fresh/1000/app.aci"
	refused 'error downloading the signature file'
}
test_stage1_from_a_url() {
	mkdir -p www
	cp "$TOP/$B/stage1-fly.aci" www/fly.aci
	key www/fly.aci
	https
	rkt fetch "$TESTAPP" >/dev/null
	run srkt prepare --stage1-url="https://$at/fly.aci" example.com/testapp
	refused 'stage1 image' 'signature made by unknown entity'
	run srkt trust --skip-fingerprint-review --root key.pub
	ok
	run srkt run --stage1-url="https://$at/fly.aci" example.com/testapp
	ok
	is "$out" hello
	: >log
	run srkt run --stage1-url="https://$at/fly.aci" example.com/testapp
	is "$out" hello
	is "$(cat log)" '' 'it is here'
	run srkt run --pull-policy=update --stage1-url="https://$at/nothing.aci" "$TESTAPP"
	refused
	run rkt run --stage1-url="https://$at/app.aci" "$TESTAPP"
	refused 'is not a stage1'
	run rkt run --stage1-url="http://$at/fly.aci" "$TESTAPP"
	refused '--insecure-options=http'
	run rkt run --pull-policy=never --stage1-url="https://$at/never.aci" "$TESTAPP"
	refused 'not in the store'
	mkdir -p config/stage1.d
	printf '{"rktKind":"stage1","rktVersion":"v1","name":"example.com/other","version":"1","location":"https://%s/fly.aci"}' "$at" >config/stage1.d/a.json
	run srkt run example.com/testapp
	is "$out" hello
}
test_stage1_by_name() {
	discovery . 'https://storage.example/{name}.{ext}'
	mkdir -p site/example.com fly
	tar -xf "$TOP/$B/stage1-fly.aci" -C fly
	jq '.name = "example.com/fly"' fly/manifest >fly.json
	"$TOP/tests/images/mkaci.sh" fly/rootfs fly.json site/example.com/fly.aci
	site "${RKTC[@]}" run --stage1-name=example.com/fly "$TESTAPP"
	ok
	is "$out" hello
	run rkt run --stage1-name=example.com/fly "$TESTAPP"
	is "$out" hello
	run rkt run --pull-policy=never --stage1-name=example.com/none "$TESTAPP"
	refused 'example.com/none' 'store'
}
test_discovery_of_keys() {
	discovery . 'https://storage.example/x-{version}.{ext}'
	sed -i 's#</head>#<meta name="ac-discovery-pubkeys" content="example.com https://storage.example/key.pub"></head>#' site/index.html
	cp "$TESTAPP" site/x-1.0.0.aci
	key site/x-1.0.0.aci
	cp key.pub site/
	local srkt=("$RKT" --dir="$DATA" --system-config="$T/none" --local-config="$T/config")
	site "${srkt[@]}" fetch example.com/testapp:1.0.0
	refused 'signature made by unknown entity'
	site "${srkt[@]}" trust --skip-fingerprint-review --prefix=example.com/testapp
	ok
	has "$out" 'Added key for prefix "example.com/testapp"'
	site "${srkt[@]}" fetch example.com/testapp:1.0.0
	whole
	rm -rf config/trustedkeys
	run rkt image rm "$out"
	run rkt image rm "$(rkt fetch "$TESTAPP")"
	site "${srkt[@]}" fetch --trust-keys-from-https example.com/testapp:1.0.0
	whole
	has "$(find config/trustedkeys -type f)" 'prefix.d/example.com/testapp'
	site "${srkt[@]}" trust --root https://storage.example/key.pub
	refused
}
