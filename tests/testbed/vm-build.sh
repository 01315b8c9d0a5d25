#!/bin/bash
# vm-build.sh: makes what vm-run.sh and boot-container.sh need, once, in $TESTBED, from Debian packages. Root; about 90 s.
# Installs qemu, mmdebstrap and helpers on this machine. Extra packages for the tree: VM_PACKAGES="a,b".
set -e
here=$(cd "$(dirname "$0")" && pwd)
TESTBED=${TESTBED:-$(realpath "$here/../..")/build/testbed}
mkdir -p "$TESTBED/debs"; cd "$TESTBED"
apt-get install -y -q --no-install-recommends qemu-system-x86 qemu-system-common qemu-system-data seabios mmdebstrap erofs-utils cpio kmod python3 systemd-container >/dev/null
kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/{print $2; exit}')
(cd debs; apt-get download "$kernel" busybox-static 2>/dev/null)
rm -rf kpkg bb rootfs snap; dpkg -x debs/"${kernel}"_*.deb kpkg; dpkg -x debs/busybox-static_*.deb bb
version=$(ls kpkg/lib/modules); depmod -b kpkg "$version"; ln -sf "kpkg/boot/vmlinuz-$version" vmlinuz
mmdebstrap -q --variant=minbase --mode=root \
	--include=systemd,systemd-sysv,systemd-container,dbus,libnss-myhostname,iproute2,iputils-ping,procps,kmod,udev,socat,strace,iptables,nftables,containernetworking-plugins,uidmap,login,passwd,dbus-user-session,libpam-systemd,busybox-static,libseccomp2,libcap2,libjson-c5,libarchive13,libcurl4,librnp0,libisal2,libmnl0,libnftables1${VM_PACKAGES:+,$VM_PACKAGES} \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	--aptopt='APT::Install-Recommends "false"' bookworm rootfs
units=rootfs/etc/systemd/system; mkdir -p rootfs/host rootfs/usr/lib/modules rootfs/etc/systemd/system-generators
cp -a "kpkg/lib/modules/$version" rootfs/usr/lib/modules/
echo testbed >rootfs/etc/hostname; echo 0123456789abcdef0123456789abcdef >rootfs/etc/machine-id
install -m 755 "$here/guest/vmrun" rootfs/usr/local/sbin/; cp "$here"/guest/vmrun.service "$here"/guest/vmrun.target "$units/"
while read -r u; do ln -sf /dev/null "$units/$u"; done <"$here/guest/masked"
for g in rootfs/lib/systemd/system-generators/*; do ln -sf /dev/null "rootfs/etc/systemd/system-generators/$(basename "$g")"; done
INIT=$here/guest/init bash "$here/guest/mkinitrd.sh" kpkg ird-sd.gz virtio_pci virtio_blk virtio_console virtiofs erofs overlay
mkfs.erofs root-vm.erofs rootfs >/dev/null 2>&1
TESTBED=$TESTBED python3 "$here/vm-snap.py" prepare
