# shellcheck shell=bash
# What tests with servers of their own share: certificates, and tests/helpers/liar. Sourced by the scripts.

unset https_proxy HTTPS_PROXY http_proxy HTTP_PROXY all_proxy ALL_PROXY no_proxy NO_PROXY CURL_CA_BUNDLE SSL_CERT_DIR SSL_CERT_FILE

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
# A liar in the background; sets $at to where it is, $T/log has a line a request. serve [CERTIFICATE]
servers=() at=''
leave() {
	[ ${#servers[@]} = 0 ] || kill "${servers[@]}"
	[ -z "${GNUPGHOME:-}" ] || { gpgconf --kill all; rm -rf "$GNUPGHOME"; }
}
serve() {
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
