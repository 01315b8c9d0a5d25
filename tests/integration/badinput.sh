# shellcheck shell=bash
# Bad command lines, bad files: one clear line, exit 254, nothing left behind.

test_no_command() {
	run rkt
	ended 2
}
test_unknown_command() {
	run rkt dance
	refused dance
}
test_ambiguous_command() {
	run rkt r
	refused
}
test_unknown_flag() {
	run rkt run --no-such-flag "$TESTAPP"
	refused no-such-flag
	run rkt --no-such-flag list
	refused no-such-flag
}
test_flag_without_its_value() {
	run rkt run --hostname
	refused hostname
}
test_bad_values() {
	run rkt gc --grace-period=soon
	refused soon
	run rkt image gc --grace-period=-1h
	refused --grace-period=-1h
	run rkt list --format=yaml
	refused yaml
	run rkt run --net= "$TESTAPP"
	[ "$status" != 99 ]
	run rkt --insecure-options=everything list
	refused everything
	run rkt run "$TESTAPP" --memory=lots
	refused lots
	run rkt run "$TESTAPP" --memory=1k
	refused
	run rkt run "$TESTAPP" --cpu=-1
	refused
	run rkt run "$TESTAPP" --name='Bad Name'
	refused
	run rkt run --hostname='bad host/name' "$TESTAPP"
	[ "$status" != 0 ] || fail 'it ran'
	run rkt run --pod-memory=1 "$TESTAPP"
	refused 'limits of the pod: memory limit of 1 bytes too low. Try a reasonable value, such as --pod-memory=16M'
}
test_flags_that_name_nothing() {
	local flag
	for flag in --dns= --dns-search= "--dns-opt=," --dns-domain= --hosts-entry=; do
		run rkt run "$flag" "$TESTAPP"
		refused "${flag%%=*}"
	done
	run rkt run "$TESTAPP" --supplementary-gids=
	refused '--supplementary-gids'
	is "$(find "$DATA/pods" -mindepth 2 -maxdepth 2)" '' pods
}
test_mistakes_are_guessed() {
	run rkt run "$TESTAPP" --nmae=x
	refused 'unknown flag: --nmae, did you mean --name? (see rkt help run)'
	run rkt --version
	refused 'unknown flag: --version, did you mean rkt version? (see rkt help)'
	run rkt run alpine:3
	refused 'docker://alpine:3'
	run rkt run --set-env=NOVALUE "$TESTAPP"
	refused "run: --set-env 'NOVALUE': NAME=VALUE wanted"
	run rkt trust
	refused --prefix=PREFIX --root
	printf '{ "acKind": "PodManifest",\n  "apps": [,] }' >pod.json
	run rkt run --pod-manifest=pod.json
	refused "--pod-manifest 'pod.json': pod manifest: not valid JSON at line 2, column 12"
	echo '{ "acKind": "PodManifest", "acVersion": "0.8.11", "apps": [] }' >pod.json
	run rkt run --pod-manifest=pod.json
	refused "--pod-manifest 'pod.json': pod must contain at least one application"
}
test_files_that_are_no_public_keys() {
	openssl genpkey -algorithm ed25519 -out secret.pem
	printf -- '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n' >cosign.key
	: >empty
	echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5' >ssh
	local file
	for file in secret.pem cosign.key; do
		run rkt trust --root "$file"
		refused "'$file': a secret key"
	done
	for file in empty ssh; do
		run rkt trust --root "$file"
		refused "'$file': no public key is in it, neither OpenPGP's (armored or binary) nor one in PEM"
	done
}
test_without_proc() {
	RKTC[0]=$TOP/build/rkt # sanitizers need /proc themselves
	run unshare -m sh -c 'umount -l /proc && exec "$@"' sh "${RKTC[@]}" run "$TESTAPP"
	refused 'is /proc mounted?'
}
# A mistake in a flag is told of before an image is fetched for it.
test_flags_come_before_images() {
	local flag
	for flag in --memory=1k --cpu=x --pids-limit=0 --caps-retain=CAP_EVERYTHING --seccomp=mode=remove,execve --seccomp=mode=remove,nosuch \
		--seccomp=mode=remove,errno=EWHAT,chmod --rlimit=nosuch=1 --oom-score-adj=x --supplementary-gids=x; do
		run rkt run "$TESTAPP" "$flag"
		refused "$TESTAPP"
	done
	for flag in --pod-memory=1k --pod-pids=x --sysctl=kernel.core_pattern=x --volume=x --shm-size=x; do
		run rkt prepare "$flag" "$TESTAPP"
		refused
	done
	is "$(find "$DATA/cas" "$DATA/pods" -type f ! -name '*lock*' 2>/dev/null)" '' 'what is in the store'
}
test_references() {
	run rkt run ftp://x/y
	refused "image 'ftp://x/y': only https://, http://, file:// and docker:// URLs can be read"
	run rkt run oci:
	refused "image 'oci:': a path is missing"
	run rkt run docker://Upper
	refused "image 'docker://Upper': 'library/Upper' is not the name of a repository"
	run rkt trust explain docker://Upper
	refused "image 'docker://Upper': 'library/Upper' is not the name of a repository"
}
test_authorities_that_are_missing() {
	local name
	for name in SSL_CERT_FILE CURL_CA_BUNDLE; do
		run env -u SSL_CERT_FILE -u CURL_CA_BUNDLE "$name=/nosuch/ca" "${RKTC[@]}" fetch https://127.0.0.1:1/x.aci
		refused "open '/nosuch/ca' ($name): No such file or directory"
	done
}
test_bool_flags() {
	run rkt run --interactive=perhaps "$TESTAPP"
	refused perhaps
}
test_too_many_arguments() {
	run rkt status a b
	refused
	run rkt image export a
	refused
}
test_uuids() {
	local bad
	for bad in 0 zz ../../../etc '*' "$(printf 'a%.0s' $(seq 5000))" $'\e[31m'; do
		run rkt status "$bad"
		ended 254
		hasnt "$err" $'\e'
		run rkt rm "$bad"
		ended 254
		run rkt enter "$bad"
		ended 254
		run rkt stop "$bad"
		[ "$status" != 0 ] || fail "stop '$bad' worked"
	done
}
test_ambiguous_uuid() {
	local a b
	a=$(rkt prepare "$TESTAPP")
	mkdir -p "$DATA/pods/prepared/${a:0:4}ffff-1111-4111-8111-111111111111"
	run rkt status "${a:0:4}"
	ended 254
	rmdir "$DATA/pods/prepared/${a:0:4}ffff-1111-4111-8111-111111111111"
}
test_pod_manifests() {
	local bad
	fetch testapp
	for bad in '' '{' '[]' '{}' 'null' '{"acKind":"PodManifest"}' '{"acKind":"PodManifest","acVersion":"0.8.11","apps":[]}' \
		'{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"sha512-00"}}]}' \
		'{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"../a","image":{"id":"'"$id"'"}}]}' \
		'{"acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"'"$id"'"}},{"name":"a","image":{"id":"'"$id"'"}}]}' \
		'{"acKind":"PodManifest","acKind":"PodManifest","acVersion":"0.8.11","apps":[{"name":"a","image":{"id":"'"$id"'"}}]}'; do
		printf '%s' "$bad" >pod.json
		run rkt run --pod-manifest="$T/pod.json"
		refused
	done
	run rkt run --pod-manifest=/nowhere.json
	refused /nowhere.json
	head -c 50000000 /dev/zero >pod.json
	run rkt run --pod-manifest="$T/pod.json"
	refused
}
test_deep_json() {
	python3 -c "print('[' * 100000)" >pod.json
	run rkt run --pod-manifest="$T/pod.json"
	refused
}
test_data_directory_is_a_file() {
	echo x >file
	run "$RKT" --dir="$T/file" list
	refused "$T/file"
	run "$RKT" --dir="$T/file" --insecure-options=image run "$TESTAPP"
	refused
}
test_configuration_with_a_fault() {
	mkdir -p config/paths.d
	echo '{"rktKind": "paths", "rktVersion": "v1", "data": 5}' >config/paths.d/x.json
	run rkt list
	refused paths.d/x.json
}
test_full_standard_output() {
	status=0
	rkt list >/dev/full 2>"$T/err" || status=$?
	rkt version >/dev/full 2>"$T/err" || status=$?
	ended 254
}
test_help_is_on_standard_output() {
	run rkt help
	ok
	has "$out" run list status
	run rkt run --help
	ok
	has "$out" --net
	run rkt --help
	ok
}
test_version() {
	run rkt version
	ok
	has "$out" 'rkt Version: ' 'appc Version: 0.8.11' 'OS/Arch: linux/'
}
test_config() {
	mkdir -p config/paths.d
	printf '{"rktKind": "paths", "rktVersion": "v1", "data": "%s"}' "$T/elsewhere" >config/paths.d/x.json
	run "$RKT" --system-config="$T/none" --local-config="$T/config" config
	ok
	is "$(jq -r '.stage0[] | select(.rktKind == "paths") | .data' <<<"$out")" "$T/elsewhere"
	run "$RKT" --system-config="$T/none" --local-config="$T/config" --insecure-options=image prepare "$TESTAPP"
	ok
	[ -d "$T/elsewhere/pods/prepared/$out" ] || fail 'the configured directory was not used'
}
test_completion() {
	run rkt completion bash
	ok
	bash -n "$T/out"
	run rkt completion zsh
	ok
	zsh -n "$T/out"
	run rkt completion fish
	ok
	run rkt completion tcsh
	refused
}
test_arguments_that_look_like_flags_after_dashes() {
	pod -- echo --net=host --help
	ok
	is "$out" '--net=host --help'
}
test_two_argument_lists_for_one_image() {
	run rkt run "$TESTAPP" -- a --- -- b
	refused
}
