#!/usr/bin/env bash
# A tensor's entry in a safetensors header need not be an object: the reference implementation takes an array too.
#
# What a good engineer would guess: the format's description (the README of huggingface/safetensors, "Format") shows an
# object with the fields dtype, shape and data_offsets for each tensor, so anything else is refused.
# What happens (safetensors 0.8.0 from PyPI, run): an array [dtype, shape, data_offsets], in just this order, is read as
# that object, as the Rust type's derived deserialiser takes a struct as a sequence as well. A fourth element is refused,
# while a fourth field in an object is accepted and ignored.
# Why users of parseal care: a file that the reference implementation loads is refused by readers that were written from
# the description, parseal's among them ("header: ..."). Who writes files writes objects.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --no-deps --target "$folder/python" safetensors==0.8.0

PYTHONPATH=$folder/python python3 - <<'PYTHON'
import struct
import sys
from importlib.metadata import version

from safetensors import SafetensorError, deserialize


def reads(entry):
    """Whether a file of one tensor `w`, the float 1.5, with this entry in its header is read."""
    header = ('{"w":' + entry + "}").encode()
    header += b" " * (-len(header) % 8)
    try:
        (name, tensor), = deserialize(struct.pack("<Q", len(header)) + header + struct.pack("<f", 1.5))
    except SafetensorError:
        return False
    return name == "w" and bytes(tensor["data"]) == struct.pack("<f", 1.5) and list(tensor["shape"]) == [1]


seen = {
    "object": reads('{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'),
    "object with a fourth field": reads('{"dtype":"F32","shape":[1],"data_offsets":[0,4],"note":1}'),
    "array": reads('["F32",[1],[0,4]]'),
    "array in another order": reads('["F32",[0,4],[1]]'),
    "array of four": reads('["F32",[1],[0,4],1]'),
}
print("safetensors", version("safetensors"))
for entry, read in seen.items():
    print(f"  {entry}: {'read' if read else 'refused'}")
expected = [True, True, True, False, False]
sys.exit(0 if list(seen.values()) == expected else "the behaviour has changed")
PYTHON
