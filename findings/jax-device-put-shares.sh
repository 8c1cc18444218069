#!/usr/bin/env bash
# jax.device_put may share a NumPy array's memory on the CPU; whether it does depends on the array's address.
#
# What a good engineer would guess: JAX's arrays are immutable, and device_put's documentation promises "a copy of x"; where
# it may alias, may_alias=False ("x will be copied") forbids it. So the NumPy array can be changed afterwards.
# What happens (jax 0.10.2, numpy 2.4.6 from PyPI, run): on the CPU an array whose address is a multiple of 64 is not copied,
# with may_alias=False neither. A later write to it changes the JAX array. One at any other address is copied. NumPy's own
# arrays lie at multiples of 16, large ones mostly 16 behind one of 64, so that tests see copies; arrays over mmap
# (numpy.memmap, shared memory, model files) and over buffers of libraries that align to 64 are shared.
# jax.numpy.asarray and arguments of jitted functions are copied in all cases.
# Why users of parseal care: functions that work in place (mask_, sum_) are called on just these arrays. A vector that was
# put on the device before it is masked becomes its masked self there: a round that trains on noise, on one machine and
# not on another, without an error.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/python" -m pip install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

JAX_PLATFORMS=cpu "$folder/python/bin/python" - "$folder/vector" <<'PYTHON'
import sys

import jax
import numpy as np

N = 1 << 20


def at(offset):
    """A vector of zeros so many bytes behind a multiple of 64."""
    whole = np.zeros(4 * N + 128, np.uint8)
    begin = -whole.ctypes.data % 64 + offset
    return whole[begin : begin + 4 * N].view(np.uint32)


def shares(vector, put):
    """Whether a write to the vector is seen in the JAX array made of it."""
    made = put(vector)
    made.block_until_ready()
    vector[:] = 7
    return int(made[0]) == 7


np.zeros(N, np.uint32).tofile(sys.argv[1])
seen = {
    "device_put, address of a multiple of 64": shares(at(0), jax.device_put),
    "device_put, 16 bytes behind one": shares(at(16), jax.device_put),
    "device_put, numpy.memmap": shares(np.memmap(sys.argv[1], np.uint32, "r+"), jax.device_put),
    "device_put, may_alias=False": shares(at(0), lambda v: jax.device_put(v, may_alias=False)),
    "jax.numpy.asarray": shares(at(0), jax.numpy.asarray),
    "argument of a jitted function": shares(at(0), jax.jit(lambda v: v)),
}
print("jax", jax.__version__, "numpy", np.__version__)
for what, value in seen.items():
    print(f"  {what}: {'shares the memory' if value else 'copies'}")
expected = [True, False, True, True, False, False]
sys.exit(0 if list(seen.values()) == expected else "the behaviour has changed")
PYTHON
