#!/bin/bash
# Makes the images that tests and the demo run, in build/images. What is there already is kept.
# usage: build.sh [NAME...]      (testapp busybox redis nginx etcd; default: all)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
out=$top/build/images
cache=$out/debs
mkdir -p "$cache"
exec 9>"$out/lock"
flock 9
root=
trap '[ -z "$root" ] || rm -rf "$root"' EXIT

pack() { # NAME VERSION APP_JSON ROOTFS
	"$here/manifest.sh" "example.com/$1" "$2" "$3" >"$out/$1.manifest"
	"$here/mkaci.sh" "$4" "$out/$1.manifest" "$out/$1.aci"
}
# The files that name resolution and `user` need.
accounts() { # ROOTFS [NAME ID]...
	local rootfs=$1
	shift
	mkdir -p "$rootfs/etc"
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$rootfs/etc/passwd"
	printf 'root:x:0:\n' >"$rootfs/etc/group"
	while [ $# -gt 0 ]; do
		printf '%s:x:%d:%d::/home/%s:/bin/sh\n' "$1" "$2" "$2" "$1" >>"$rootfs/etc/passwd"
		printf '%s:x:%d:\n' "$1" "$2" >>"$rootfs/etc/group"
		shift 2
	done
}

make_testapp() {
	mkdir -p "$1"/{bin,tmp,etc,data,home/alice}
	chmod 1777 "$1/tmp"
	accounts "$1" alice 1000 bob 1001
	printf 'staff:x:50:alice\n' >>"$1/etc/group"
	[ -x "$top/build/tests/helpers/testapp" ] || make -s -C "$top" build/tests/helpers/testapp
	install -m 755 "$top/build/tests/helpers/testapp" "$1/bin/testapp"
	printf 'not a program\n' >"$1/bin/text"
	printf '#!/no/such/interpreter\n' >"$1/bin/orphaned"
	printf 'plain\n' >"$1/bin/plain"
	chmod 755 "$1/bin/text" "$1/bin/orphaned"
	chmod 644 "$1/bin/plain"
	# an ELF program of another machine: e_machine of testapp, replaced
	cp "$1/bin/testapp" "$1/bin/foreign"
	printf '\xf3\x00' | dd of="$1/bin/foreign" bs=1 seek=18 conv=notrunc status=none
	pack testapp 1.0.0 '{"exec": ["/bin/testapp", "echo", "hello"], "user": "0", "group": "0",
		"environment": [{"name": "FROM_IMAGE", "value": "image"}, {"name": "SHARED", "value": "image"}],
		"mountPoints": [{"name": "data", "path": "/data"}],
		"ports": [{"name": "http", "protocol": "tcp", "port": 8080}]}' "$1"
}
make_busybox() {
	mkdir -p "$1"/{bin,tmp,root}
	chmod 1777 "$1/tmp"
	accounts "$1"
	cp "$(command -v busybox)" "$1/bin/busybox"
	local applet
	for applet in $("$1/bin/busybox" --list | grep -vx busybox); do ln -sf busybox "$1/bin/$applet"; done
	ln -sf busybox "$1/bin/sh"
	pack busybox 1.35.0 '{"exec": ["/bin/sh"], "user": "0", "group": "0"}' "$1"
}
make_redis() {
	"$here/debian.sh" "$cache" "$1" redis-server redis-tools
	accounts "$1" redis 100
	mkdir -p "$1"/{tmp,var/lib/redis}
	chmod 1777 "$1/tmp"
	chown 100:100 "$1/var/lib/redis"
	pack redis 7.0.15 '{"exec": ["/usr/bin/redis-server", "--dir", "/var/lib/redis", "--bind", "127.0.0.1"],
		"user": "redis", "group": "redis", "workingDirectory": "/var/lib/redis",
		"mountPoints": [{"name": "data", "path": "/var/lib/redis"}],
		"ports": [{"name": "redis", "protocol": "tcp", "port": 6379}]}' "$1"
}
make_nginx() {
	"$here/debian.sh" "$cache" "$1" nginx nginx-common
	accounts "$1" www-data 33
	mkdir -p "$1"/{tmp,var/log/nginx,var/lib/nginx,run,var/www/html}
	chmod 1777 "$1/tmp"
	echo '<h1>hello from nginx</h1>' >"$1/var/www/html/index.html"
	printf 'daemon off;\nuser www-data;\nworker_processes 1;\npid /run/nginx.pid;\nerror_log stderr;\nevents { worker_connections 64; }\nhttp { access_log off; server { listen 127.0.0.1:8080; root /var/www/html; } }\n' >"$1/etc/nginx/nginx.conf"
	rm -rf "$1/etc/nginx/modules-enabled"
	pack nginx 1.22.1 '{"exec": ["/usr/sbin/nginx"], "user": "0", "group": "0",
		"ports": [{"name": "http", "protocol": "tcp", "port": 8080}]}' "$1"
}
make_etcd() {
	"$here/debian.sh" "$cache" "$1" etcd-server
	accounts "$1"
	mkdir -p "$1"/{tmp,data}
	pack etcd 3.4.23 '{"exec": ["/usr/bin/etcd", "--data-dir", "/data"], "user": "0", "group": "0",
		"environment": [{"name": "ETCD_LISTEN_CLIENT_URLS", "value": "http://127.0.0.1:2379"},
			{"name": "ETCD_ADVERTISE_CLIENT_URLS", "value": "http://127.0.0.1:2379"}],
		"mountPoints": [{"name": "data", "path": "/data"}],
		"ports": [{"name": "client", "protocol": "tcp", "port": 2379}]}' "$1"
}

[ $# -gt 0 ] || set -- testapp busybox redis nginx etcd
for name; do
	stale=
	[ "$name" = testapp ] && [ "$top/build/tests/helpers/testapp" -nt "$out/testapp.aci" ] && stale=1
	[ "$here/build.sh" -nt "$out/$name.aci" ] && stale=1
	[ -n "$stale" ] || [ ! -s "$out/$name.aci" ] || continue
	root=$(mktemp -d "$out/root.XXXXXX")
	chmod 755 "$root"
	"make_$name" "$root"
	rm -rf "$root"
done
