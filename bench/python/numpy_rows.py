"""What a call of parseal costs from NumPy, over the call in C alone, in turns in one run.

    PYTHONPATH=build/python python bench/python/numpy_rows.py build/bench/libcalls.so

Prints medians of ratios, with the smallest and the largest.
"""

import ctypes
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

import parseal

TURNS = 21


def ratios(name: str, in_c: Callable[[], float], in_python: Callable[[], float]) -> None:
    """Prints the ratio of two functions that return seconds of this thread, called in turns."""
    pairs = [(in_c(), in_python()) for _ in range(TURNS)]
    rows = sorted(python / c for c, python in pairs)
    c = statistics.median(c for c, _ in pairs)
    spread = f"({rows[0]:.3f} to {rows[-1]:.3f})"
    print(f"{name:24s} {statistics.median(rows):6.3f} {spread}; in C {c * 1e6:.3f} us")


def main() -> None:
    calls = ctypes.CDLL(sys.argv[1])
    calls.calls_mask.argtypes = [ctypes.c_uint64, ctypes.c_uint64]
    calls.calls_mask.restype = ctypes.c_double
    ctx = parseal.Context("cpu", threads=1)
    seeds = parseal.Seeds([b"\1" + bytes(31)], streams=2, ctx=ctx)
    print(ctx, ctx.impl["mask"])
    for n, times in ((16, 20000), (25_000_000, 1)):
        acc = np.zeros(n, np.uint32)

        def in_python() -> float:
            parseal.mask_(acc, seeds)
            mask_ = parseal.mask_
            begin = time.thread_time()
            for _ in range(times):
                mask_(acc, seeds)
            return (time.thread_time() - begin) / times

        ratios(f"mask_, {n} elements", lambda: calls.calls_mask(n, times) / times, in_python)


if __name__ == "__main__":
    main()
