#!/usr/bin/env python3
"""mutants.py N KERNELS COMMAND...: does the command notice that one instruction computes something else?

Runs the command, with the environment as it is, to see which instructions of the kernels (a pattern for their names) it
runs; then N times for each kernel, each time with another of these spoilt (PARSEAL_PTX_SPOIL: report.cpp). Prints those
that nobody notices, with the PTX and the line of the source, and ends with 1 if there are any."""
import os
import random
import re
import subprocess
import sys
import tempfile
import time

import coverage


def run(command, limit, **more):
    """A spoilt loop may have no end."""
    try:
        return subprocess.run(command, env=dict(os.environ, **more), capture_output=True, timeout=limit).returncode
    except subprocess.TimeoutExpired:
        return -1


def text_at(place):
    name, line = place.split(":")
    with open(os.environ["PARSEAL_PTX"] + "/" + name, encoding="utf-8") as lines:
        return lines.read().split("\n")[int(line) - 1].split("//")[0].strip()


def has_result(text):
    """Barriers and returns have none, nor have branches that are always taken."""
    return not re.match(r"(bra|ret|bar|\{ )", text)


def main():
    n, kernels, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        if run(command, None, PARSEAL_PTX_REPORT=folder) != 0:
            sys.exit("the command fails by itself")
        limit = 10 * (time.monotonic() - begin) + 5
        found = coverage.read([folder])
    random.seed(1)
    tried = missed = 0
    for name in sorted(found):
        if not re.fullmatch(kernels, name):
            continue
        k = found[name]
        some = [i for i in k.ran() if has_result(text_at(k.instructions[i][1]))]
        some = random.sample(some, min(n, len(some)))
        unseen = [i for i in some if all(run(command, limit, PARSEAL_PTX_SPOIL=f"{name}:{i}:{lane}") == 0
                                                for lane in range(3))]
        print(name, "runs", len(k.ran()), "of", len(k.instructions), "spoilt", len(some), "unnoticed", len(unseen),
              flush=True)
        for i in unseen:
            print("   ", i, k.instructions[i][1], k.instructions[i][2], text_at(k.instructions[i][1]), flush=True)
        tried += len(some)
        missed += len(unseen)
    print(tried - missed, "of", tried, "noticed")
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
