#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The virtual machine of vm-run.sh: qemu by software emulation, booted once, resumed for each command.

usage: vm.py prepare CGROUPS                      boots it and saves its state in $TESTBED/snap-CGROUPS
       vm.py run CGROUPS SHARED_DIR SECONDS CMD   resumes it and runs CMD with SHARED_DIR at /host
CGROUPS: pure (version 2), hybrid (controllers of version 1, processes in version 2), legacy (version 1)

Between the two sides, see guest/vmrun: the serial line (VMRUN-READY, then the time of the host), a disk with the
command's text, a virtio port "out" with its output and one "rc" with its status. The share is plugged in after resuming.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TESTBED = os.environ["TESTBED"]
MEMORY = "768M"
COMMAND_SIZE = 65536
KERNEL_ARGS = (
    "console=ttyS0 quiet loglevel=3 panic=-1 random.trust_cpu=on mitigations=off nokaslr no_timer_check lpj=4000000"
    " audit=0"
    " systemd.unit=vmrun.target systemd.show_status=0 systemd.log_level=notice vmrun.date=%d"
)
CGROUPS = {
    "pure": "",
    "hybrid": " systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=0",
    "legacy": " systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1",
}
# Of the security modules that give labels a machine has one at most.
LABELS = {
    "pure": " security=apparmor apparmor=1 selinux=0",
    "hybrid": " security=selinux selinux=1 apparmor=0",
    "legacy": " selinux=0 apparmor=0",
}
TIME_LIMIT, NO_STATUS = 124, 125


def connect(path, seconds=10):
    """A stream to a socket that qemu is about to make."""
    end = time.time() + seconds
    while True:
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            return s
        except OSError:
            if time.time() > end:
                raise
            time.sleep(0.01)


class Control:
    """qemu's control channel (QMP)."""

    def __init__(self, path):
        self.socket = connect(path)
        self.stream = self.socket.makefile("rw")
        self.stream.readline()  # its greeting
        self("qmp_capabilities")

    def __call__(self, command, **arguments):
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while True:  # events may come first
            answer = json.loads(self.stream.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError("%s: %s" % (command, answer["error"]["desc"]))


class Machine:
    """A directory of sockets and files, and the processes that use them; all gone at the end of `with`."""

    def __init__(self, cgroups):
        self.kernel_args = KERNEL_ARGS % time.time() + CGROUPS[cgroups] + LABELS[cgroups]
        self.snapshot = "%s/snap-%s" % (TESTBED, cgroups)

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="rkt-vm.")
        self.processes = []
        return self

    def __exit__(self, *_):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
            p.wait()
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def spawn(self, *argv, **more):
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, **more)
        self.processes.append(p)
        return p

    def write_command(self, text):
        with open(self.path("command"), "w") as f:
            f.write(text + "\n#VMRUN-END\n")
        if os.path.getsize(self.path("command")) > COMMAND_SIZE:
            raise SystemExit("vm: the command is too long")
        os.truncate(self.path("command"), COMMAND_SIZE)

    def qemu(self, *more):
        """The same devices, in the same slots, when the state is saved and when it is resumed."""
        d = self.dir
        return self.spawn(
            "qemu-system-x86_64",
            *("-M", "q35,usb=off,vmport=off,graphics=off", "-accel", "tcg,thread=multi,tb-size=256"),
            *("-cpu", "max", "-smp", "2", "-m", MEMORY),
            *("-nographic", "-nodefaults", "-no-reboot"),
            *("-kernel", TESTBED + "/vmlinuz", "-initrd", TESTBED + "/initrd.gz"),
            *("-append", self.kernel_args),
            # virtiofs needs memory that its daemon can map
            *("-object", f"memory-backend-memfd,id=mem,size={MEMORY},share=on", "-numa", "node,memdev=mem"),
            *("-chardev", f"socket,id=serial,path={d}/serial,server=on,wait=off", "-serial", "chardev:serial"),
            *("-qmp", f"unix:{d}/qmp,server=on,wait=off"),
            *("-drive", f"file={TESTBED}/root.erofs,format=raw,if=none,id=root,readonly=on"),
            *("-device", "virtio-blk-pci,drive=root,addr=3"),
            *("-drive", f"file={d}/command,format=raw,if=none,id=command,readonly=on"),
            *("-device", "virtio-blk-pci,drive=command,addr=4"),
            *("-device", "virtio-serial-pci,addr=5"),
            *("-chardev", f"file,id=out,path={d}/out", "-device", "virtserialport,chardev=out,name=out,nr=1"),
            *("-chardev", f"file,id=rc,path={d}/rc", "-device", "virtserialport,chardev=rc,name=rc,nr=2"),
            *("-device", "virtio-rng-pci,addr=6"),
            *("-device", "pcie-root-port,id=rp1,chassis=1,slot=1,addr=7"),
            *more,
        )


