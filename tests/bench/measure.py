#!/usr/bin/env python3
"""Times commands.

measure.py rounds [-n ROUNDS] NAME 'COMMAND' [NAME 'COMMAND' ...]
    Each in turn, round by round (A B C, A B C, ...), which keeps ratios true on a machine whose speed drifts: medians, and ratios to the
    first. Wall time from spawn to exit status; cpu is user + system of the command and of its children that it waited for.
measure.py crowd COUNT 'COMMAND'
    One alone (median of 15), then COUNT at once; the ratio to what the cores could do without waiting for each other.

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


def rounds(argv):
    count = 20
    if argv[:1] == ["-n"]:
        count, argv = int(argv[1]), argv[2:]
    if not argv or len(argv) % 2:
        sys.exit(__doc__)
    commands = {name: shlex.split(command) for name, command in zip(argv[::2], argv[1::2])}
    walls, cpus = {}, {}
    for name, command in list(commands.items()):      # warm up, and see that each works
        for _ in range(2):
            _, _, status, text = once(command)
        if status:
            print(f"{name}: status {status}, left out: {text.decode(errors='replace').strip()[-200:]}", file=sys.stderr)
        else:
            walls[name], cpus[name] = [], []
    for _ in range(count):
        for name, times in walls.items():
            wall, cpu, status, _ = once(commands[name])
            if status:
                sys.exit(f"{name}: status {status}")
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


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("rounds", "crowd"):
        sys.exit(__doc__)
    {"rounds": rounds, "crowd": crowd}[sys.argv[1]](sys.argv[2:])
