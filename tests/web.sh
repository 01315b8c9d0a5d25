# shellcheck shell=bash
# What tests with servers of their own share: certificates, a registry, and tests/helpers/liar. Sourced by the scripts.

unset https_proxy HTTPS_PROXY http_proxy HTTP_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY CURL_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE GNUPGHOME

certificate() { # NAME SUBJECT_ALT_NAMES [openssl x509 flags]
	local name=$1 names=$2
	shift 2
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.csr" -subj "/CN=$name" 2>/dev/null
	printf 'subjectAltName=%s\n' "$names" >"$name.ext"
	openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -extfile "$name.ext" -out "$name.pem" "${@:--days=1}" 2>/dev/null
}
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority 2>/dev/null
	export SSL_CERT_FILE=$T/ca.pem
}
servers=() at=''
leave() {
	[ ${#servers[@]} = 0 ] || kill "${servers[@]}"
	[ -z "${GNUPGHOME:-}" ] || { gpgconf --kill all; rm -rf "$GNUPGHOME"; }
}
# Debian's registry in the background, its data in $T/registry; sets $at to where it is.
registry() { # [CERTIFICATE [MORE_OF_ITS_CONFIGURATION]]
	local tls='' scheme=http
	[ -z "${1:-}" ] || { tls=", tls: {certificate: $T/$1.pem, key: $T/$1.key}" scheme=https; }
	at=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	printf '%s\n' 'version: 0.1' 'log: {level: warn, accesslog: {disabled: false}}' "storage: {filesystem: {rootdirectory: $T/registry}}" \
		"http: {addr: '$at'$tls}" "${2:-}" >registry.yml
	docker-registry serve registry.yml >>registry.log 2>&1 &
	servers+=($!)
	trap leave EXIT
	wait_for 10 curl -sk -o /dev/null "$scheme://$at/v2/"
}
# A liar in the background; sets $at to where it is, $T/log has a line a request.
serve() { # [CERTIFICATE]
	mkdir -p www
	[ -e www/app.aci ] || cp "$TESTAPP" www/app.aci
	"$TOP/tests/helpers/liar" "$T/www" "$T/log" ${1:+"$1.pem" "$1.key"} >port 2>liar.err &
	servers+=($!)
	trap leave EXIT
	wait_for 10 test -s port
	at=127.0.0.1:$(cat port)
	: >port
}
https() {
	authority
	certificate good IP:127.0.0.1
	serve good
}
