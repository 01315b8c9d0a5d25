#!/bin/bash
# vm-tcg.sh [-s SHARED_DIR] [-m MIB] [-c CPUS] [-t SECONDS] [-v] 'COMMAND'
# Boots Debian 12 (kernel 6.1 cloud, systemd 252, pure cgroup v2) under QEMU TCG, runs COMMAND as root from
# a systemd service, prints its output (stdout+stderr) as it comes and exits with its exit code. SHARED_DIR
# (default: cwd) is mounted read-write at /host by virtiofs; COMMAND starts there. The root is a throw-away
# overlay over a read-only erofs image. exit 124: time limit; 125: the VM ended without giving an exit code.
here=$(cd "$(dirname "$0")" && pwd)
V=${TESTBED:-$(realpath "$here/../..")/build/testbed}; share=$PWD; mem=1024; cpus=2; lim=180; verbose=
while getopts s:m:c:t:v o; do case $o in s) share=$OPTARG;; m) mem=$OPTARG;; c) cpus=$OPTARG;; t) lim=$OPTARG;; v) verbose=1;; *) exit 2;; esac; done
shift $((OPTIND-1)); [ $# -ge 1 ] || { echo "usage: vm-tcg.sh [-s DIR] [-m MIB] [-c CPUS] [-t SEC] [-v] 'COMMAND'" >&2; exit 2; }
w=$(mktemp -d /tmp/vmrun.XXXXXX); vp=; qp=; cp=
cleanup() { for p in $qp $vp $cp; do kill $p 2>/dev/null; done; wait 2>/dev/null; rm -rf "$w"; }
trap cleanup EXIT; trap 'exit 130' INT TERM
printf '%s\n#VMRUN-END\n' "$*" > $w/cmd; truncate -s 65536 $w/cmd
mkfifo $w/out; cat $w/out & cp=$!
/usr/lib/qemu/virtiofsd --socket-path=$w/vfs -o source="$(realpath "$share")" -o cache=auto -o xattr -o writeback >$w/vfs.log 2>&1 & vp=$!
for n in $(seq 150); do [ -S $w/vfs ] && break; sleep 0.02; done
timeout -k 3 $lim qemu-system-x86_64 -M q35,usb=off,vmport=off,graphics=off -accel tcg,thread=multi,tb-size=256 -cpu ${VMCPU:-max} -smp $cpus -m $mem \
  -nographic -nodefaults -no-reboot -serial file:$w/console -kernel $V/vmlinuz -initrd $V/ird-sd.gz \
  -object memory-backend-memfd,id=mem,size=${mem}M,share=on -numa node,memdev=mem \
  -chardev socket,id=vfs,path=$w/vfs -device vhost-user-fs-pci,queue-size=1024,chardev=vfs,tag=host \
  -drive file=$V/root-vm.erofs,format=raw,if=none,id=d0,readonly=on -device virtio-blk-pci,drive=d0 \
  -drive file=$w/cmd,format=raw,if=none,id=d1,readonly=on -device virtio-blk-pci,drive=d1 \
  -device virtio-serial-pci -chardev file,id=out,path=$w/out -device virtserialport,chardev=out,name=out,nr=1 \
  -chardev file,id=rc,path=$w/rc -device virtserialport,chardev=rc,name=rc,nr=2 \
  -device virtio-rng-pci \
  -append "console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on mitigations=off nokaslr no_timer_check lpj=4000000 audit=0 cryptomgr.notests selinux=0 apparmor=0 systemd.unit=vmrun.target systemd.show_status=0 systemd.log_level=notice vmrun.date=$(date +%s)" </dev/null 2>$w/qemu.err & qp=$!
wait $qp; q=$?; qp=; [ -s $w/rc ] && wait $cp
[ -n "$verbose" ] && { echo "--- console"; cat $w/console; echo "--- qemu"; cat $w/qemu.err; } >&2
[ -s $w/rc ] && exit "$(tr -dc 0-9 <$w/rc)"
{ [ $q = 124 ] || [ $q = 137 ]; } && { echo "vm-run: time limit $lim s; console: $(tail -c 400 $w/console)" >&2; exit 124; }
echo "vm-run: no exit code (qemu $q): $(cat $w/qemu.err) $(tail -c 600 $w/console)" >&2; exit 125
