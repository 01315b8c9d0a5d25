#!/usr/bin/env python3
"""Times commands.

measure.py rounds [-n ROUNDS] [-w WARM] [-b BEFORE] NAME 'COMMAND' [NAME 'COMMAND' ...]
    Each in turn, round by round (A B C, A B C, ...), which keeps ratios true on a machine whose speed drifts: medians, and ratios to the
    first. Wall time from spawn to exit status; cpu is user + system of the command and of its children that it waited for.
    Before ROUNDS there are WARM, 2 unless told. BEFORE is a command that is run with NAME as its last word before each, and not timed.
measure.py crowd COUNT 'COMMAND'
    One alone (median of 15), then COUNT at once; the ratio to what the cores could do without waiting for each other.
measure.py memory 'COMMAND'
    The most memory that it and its descendants had together at any moment (PSS), and the sum of what each had at most (RSS).

COMMAND is split as a shell would, and exec'd without one; output goes to /dev/null. One that fails is reported and left out. A word
@FILE stands for another line of FILE each time.
"""
import os
import shlex
import statistics
import subprocess
import sys
import time


LISTS = {}


def words(argv):
    for word in argv:
        if word.startswith("@"):
            if word not in LISTS:
                with open(word[1:], encoding="ascii") as lines:
                    LISTS[word] = iter(lines.read().split())
            word = next(LISTS[word])
        yield word


def once(argv):
    argv = list(words(argv))
    before = os.times()
    start = time.perf_counter()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, close_fds=False)
    wall = (time.perf_counter() - start) * 1000
    after = os.times()
    cpu = (after.children_user + after.children_system - before.children_user - before.children_system) * 1000
    return wall, cpu, done.returncode, done.stderr


def prepare(before, name):
    if before:
        subprocess.run(before + [name], stdin=subprocess.DEVNULL, check=True)


def rounds(argv):
    count, warm, before = 20, 2, None
    while argv[:1] and argv[0] in ("-n", "-w", "-b"):
        if argv[0] == "-n":
            count = int(argv[1])
        elif argv[0] == "-w":
            warm = int(argv[1])
        else:
            before = shlex.split(argv[1])
        argv = argv[2:]
    if not argv or len(argv) % 2:
        sys.exit(__doc__)
    commands = {name: shlex.split(command) for name, command in zip(argv[::2], argv[1::2])}
    walls, cpus = {}, {}
    for name, command in list(commands.items()):      # warm up, and see that each works
        status, text = 0, b""
        for _ in range(warm):
            prepare(before, name)
            _, _, status, text = once(command)
        if status:
            print(f"{name}: status {status}, left out: {text.decode(errors='replace').strip()[-200:]}", file=sys.stderr)
        else:
            walls[name], cpus[name] = [], []
    for _ in range(count):
        for name, times in list(walls.items()):
            prepare(before, name)
            wall, cpu, status, text = once(commands[name])
            if status:
                print(f"{name}: status {status}, left out: {text.decode(errors='replace').strip()[-200:]}", file=sys.stderr)
                del walls[name]
                continue
            times.append(wall)
            cpus[name].append(cpu)
    if not walls:
        sys.exit("nothing to compare")
    first = next(iter(walls))
    base, low = statistics.median(walls[first]), min(walls[first])
    print(f"{'':16} {'median ms':>10} {'min ms':>8} {'p90 ms':>8} {'cpu ms':>8} {'ratio':>7} {'of mins':>8}   (to {first}, {count} rounds)")
    for name, times in walls.items():
        p90 = sorted(times)[int(len(times) * .9)]
        print(f"{name:16} {statistics.median(times):10.2f} {min(times):8.2f} {p90:8.2f} {statistics.mean(cpus[name]):8.2f} "
              f"{statistics.median(times) / base:7.2f} {min(times) / low:8.2f}")


def crowd(argv):
    count, command = int(argv[0]), shlex.split(argv[1])
    once(command)
    alone = statistics.median(once(command)[0] for _ in range(15))
    cores = len(os.sched_getaffinity(0))
    totals = []
    for _ in range(3):
        start = time.perf_counter()
        running = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False)
                   for _ in range(count)]
        bad = sum(1 for p in running if p.wait())
        totals.append((time.perf_counter() - start) * 1000)
        if bad:
            sys.exit(f"{bad} of {count} failed")
    total = statistics.median(totals)
    fair = count / cores * alone
    print(f"one alone {alone:.2f} ms; {count} at once {total:.1f} ms on {cores} cores; ratio {total / fair:.2f} to {count} / {cores} x one alone")


def kib(path, key):
    try:
        with open(path, encoding="ascii", errors="replace") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(key))
    except (OSError, StopIteration):        # it has just ended
        return 0


def descendants(pid):
    found = [pid]
    for p in found:
        try:
            with open(f"/proc/{p}/task/{p}/children", encoding="ascii") as f:
                found += map(int, f.read().split())
        except OSError:
            pass
    return found


def memory(argv):
    done = subprocess.Popen(shlex.split(argv[0]), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, close_fds=False)
    most, each = 0, {}
    while done.poll() is None:
        now = 0
        for pid in descendants(done.pid):
            now += kib(f"/proc/{pid}/smaps_rollup", "Pss:")
            each[pid] = max(each.get(pid, 0), kib(f"/proc/{pid}/status", "VmHWM:"))
        most = max(most, now)
        time.sleep(.005)
    if done.returncode:
        sys.exit(f"status {done.returncode}")
    print(f"{most / 1024:.1f} MiB; the sum of the peaks of {len(each)} processes, one after another and at once, is {sum(each.values()) / 1024:.1f} MiB")


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("rounds", "crowd", "memory"):
        sys.exit(__doc__)
    {"rounds": rounds, "crowd": crowd, "memory": memory}[sys.argv[1]](sys.argv[2:])