def wait_for_ready(serial, seconds):
    said = b""
    serial.settimeout(seconds)
    while b"VMRUN-READY" not in said:
        part = serial.recv(4096)
        if not part:
            raise SystemExit("vm: it ended while booting: %r" % said[-1000:])
        said += part


def prepare(cgroups):
    with Machine(cgroups) as m:
        m.write_command("")
        qemu = m.qemu()
        wait_for_ready(connect(m.path("serial")), 180)
        time.sleep(1)  # it has nothing more to do
        control = Control(m.path("qmp"))
        control("stop")
        control("migrate-set-parameters", **{"max-bandwidth": 1 << 40})
        control("migrate", uri="exec:cat >'%s.new'" % m.snapshot)
        while control("query-migrate").get("status") not in ("completed", "failed"):
            time.sleep(0.05)
        if control("query-migrate")["status"] != "completed":
            raise SystemExit("vm: its state could not be saved")
        control("quit")
        qemu.wait()
        os.rename(m.snapshot + ".new", m.snapshot)


def plug_share(m, control, share):
    m.spawn(
        "/usr/lib/qemu/virtiofsd",
        *("--socket-path=" + m.path("share"), "-o", "source=" + os.path.realpath(share)),
        *("-o", "cache=auto", "-o", "xattr"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.time() + 10
    while not os.path.exists(m.path("share")) and time.time() < end:
        time.sleep(0.01)
    backend = {"addr": {"type": "unix", "data": {"path": m.path("share")}}, "server": False}
    control("chardev-add", id="share", backend={"type": "socket", "data": backend})
    control("device_add", driver="vhost-user-fs-pci", id="fs", bus="rp1", chardev="share", tag="host")


def run(cgroups, share, seconds, command):
    with Machine(cgroups) as m:
        m.write_command(command)
        os.mkfifo(m.path("out"))
        output = m.spawn("cat", m.path("out"))
        qemu = m.qemu("-incoming", "exec:cat '%s'" % m.snapshot)
        control = Control(m.path("qmp"))
        while control("query-status")["status"] == "inmigrate":
            time.sleep(0.01)
        plug_share(m, control, share)
        control("cont")
        serial = connect(m.path("serial"))
        serial.sendall(b"%d\n" % time.time())
        try:
            qemu.wait(seconds)
        except subprocess.TimeoutExpired:
            print("vm: not done in %g s" % seconds, file=sys.stderr)
            return TIME_LIMIT
        output.wait(5)
        with open(m.path("rc")) as f:
            status = f.read().strip()
        return int(status) if status else NO_STATUS


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if len(sys.argv) == 3 and sys.argv[1] == "prepare":
        prepare(sys.argv[2])
        return 0
    if len(sys.argv) == 6 and sys.argv[1] == "run":
        return run(sys.argv[2], sys.argv[3], float(sys.argv[4]), sys.argv[5])
    print(__doc__, file=sys.stderr)
    return 2


sys.exit(main())
