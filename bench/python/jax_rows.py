"""What a jitted call of parseal.jax costs on 16 elements, against that of x + 1, in turns.

    PYTHONPATH=<build>/python python bench/python/jax_rows.py [turns]

A row is the median over the turns of a call's time in microseconds, the fastest and the slowest
turn, and the median of what it takes more than x + 1 in the same turn. Arrays are on the device
already.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import parseal
import parseal.jax as pj

N = 16
CALLS = 200  # short turns, as other programs may disturb one


def turn(call: Callable[[], Any]) -> float:
    """Microseconds of a call whose result is waited for."""
    for _ in range(CALLS // 10):
        call().block_until_ready()
    start = time.perf_counter()
    for _ in range(CALLS):
        call().block_until_ready()
    return (time.perf_counter() - start) / CALLS * 1e6


def rows() -> dict[str, Callable[[], Any]]:
    x = jnp.arange(N, dtype=jnp.uint32)
    keys = [bytes([i]) * 32 for i in range(2)]
    two, one = pj.seed_array(keys, [1, -1]), pj.seed_array(keys[:1])
    slot = pj.Slot(parseal.Seeds(keys[:1]))
    add_one = jax.jit(lambda x: x + 1)
    one_more = jax.jit(lambda x, s: x + s[0, 0])
    masked = jax.jit(pj.masked)
    in_place = jax.jit(pj.masked, donate_argnums=0)
    acc = [jnp.array(x)]

    def mask_acc() -> Any:
        acc[0] = in_place(acc[0], one)
        return acc[0]

    summed = jax.jit(pj.summed)
    stack = jnp.stack([x, x])
    quant = parseal.Quant(8.0, 16, "nearest")
    quantized = jax.jit(lambda x: pj.quantize(x, quant)[0])
    floats = jnp.linspace(-8, 8, N, dtype=jnp.float32)
    return {
        "x + 1": lambda: add_one(x),
        "x + a word of the seeds": lambda: one_more(x, two),
        "masked, 1 key": lambda: masked(x, one),
        "masked, 1 key, donated": mask_acc,
        "masked, 2 keys": lambda: masked(x, two),
        "masked, a slot of 1": lambda: masked(x, slot),
        "summed, 2 vectors": lambda: summed(stack),
        "quantize, nearest": lambda: quantized(floats),
    }


def main() -> None:
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 301
    calls = rows()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(turns):
        for name, call in calls.items():
            times[name].append(turn(call))
    print(f"{'':24}   median  fastest  slowest  more than x + 1")
    for name, took in times.items():
        more = statistics.median(np.subtract(took, times["x + 1"]))
        print(f"{name:24} {statistics.median(took):8.2f} {min(took):8.2f} {max(took):8.2f}"
              f" {more:8.2f}")


if __name__ == "__main__":
    main()
