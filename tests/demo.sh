#!/bin/bash
# Pods from beginning to end, with real programs out of Debian packages. Root. Leaves nothing behind.
# usage: tests/demo.sh      (make demo installs and builds what it needs first)
set -u
TOP=$(cd "$(dirname "$0")/.." && pwd)
B=${B:-build}
cd "$TOP" || exit 1
[ "$(id -u)" = 0 ] || { echo 'demo: pods need root: sudo make demo' >&2; exit 1; }
work=$(mktemp -d /tmp/rkt-demo.XXXXXX)
data=$work/data
images=$TOP/build/images
failed=0
rkt() { "$TOP/$B/rkt" --dir="$data" --insecure-options=image "$@"; }
cleanup() {
	local uuid
	for uuid in $(rkt list --no-legend --full 2>/dev/null | awk '/ running |\trunning\t/{print $1}'); do rkt stop --force "$uuid" >/dev/null 2>&1; done
	wait
	rkt gc --grace-period=0 --expire-prepared=0 >/dev/null 2>&1
	rkt gc --grace-period=0 --expire-prepared=0 >/dev/null 2>&1
	rm -rf --one-file-system "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; else bold='' dim='' plain=''; fi
step() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }
# Shows a command, and runs it.
show() {
	printf '%s$ rkt %s%s\n' "$dim" "$*" "$plain"
	rkt "$@"
}
expect() { # WHAT STATUS WANTED
	[ "$2" = "$3" ] || { echo "demo: $1: status $2, expected $3" >&2; failed=1; }
}
ready() { # UUID_FILE
	for _ in $(seq 200); do
		[ -s "$1" ] && rkt status --wait-ready=10s "$(cat "$1")" >/dev/null 2>&1 && return
		sleep .05
	done
	echo 'demo: the pod did not start' >&2
	exit 1
}

step 'Images: appc archives (ACI) made of Debian packages of redis, nginx and busybox'
tests/images/build.sh redis nginx busybox || exit 1
(cd "$images" && ls -sh1 redis.aci nginx.aci busybox.aci)

step 'An unsigned image is refused, unless the user says otherwise, as --insecure-options=image does below'
"$TOP/$B/rkt" --dir="$data" fetch "$images/redis.aci"
expect 'unsigned image' $? 254

step 'fetch: the image goes into the store; its id is the sha512 of the archive'
for name in redis nginx busybox; do show fetch "$images/$name.aci" || failed=1; done
show image list

step 'A pod of two apps that share a network of their own: redis, and a client that talks to it over the loopback'
rkt run --uuid-file-save="$work/redis" example.com/redis --name=server -- --save '' --loglevel warning \
	--- example.com/busybox --name=client --exec=/bin/sleep -- 1000 >"$work/redis.log" 2>&1 &
echo '$ rkt run example.com/redis --name=server --- example.com/busybox --name=client --exec=/bin/sleep -- 1000 &' | sed "s/^/$dim/; s/\$/$plain/"
ready "$work/redis"
uuid=$(cat "$work/redis")

step 'list: the pod, its apps and their images'
show list
step 'status: what the pod is doing'
show status "$uuid"
step 'enter: a command in one of the apps, confined exactly as the app is'
for _ in $(seq 50); do
	reply=$(rkt enter --app=client "$uuid" /bin/sh -c 'printf "SET greeting hello\r\nGET greeting\r\nQUIT\r\n" | nc 127.0.0.1 6379' 2>/dev/null) && [[ $reply == *hello* ]] && break
	sleep .1
done
printf "%s\$ rkt enter --app=client %s /bin/sh -c 'printf … | nc 127.0.0.1 6379'%s\n%s\n" "$dim" "${uuid:0:8}" "$plain" "$reply"
[[ $reply == *hello* ]] || { echo 'demo: redis did not answer' >&2; failed=1; }
show enter --app=server "$uuid" /usr/bin/redis-cli get greeting || failed=1

step 'stop: TERM to each app, KILL after a grace period; the status of each app is kept'
show stop "$uuid"
wait %% 2>/dev/null
show status "$uuid"

step 'The same with nginx: the client fetches a page, and its end is the end of the pod'
(
	rkt run --uuid-file-save="$work/nginx" example.com/nginx --name=web \
		--- example.com/busybox --name=client --exec=/bin/sh -- -c 'until wget -q -O - http://127.0.0.1:8080/ 2>/dev/null; do sleep .1; done; exit 42'
)
status=$?
echo "exit status of rkt run, which is the first failed app's: $status"
expect 'nginx pod' $status 42
show status "$(cat "$work/nginx")"

step 'Exit statuses: the app'"'"'s own, 128 + the signal that killed it, 203 for a program that cannot be executed'
show run example.com/busybox --exec=/bin/sh -- -c 'exit 7'
status=$?
echo "status $status"
expect 'exit 7' $status 7
show run example.com/busybox --exec=/no/such/program
status=$?
echo "status $status"
expect 'no such program' $status 203

step 'A volume of the host, an environment, a limit of memory'
mkdir "$work/shared"
echo 'from the host' >"$work/shared/file"
show run --volume=data,kind=host,source="$work/shared",readOnly=true --set-env=WHO=you example.com/busybox --mount volume=data,target=/mnt --memory=64M \
	--exec=/bin/sh -- -c 'echo "hello $WHO: $(cat /mnt/file)"; touch /mnt/x || echo "(as it should be)"; id -u; hostname'
expect 'volume' $? 0

step 'rm: one pod; gc: all that have exited'
show rm "$uuid"
show gc --grace-period=0
show list
step 'Nothing is left: mounts, processes and control groups of the pods'
left=$(grep -cF "$work" /proc/self/mountinfo; find /sys/fs/cgroup -type d -name "*${uuid:0:8}*" | wc -l)
[ "$left" = $'0\n0' ] && echo 'nothing' || { echo "demo: left: $left" >&2; failed=1; }
[ $failed = 0 ] && printf '\n%sThe demo is over; everything worked.%s\n' "$bold" "$plain"
exit $failed
