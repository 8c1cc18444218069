#!/usr/bin/env python3
"""coverage.py [--missed] FOLDER...: which instructions of the kernels' PTX have run, over all reports in the folders
(PARSEAL_PTX_REPORT=FOLDER, one file a process). --missed: how many have not, by line of the source."""
import collections
import glob
import sys


class Kernel:
    """An instruction is [how often it ran, place in the PTX, place in the source]."""

    def __init__(self):
        self.launches = self.blocks = self.steps = 0
        self.instructions = []

    def ran(self):
        return [i for i, one in enumerate(self.instructions) if one[0] > 0]


def read(folders):
    kernels = collections.defaultdict(Kernel)
    for name in [name for folder in folders for name in glob.glob(folder + "/*.txt")]:
        with open(name, encoding="utf-8") as lines:
            for line in lines:
                words = line.split()
                if words[0] == "kernel":
                    kernel, at = kernels[words[1]], 0
                    kernel.launches += int(words[2])
                    kernel.blocks += int(words[3])
                    kernel.steps += int(words[4])
                    continue
                if at == len(kernel.instructions):
                    kernel.instructions.append([0, words[1], words[2]])
                kernel.instructions[at][0] += int(words[0])
                at += 1
    return kernels


def main():
    missed = sys.argv[1:2] == ["--missed"]
    kernels = read(sys.argv[2 if missed else 1:])
    all_ran = all_there = 0
    print("kernel launches blocks instructions-of-warps instructions-that-ran of-all")
    for name in sorted(kernels):
        k = kernels[name]
        print(name, k.launches, k.blocks, k.steps, len(k.ran()), len(k.instructions))
        all_ran += len(k.ran())
        all_there += len(k.instructions)
        if missed:
            lines = collections.Counter(one[2] for one in k.instructions if one[0] == 0)
            for line, n in lines.most_common():
                print("   ", n, line)
    print("all", all_ran, all_there)


if __name__ == "__main__":
    main()
