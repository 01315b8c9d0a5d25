# shellcheck shell=bash
# shellcheck disable=SC2094,SC2154
# What tests of signed images share: a registry, keys of both kinds, images and their signatures. Sourced behind tests/lib.sh.

# shellcheck source=tests/web.sh
. "$TOP/tests/web.sh"
SIGN=$TOP/tests/images/sign.py
FIXTURES=$TOP/tests/unit/data/signatures

requests() { grep -cE -- "\"GET [^\"]*$1" registry.log || true; } # PATTERN: how many the registry has had
# An image with one layer; TEXT makes it another one.
layout() { # [TEXT] [DIR]
	"$TOP/tests/images/layout.py" "$T/${2:-lay}" <<<"image(layer(f('x', '${1:-x}')), ref='one')"
}
push() { skopeo copy -q --dest-tls-verify=false "$@"; } # [skopeo flags] FROM TO
pushed() { # NAME:TAG [TEXT]: sets $digest
	[ -d "lay.${2:-x}" ] || layout "${2:-x}" "lay.${2:-x}"
	digest=$("$SIGN" push-image "$at/${1%:*}" "${1##*:}" "lay.${2:-x}")
}
key() { # NAME [ALGORITHM]: NAME.key, NAME.pub
	case ${2:-p256} in
	p256) openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" ;;
	rsa*) openssl genpkey -algorithm rsa -pkeyopt "rsa_keygen_bits:${2#rsa}" -out "$1.key" 2>/dev/null ;;
	esac
	openssl pkey -in "$1.key" -pubout -out "$1.pub"
}
fpr() { echo "sha256-$(openssl pkey -pubin -in "$1.pub" -outform DER | sha256sum | cut -d' ' -f1)"; }
# cosign NAME DIGEST KEY [REFERENCE]: what `cosign sign` leaves in a registry
cosign() {
	"$SIGN" payload "${4:-$at/$1}" "$2" >payload
	"$SIGN" push-cosign "$at/$1" "$2" "$3.key" payload
}
# rkt that asks for signatures; of registries without TLS, too.
srkt() { "$RKT" --dir="$DATA" --system-config="$T/vendor" --local-config="$T/config" --insecure-options="${INSECURE:-http}" "$@"; }
trust() { # KEY [flags]
	local name=$1
	shift
	srkt trust --skip-fingerprint-review "$@" "$name.pub" >/dev/null
}
verified() { srkt image list --format=json | jq -r '.[0].verified | .mechanism, .key'; }
none_stored() { is "$(srkt image list --no-legend --fields=name)" '' 'in the store'; }
new_gpg() {
	GNUPGHOME=$(mktemp -d "$CHECK_TMP/gXXXXXX")
	export GNUPGHOME
	trap leave EXIT
}
gpg_() { gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase '' "$@"; }
gpg_key() { # NAME [gpg options]: NAME.pub
	local name=$1
	shift
	gpg_ "$@" --quick-gen-key "$name <$name@example.com>" rsa2048 sign "${EXPIRY:-never}" 2>/dev/null
	gpg_ --armor --export "$name@example.com" >"$name.pub"
}
gpg_fpr() { gpg_ --with-colons --list-keys "$1@example.com" | awk -F: '/^fpr/ {print tolower($10); exit}'; }
