#!/bin/bash
# Trust from beginning to end: an appc image by its name and an OCI image of a registry, signed by gpg and as cosign signs, each
# refused until its key is trusted. The servers have a network, names and an authority of their own. Root. Leaves nothing behind.
# usage: tests/demo-trust.sh      (make demo installs and builds what it needs first)
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
B=${B:-build}
cd "$TOP" || exit 1
[ "$(id -u)" = 0 ] || { echo 'demo: pods need root: sudo make demo' >&2; exit 1; }
[ "${1:-}" = inside ] || exec unshare --net --mount "$0" inside
unset https_proxy HTTPS_PROXY http_proxy HTTP_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY CURL_CA_BUNDLE SSL_CERT_DIR

work=$(mktemp -d /tmp/rkt-trust.XXXXXX)
failed=0
servers=()
export GNUPGHOME=$work/gnupg SSL_CERT_FILE=$work/ca.pem
rkt() { "$TOP/$B/rkt" --dir="$work/data" --system-config="$work/none" --local-config="$work/etc" "$@"; }
cleanup() {
	[ ${#servers[@]} = 0 ] || kill "${servers[@]}"
	wait
	gpgconf --kill all
	rkt gc --grace-period=0 --expire-prepared=0 >/dev/null 2>&1
	rkt gc --grace-period=0 --expire-prepared=0 >/dev/null 2>&1
	umount /etc/hosts
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
step() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
# Shows a command, and runs it; expects a status, and a text in what it says.
show() { # STATUS TEXT COMMAND…
	local wanted=$1 text=$2 said status=0
	shift 2
	printf '%s$ %s%s\n' "$dim" "$*" "$plain"
	said=$("$@" 2>&1) || status=$?
	printf '%s\n' "$said"
	[ "$status" = "$wanted" ] || { echo "demo: status $status, expected $wanted" >&2; failed=1; }
	[[ $said == *"$text"* ]] || { echo "demo: '$text' was expected" >&2; failed=1; }
}
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; echo "demo: $1 failed" >&2; exit 1; }; }
listens() { # PORT
	for _ in $(seq 200); do
		[ -z "$(ss -Hltn "sport = :$1")" ] || return 0
		sleep .05
	done
	echo "demo: nobody listens on port $1" >&2
	exit 1
}

step 'Two hosts: example.com, where nginx has appc images, and registry.example, a registry; TLS by an authority of our own'
quietly tests/images/build.sh busybox
ip link set lo up
mkdir -m 700 "$GNUPGHOME"
mkdir "$work/site"
printf '127.0.0.1 localhost example.com registry.example\n' >"$work/hosts"
mount --bind "$work/hosts" /etc/hosts || exit 1
new_ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
quietly openssl req -x509 "${new_ec[@]}" -keyout "$work/ca.key" -out "$work/ca.pem" -days 2 -subj /CN=authority
quietly openssl req "${new_ec[@]}" -keyout "$work/tls.key" -out "$work/tls.csr" -subj /CN=servers
echo 'subjectAltName=DNS:example.com,DNS:registry.example' >"$work/names"
quietly openssl x509 -req -in "$work/tls.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -extfile "$work/names" -out "$work/tls.pem" -days 1
cat >"$work/nginx.conf" <<END
daemon off; pid $work/nginx.pid; error_log $work/nginx.err; worker_processes 1; user root;
events { worker_connections 64; }
http {
	access_log off; client_body_temp_path $work/t; proxy_temp_path $work/t; fastcgi_temp_path $work/t; uwsgi_temp_path $work/t; scgi_temp_path $work/t;
	types { text/html html; }
	server { listen 127.0.0.1:443 ssl; ssl_certificate $work/tls.pem; ssl_certificate_key $work/tls.key; root $work/site; index index.html; }
}
END
cat >"$work/registry.yml" <<END
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: '127.0.0.1:5000', tls: {certificate: $work/tls.pem, key: $work/tls.key}}
END
nginx -c "$work/nginx.conf" 2>"$work/nginx.out" &
servers+=($!)
docker-registry serve "$work/registry.yml" >"$work/registry.out" 2>&1 &
servers+=($!)
listens 443
listens 5000

