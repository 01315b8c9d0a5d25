#!/bin/bash
# Makes what boot-container.sh and vm-run.sh need, once, in $TESTBED (default: build/testbed), from Debian packages. Needs root.
#
# usage: build.sh tree | vm
#   tree   $TESTBED/rootfs: a Debian system with systemd
#   vm     the tree as a disk image, a kernel, an initial ramdisk, and the saved states of the machine that booted them
#
# Nothing is done, and fast, where it has been made by this very recipe.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
TESTBED=${TESTBED:-$(realpath "$here/../..")/build/testbed}
export TESTBED
PACKAGES=systemd,systemd-sysv,dbus,procps,kmod,udev,iproute2,libisal2,libssl3,libzstd1
MODULES='virtio_pci virtio_blk virtio_console virtiofs erofs overlay'

recipe() { # tree | vm
	local files=("$here/build.sh" "$here"/guest/*)
	[ "$1" = tree ] || files+=("$here/vm.py")
	cat "${files[@]}" | sha256sum
}
is_made() { [ "$(cat "$TESTBED/made-$1" 2>/dev/null)" = "$(recipe "$1")" ]; }
made() { recipe "$1" >"$TESTBED/made-$1"; }

make_tree() {
	rm -rf --one-file-system rootfs
	mmdebstrap -q --variant=minbase --mode=root --include="$PACKAGES" \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='APT::Install-Recommends "false"' bookworm rootfs
	local units=rootfs/etc/systemd/system generators=rootfs/etc/systemd/system-generators unit generator
	mkdir -p rootfs/host "$generators"
	echo testbed >rootfs/etc/hostname
	echo 0123456789abcdef0123456789abcdef >rootfs/etc/machine-id
	install -m 755 "$here/guest/vmrun" rootfs/usr/local/sbin/
	cp "$here/guest/vmrun.service" "$here/guest/vmrun.target" "$units/"
	while read -r unit; do ln -sf /dev/null "$units/$unit"; done <"$here/guest/masked"
	for generator in rootfs/lib/systemd/system-generators/*; do
		ln -sf /dev/null "$generators/$(basename "$generator")"
	done
}

# Debian's kernel for virtual machines, unpacked in kernel/.
get_kernel() {
	local package
	apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1 || apt-get update -q
	package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
	rm -rf kernel download
	mkdir download
	(cd download && apt-get -q -o APT::Sandbox::User=root download "$package")
	dpkg -x download/*.deb kernel
	rm -rf download
	version=$(ls kernel/lib/modules)
	depmod -b kernel "$version"
	cp "kernel/boot/vmlinuz-$version" vmlinuz
}

# busybox and the modules in the order of their loading; guest/init mounts the root.
make_initrd() {
	local module file
	rm -rf initrd
	mkdir -p initrd/{bin,proc,dev,sys,modules,ro,rw,newroot}
	cp "$(command -v busybox)" initrd/bin/
	install -m 755 "$here/guest/init" initrd/init
	ln -s busybox initrd/bin/sh
	for module in $MODULES; do
		modprobe -d kernel -S "$version" --show-depends "$module" | awk '/^insmod/ { print $2 }'
	done | awk '!seen[$0]++' | while read -r file; do
		cp "$file" initrd/modules/
		basename "$file" >>initrd/modules/order
	done
	(cd initrd && find . | cpio -o -H newc --quiet | gzip -1) >initrd.gz
	rm -rf initrd
}

# Policies of the security modules, compiled here: the guest needs no compiler, and the host none that is installed.
make_policies() {
	rm -rf compilers download
	mkdir download
	(cd download && apt-get -q -o APT::Sandbox::User=root download apparmor secilc libsepol2)
	local package
	for package in download/*.deb; do dpkg -x "$package" compilers; done
	compilers/sbin/apparmor_parser --config-file /dev/null --skip-kernel-load --skip-cache \
		--features-file compilers/usr/share/apparmor-features/features --ofile rootfs/etc/apparmor.policy "$here/guest/apparmor.profile"
	LD_LIBRARY_PATH=$(echo compilers/lib/*/) compilers/usr/bin/secilc --policyvers=33 --output=rootfs/etc/selinux.policy \
		--filecontext=/dev/null "$here/guest/selinux.cil"
	rm -rf compilers download
}

make_vm() {
	local version cgroups
	get_kernel
	make_policies
	make_initrd
	rm -rf rootfs/usr/lib/modules
	mkdir -p rootfs/usr/lib/modules
	cp -a "kernel/lib/modules/$version" rootfs/usr/lib/modules/
	rm -rf kernel root.erofs
	mkfs.erofs root.erofs rootfs >/dev/null
	rm -rf rootfs/usr/lib/modules
	for cgroups in pure hybrid legacy; do "$here/vm.py" prepare $cgroups; done
}

case ${1:-} in
tree | vm) ;;
*)
	sed -n 2,8p "$0" >&2
	exit 2
	;;
esac
mkdir -p "$TESTBED"
cd "$TESTBED"
exec 9>lock
flock 9
if ! is_made tree; then
	make_tree
	made tree
fi
if [ "$1" = vm ] && ! is_made vm; then
	make_vm
	made vm
fi
