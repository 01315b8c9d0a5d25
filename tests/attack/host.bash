# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154
# What scripts of attacks share: the host that they aim at, and a second pod. Sourced.
#
#   guard             the host as it is: files that stand for the host's ($HOST, with a secret) and some that are; a bystander
#   untouched         nothing of that has changed, and the bystander lives
#   $(race_image)     an image whose /bin/race is the hostile side of races (tests/helpers/race.c)

SECRET=5ec2e7-of-the-host
# From wherever a root lies on the host, up to the host's.
up=$(printf '../%.0s' {1..40}).

# Names, kinds, modes, owners, links and content.
host_digest() {
	find "$HOST" -printf '%P %y %m %U:%G %n %l\n' | sort
	find "$HOST" -type f -exec sha256sum {} + | sort
	sha256sum /etc/passwd /etc/group /etc/shadow /etc/hosts "$RKT" "$TOP/$B"/stage1-*.aci "$TOP/$B"/libexec/rkt/*
	stat -c '%n %a %U:%G' /etc /etc/passwd /etc/shadow /bin/. /bin/sh /usr /proc/sys "$RKT"
	cat /proc/sys/kernel/{core_pattern,hostname}
	bystander_digest
}
bystander_digest() {
	[ -d "$DATA/pods/run/${BYSTANDER:-none}" ] || return 0
	find "$DATA/pods/run/$BYSTANDER" -path '*/upper*' -printf '%P %y %m %U:%G %s\n' | sort
	cat "$T/bystander/volume/file"
}
guard() {
	HOST=$T/host
	mkdir -p "$HOST/dir/sub" "$T/bystander/volume"
	echo "$SECRET" >"$HOST/secret"
	echo "$SECRET" >"$HOST/dir/sub/file"
	echo "$SECRET" >"$HOST/dir/file"
	chmod 600 "$HOST/secret" "$HOST/dir/file"
	echo bystander >"$T/bystander/volume/file"
	"${RKTC[@]}" run --uuid-file-save="$T/bystander/uuid" --volume=data,kind=host,source="$T/bystander/volume" "$TESTAPP" \
		--exec=/bin/testapp -- write /mine bystander + echo up + sleep 1000 >"$T/bystander/out" 2>&1 </dev/null &
	BYSTANDER_PID=$!
	wait_for 20 grep -q up "$T/bystander/out" || fail "the bystander did not start: $(cat "$T/bystander/out")"
	BYSTANDER=$(cat "$T/bystander/uuid")
	host_digest >"$T/before"
}
untouched() {
	host_digest >"$T/after"
	diff "$T/before" "$T/after" || fail 'the host or a second pod was touched'
	kill -0 "$BYSTANDER_PID" || fail 'the second pod died'
	hasnt "$(mounts_of "$HOST")" "$HOST"
	rkt stop --force "$BYSTANDER" >/dev/null
	killed "$BYSTANDER_PID"
}
race_image() {
	mkdir -p "$T/race.root/bin" "$T/race.root/v"
	cp "$HELPERS/race" "$T/race.root/bin/race"
	image_with race '.app.mountPoints = []' "$T/race.root"
}
# Hostile apps: `hostile [rkt run flags] IMAGE … -- ARGUMENTS of race`, until `enough`, which prints what they said.
hostile() {
	"${RKTC[@]}" run "$@" >"$T/hostile.out" 2>&1 </dev/null &
	HOSTILE_PID=$!
	wait_for 20 grep -q '^go' "$T/hostile.out" || fail "the hostile pod did not start: $(cat "$T/hostile.out")"
}
enough() { # STOP_FILE, AT_LEAST
	touch "$1"
	status=0
	wait "$HOSTILE_PID" || status=$?
	out=$(cat "$T/hostile.out") err=''
	ok 'the hostile pod'
	hasnt "$out" reached
	local n
	n=$(sed -n 's/^[a-z]* \([0-9]*\)$/\1/p' <<<"$out" | head -n 1)
	[ "${n:-0}" -ge "$2" ] || fail "raced ${n:-0} times only"
}