step 'The publisher: an appc image with a detached signature by gpg beside it, where the page of its name says'
quietly gpg --batch --passphrase '' --quick-gen-key 'Publisher <publisher@example.com>' rsa3072 sign never
cp build/images/busybox.aci "$work/site/busybox-latest.aci"
show 0 '' gpg --batch --quiet --armor --output "$work/site/busybox-latest.aci.asc" --detach-sign "$work/site/busybox-latest.aci"
gpg --batch --armor --export publisher@example.com >"$work/publisher.pub"
echo '<html><head><meta name="ac-discovery" content="example.com https://example.com/busybox-{version}.{ext}"></head></html>' >"$work/site/index.html"

step 'Refused: nobody has said whose signature counts. Once the key is trusted for the name, it runs'
show 254 'signature made by unknown entity' rkt run example.com/busybox --exec=/bin/echo -- hello
show 0 'Added key for prefix "example.com"' rkt trust --prefix=example.com --skip-fingerprint-review "$work/publisher.pub"
show 0 'hello' rkt run example.com/busybox --exec=/bin/echo -- hello
show 0 'openpgp:' rkt image list --full

step 'The publisher: an OCI image in the registry'
quietly umoci init --layout "$work/layout"
quietly umoci new --image "$work/layout:hello"
quietly umoci unpack --image "$work/layout:hello" "$work/bundle"
tar -xf build/images/busybox.aci -C "$work/bundle" rootfs
quietly umoci repack --image "$work/layout:hello" "$work/bundle"
quietly umoci config --image "$work/layout:hello" --config.cmd /bin/echo --config.cmd 'hello from the registry'
image=registry.example:5000/team/hello
show 0 '' skopeo copy -q --digestfile "$work/digest" "oci:$work/layout:hello" "docker://$image:1.0"

step 'Refused: no key is trusted for the name, and so nobody could have signed it'
show 254 'no key is trusted to sign' rkt run "docker://$image:1.0"

step 'The publisher: signed as cosign signs, at the tag sha256-….sig, with a key of openssl'
quietly openssl ecparam -name prime256v1 -genkey -noout -out "$work/cosign.key"
quietly openssl pkey -in "$work/cosign.key" -pubout -out "$work/cosign.pub"
quietly openssl ecparam -name prime256v1 -genkey -noout -out "$work/other.key"
quietly openssl pkey -in "$work/other.key" -pubout -out "$work/other.pub"
tests/images/sign.py payload "$image" "$(cat "$work/digest")" >"$work/payload"
quietly tests/images/sign.py push-cosign "https://$image" "$(cat "$work/digest")" "$work/cosign.key" "$work/payload"

step 'Refused with the key of somebody else; with the right one it runs'
show 0 '' rkt trust --prefix=registry.example:5000/team --skip-fingerprint-review "$work/other.pub"
show 254 'signature made by unknown entity' rkt run "docker://$image:1.0"
show 0 '' rkt trust --prefix=registry.example:5000/team --skip-fingerprint-review "$work/cosign.pub"
show 0 'hello from the registry' rkt run "docker://$image:1.0"
show 0 'verified by key sha256-' rkt trust explain "docker://$image:1.0"

step 'A key that is not trusted any more: what it had signed is named'
fingerprint=sha256-$(openssl pkey -pubin -in "$work/cosign.pub" -outform DER | sha256sum | cut -d' ' -f1)
show 0 Removed rkt trust rm "$fingerprint"
show 254 'not trusted for "registry.example:5000/team/hello" any more' rkt image verify registry.example-5000/team/hello

[ $failed = 0 ] && printf '\n%sTrust works.%s\n' "$bold" "$plain"
exit $failed
