# shellcheck shell=bash
# shellcheck disable=SC2034
# What tests about members of the group rkt share. Sourced behind tests/lib.sh. The host's /etc/group stays as it is.

MEMBER=61234 OTHER_MEMBER=61236 GROUP_ID=61235
WRAP=() # what the member is started by
# In an /etc with a group rkt: in_group CMD…
in_group() {
	[ -e "$T/etc.group" ] || { sed '/^rkt:/d' /etc/group; echo "rkt:x:$GROUP_ID:"; } >"$T/etc.group"
	chmod 644 "$T/etc.group"
	unshare -m --propagation slave bash -c 'mount --bind "$0" /etc/group && exec "$@"' "$T/etc.group" "$@"
}
with_group() { run in_group "$@"; }
# As nobody else than a member. The way to the data directory is open to everybody, as in /var/lib.
as_member() {
	chmod 755 "$CHECK_TMP" "$T" "$DATA"
	in_group env HOME=/nowhere PATH=/usr/sbin:/usr/bin:/sbin:/bin "${WRAP[@]}" setpriv --reuid="${WHO:-$MEMBER}" --regid="${WHO:-$MEMBER}" --groups=$GROUP_ID "$@"
}
member() { run as_member "$@"; }
