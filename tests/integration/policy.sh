# shellcheck shell=bash
# shellcheck disable=SC2154
# containers-policy.json(5) as a further condition: skopeo says what a policy means.
# time limit: 120

. "$TOP/tests/signing.sh"

# jq: policies in few words. $k: where the keys are.
WORDS='
def any: {type: "insecureAcceptAnything"};
def no: {type: "reject"};
def by($key): {type: "signedBy", keyType: "GPGKeys", keyPath: "\($k)/\($key).pub"};
def cosign($key): {type: "sigstoreSigned", keyPath: "\($k)/\($key).pub"};
def match($type): . + {signedIdentity: {type: $type}};
def reference($r): . + {signedIdentity: {type: "exactReference", dockerReference: $r}};
def repository($r): . + {signedIdentity: {type: "exactRepository", dockerRepository: $r}};
def remap($from; $to): . + {signedIdentity: {type: "remapIdentity", prefix: $from, signedPrefix: $to}};
def docker($scopes): {default: [no], transports: {docker: $scopes}};
def only($q): {default: [$q]};'
policy() { jq -n --arg k "$T" --arg at "$at" --arg digest "$digest" --arg b64 "$(base64 -w 0 alice.pub)" "$WORDS $1" >policy.json; }
# The machine's configuration, for us alone.
in_etc() {
	mkdir -p etc/containers/registries.d
	printf 'docker:\n  %s:\n    lookaside: file://%s/sigs\n    use-sigstore-attachments: true\n' "$at" "$T" >etc/containers/registries.d/x.yaml
	printf '%s\n' '#!/bin/sh' "mount -t overlay -o 'lowerdir=$T/etc:/etc' overlay /etc && exec '$RKT' --dir='$DATA' --local-config='$T/config' --insecure-options=\${INSECURE:-http} \"\$@\"" >in_etc
	chmod +x in_etc
}
prkt() { unshare -m ./in_etc "$@"; }
configured() { # POLICY: the path, or "system"
	mkdir -p config/trust.d
	printf '{"rktKind": "trust", "rktVersion": "v1", "policy": "%s"}\n' "$1" >config/trust.d/policy.json
}
# Images: team/app:v1 and (moved) :v2, signed by carol and alice as v1; team/repo:v1, by alice for the repository; free/app:v1.
world() {
	registry
	key alice
	key bob
	new_gpg
	gpg_key carol
	gpg_key dave
	pushed free/app:v1 free
	pushed team/repo:v1 repo
	cosign team/repo "$digest" alice
	pushed team/app:v2
	pushed team/app:v1
	cosign team/app "$digest" alice "$at/team/app:v1"
	mkdir -p "sigs/team/app@${digest/:/=}"
	skopeo inspect --raw --tls-verify=false "docker://$at/team/app:v1" >manifest
	skopeo standalone-sign -o "sigs/team/app@${digest/:/=}/signature-1" manifest "$at/team/app:v1" "$(gpg_fpr carol)"
	in_etc
	configured "$T/policy.json"
	# the keystore accepts all of them: the policy alone decides
	srkt trust --prefix="$at" --allow-unsigned >/dev/null
}
verdict() { # of skopeo
	rm -rf copied
	if skopeo --policy policy.json --registries.d etc/containers/registries.d copy -q --src-tls-verify=false "$1" dir:copied >skopeo.out 2>&1; then echo yes; else echo no; fi
}
as_skopeo() { # a table on standard input: IMAGE POLICY
	local image wanted yes=0 no=0
	while read -r image text; do
		case $image in
		oci*) ;;
		*) image=docker://$at/${image/DIGEST/$digest} ;;
		esac
		policy "$text"
		wanted=$(verdict "$image")
		run prkt fetch "$image"
		case $wanted:$status in
		yes:0) yes=$((yes + 1)) ;;
		no:254)
			no=$((no + 1))
			refused policy.json
			;;
		*)
			cat skopeo.out >&2
			fail "$image, $text: skopeo says $wanted"
			;;
		esac
	done
	[ "$yes" -gt 2 ] && [ "$no" -gt 2 ] || fail "$yes accepted, $no refused: the table shows nothing"
}
test_scopes_mean_what_skopeo_says() {
	world
	"$TOP/tests/images/layout.py" lay <<<"image(layer(f('x', 'x')), ref='example.com/team/app:1')"
	srkt trust --prefix=example.com --allow-unsigned >/dev/null
	as_skopeo <<-'TABLE'
		free/app:v1 only(any)
		free/app:v1 only(no)
		free/app:v1 {default: [any, no]}
		free/app:v1 docker({"": [any]})
		free/app:v1 docker({"": [any], ($at): [no]})
		free/app:v1 docker({"": [no], ($at + "/free"): [any]})
		free/app:v1 docker({"": [no], ($at + "/fre"): [any]})
		free/app:v1 docker({($at + "/free"): [no], ($at + "/free/app"): [any]})
		free/app:v1 docker({($at + "/free/app"): [no], ($at + "/free/app:v1"): [any]})
		free/app:v1 docker({($at + "/free/app"): [any], ($at + "/free/app:v2"): [no]})
		free/app:v1 docker({"127.0.0.1": [any]})
		free/app:v1 docker({"*.0.0.1": [any]})
		free/app:v1 docker({"*.0.1": [any]})
		free/app:v1 docker({"*.1": [any], "*.0.1": [no]})
		team/app@DIGEST docker({($at + "/team/app@" + $digest): [any]})
		team/app@DIGEST docker({($at + "/team/app:v1"): [any]})
		free/app:v1 {default: [any], transports: {oci: {"": [no]}}}
		oci:lay:example.com/team/app:1 {default: [any], transports: {oci: {"": [no]}}}
		oci:lay:example.com/team/app:1 {default: [no], transports: {oci: {($k): [any]}}}
		oci:lay:example.com/team/app:1 {default: [no], transports: {oci: {($k + "/lay"): [any], ($k): [no]}}}
		oci:lay:example.com/team/app:1 {default: [no], transports: {oci: {($k + "/la"): [any]}}}
		free/app:v1 {default: []}
		free/app:v1 {transports: {}}
		free/app:v1 {default: [any], more: 1}
		free/app:v1 {default: [any + {more: 1}]}
		free/app:v1 {default: [any], transports: {oci: {"/": [any]}}}
	TABLE
}
test_signatures_mean_what_skopeo_says() {
	world
	as_skopeo <<-'TABLE'
		team/app:v1 only(by("carol"))
		team/app:v2 only(by("carol"))
		free/app:v1 only(by("carol"))
		team/app:v1 only(by("dave"))
		team/app:v1 {default: [by("carol"), by("dave")]}
		team/app:v1 {default: [by("carol"), no]}
		team/app:v1 only(by("carol") | match("matchExact"))
		team/app@DIGEST only(by("carol") | match("matchExact"))
		team/app@DIGEST only(by("carol"))
		team/app:v2 only(by("carol") | match("matchRepository"))
		team/app:v2 only(by("carol") | reference($at + "/team/app:v1"))
		team/app:v1 only(by("carol") | reference($at + "/team/app:v2"))
		team/app:v1 only(by("carol") | repository($at + "/team/app"))
		team/app:v1 only(by("carol") | repository($at + "/team"))
		team/app:v1 only(by("carol") | remap($at; "vendor.example"))
		team/app:v1 only(by("carol") | remap($at + "/tea"; "vendor.example"))
		team/app:v1 only(by("nobody"))
		free/app:v1 only(cosign("alice") | match("matchRepository"))
	TABLE
}
# Debian's skopeo refuses whatever is to be "sigstoreSigned": here the manual page alone is the oracle.
test_cosigns_signatures() {
	world
	local wanted image text
	while read -r wanted image text; do
		policy "$text"
		run prkt fetch "docker://$at/${image/DIGEST/$digest}"
		case $wanted in
		yes) ok "$image, $text" ;;
		*) refused policy.json "$wanted" ;;
		esac
	done <<-'TABLE'
		yes team/app:v1 only(cosign("alice"))
		yes team/app:v1 {default: [by("carol"), cosign("alice")]}
		dave.pub team/app:v1 {default: [cosign("alice"), by("dave")]}
		team/app:v1 team/app:v2 only(cosign("alice"))
		bob.pub team/app:v1 only(cosign("bob"))
		team/repo team/repo:v1 only(cosign("alice"))
		yes team/repo:v1 only(cosign("alice") | match("matchRepository"))
		yes team/repo:v1 only(cosign("alice") | repository($at + "/team/repo"))
		team/app:v1 team/app@DIGEST only(cosign("alice") | match("matchExact"))
		yes team/app@DIGEST only(cosign("alice"))
		signature free/app:v1 only(cosign("alice") | match("matchRepository"))
		yes team/app:v1 only(cosign("alice") | del(.keyPath) | .keyData = $b64)
		exactly team/app:v1 only(cosign("alice") | .keyData = $b64)
		matchAll team/app:v1 only(cosign("alice") | match("matchAll"))
		signature team/app:v1 only(by("alice"))
	TABLE
}
# Newer than the skopeo that is asked above, or beyond what it does.
test_what_is_ours() {
	world
	policy 'only({type: "sigstoreSigned", fulcio: {caPath: "/x", oidcIssuer: "y", subjectEmail: "z"}, rekorPublicKeyPath: "/r"})'
	run prkt fetch "docker://$at/team/app:v1"
	refused 'not supported here' policy.json default
	policy 'only({type: "sigstoreSigned", keyPaths: ["\($k)/bob.pub", "\($k)/alice.pub"]})'
	run prkt fetch "docker://$at/team/app:v1"
	ok
	policy 'only({type: "signedBy", keyType: "GPGKeys", keyPaths: ["\($k)/dave.pub", "\($k)/carol.pub"]})'
	run prkt fetch "docker://$at/team/app:v1"
	ok
	policy 'docker({($at): [by("carol")]})'
	run prkt trust explain "docker://$at/team/app:v1"
	ok
	has "$out" "policy \"$T/policy.json\", docker scope \"$at\", asks, too: signedBy with the keys of '$T/carol.pub'"
	# what is stored is asked about again, its layers are not
	local layers
	layers=$(requests 'blobs/')
	run prkt fetch --pull-policy=new "docker://$at/team/app:v1"
	ok
	is "$(($(requests 'blobs/') - layers))" 1 'blobs: the payload alone'
	run prkt fetch --pull-policy=never "docker://$at/team/app:v1"
	refused 'policy.json' 'nothing else may be asked'
	# the keystore's condition remains
	policy 'only(any)'
	srkt trust rm --prefix="$at" --allow-unsigned >/dev/null
	rm -rf "$DATA"/cas
	run prkt fetch "docker://$at/team/app:v1"
	refused 'no key is trusted'
	# images of appc are none of a policy's business, and --insecure-options=image waives it
	policy 'only(no)'
	INSECURE=image,http run prkt fetch "docker://$at/team/app:v1"
	ok
	gpg_key erin
	cp "$IMAGES/busybox.aci" b.aci
	gpg_ -u erin@example.com --armor --output b.aci.asc --detach-sign b.aci 2>/dev/null
	trust erin --prefix=example.com/busybox
	run prkt fetch ./b.aci
	ok
}
test_where_the_policy_lies() {
	world
	configured system
	run prkt fetch "docker://$at/free/app:v1"
	policy 'only(any)'
	mv policy.json etc/containers/policy.json
	HOME=$T/home run prkt fetch "docker://$at/free/app:v1"
	ok
	mkdir -p home/.config/containers
	policy 'only(no)'
	mv policy.json home/.config/containers/policy.json
	HOME=$T/home run prkt fetch "docker://$at/free/app:v1"
	refused "policy '$T/home/.config/containers/policy.json', default: reject"
	configured "$T/missing.json"
	run prkt fetch "docker://$at/free/app:v1"
	refused missing.json
	configured relative
	run prkt fetch "docker://$at/free/app:v1"
	refused trust.d 'absolute path'
	configured "$T/x"
	run rkt config --local-config="$T/config"
	is "$(jq -r '.stage0[] | select(.rktKind == "trust").policy' <<<"$out")" "$T/x"
}
