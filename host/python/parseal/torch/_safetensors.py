"""The layout of safetensors: tensors as named stretches of bytes behind a header in JSON.

    8 bytes: the header's size, little-endian || header || the tensors' bytes, without gaps

What the format cannot say is in its metadata, as JSON under the name "parseal":

    tree      what the tensors hang from (_tree.py)
    storages  [[bytes, [[tensor, offset], ...]], ...]: memory that several tensors shared, and which
              tensors of the file lie where in it
    views     {name: [storage, dtype, shape, strides, offset]}: those tensors; strides count
              elements, offsets bytes

Of tensors that overlap the file has the one that contains the others, under its name, and where
there is none all their bytes, as U8 under a name that begins with "parseal.storage".
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import torch

import parseal

HEADER_MAX = 100_000_000  # bytes: safetensors takes no longer one

_NAMES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "I64": "int64",
    "U64": "uint64",
    "F64": "float64",
}
DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, dtype) for name, dtype in _NAMES.items() if hasattr(torch, dtype)
}
NAME_OF = {dtype: name for name, dtype in DTYPES.items()}


@dataclass
class Entry:
    """A tensor of the file: size and, in the file's data, begin are bytes."""

    dtype: str
    shape: list[int]
    size: int
    begin: int = 0


@dataclass
class View:
    """A tensor that lies in a storage with others; strides count elements, offset bytes."""

    storage: int
    dtype: str
    shape: list[int]
    strides: list[int]
    offset: int


@dataclass
class Layout:
    """What a header says. Of `entries` the bytes follow one another, as they are sorted."""

    entries: dict[str, Entry] = field(default_factory=dict)
    storages: list[tuple[int, list[tuple[str, int]]]] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    tree: Any = None  # None: of a file of others, which is a dict of its entries

    @property
    def size(self) -> int:
        """The bytes of all entries."""
        return sum(e.size for e in self.entries.values())

    def place(self) -> None:
        """Sorts the entries so that each is aligned to its elements' size, and places them."""

        def order(item: tuple[str, Entry]) -> tuple[int, str]:
            return -DTYPES[item[1].dtype].itemsize, item[0]

        self.entries = dict(sorted(self.entries.items(), key=order))
        begin = 0
        for entry in self.entries.values():
            entry.begin = begin
            begin += entry.size

    def header(self) -> bytes:
        """The file's bytes before those of the entries."""
        own = {
            "tree": self.tree,
            "storages": self.storages,
            "views": {
                n: [v.storage, v.dtype, v.shape, v.strides, v.offset] for n, v in self.views.items()
            },
        }
        header: dict[str, Any] = {"__metadata__": {"parseal": json.dumps(own)}}
        for name, entry in self.entries.items():
            offsets = [entry.begin, entry.begin + entry.size]
            header[name] = {"dtype": entry.dtype, "shape": entry.shape, "data_offsets": offsets}
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 8)
        if len(text) > HEADER_MAX:
            raise parseal.SizeError(f"state_dict: its header takes {len(text)} bytes")
        return len(text).to_bytes(8, "little") + text


def _check_entries(entries: dict[str, Entry]) -> None:
    begin = 0
    for name, entry in entries.items():
        if entry.begin != begin or entry.size < 0:
            raise ValueError(f"{name} does not begin where the tensor before it ends")
        if min(entry.shape, default=0) < 0:
            raise ValueError(f"{name} has a negative extent")
        if math.prod(entry.shape) * DTYPES[entry.dtype].itemsize != entry.size:
            raise ValueError(f"{name} has {entry.size} bytes, which its shape does not")
        begin += entry.size


def _check_views(layout: Layout) -> None:
    for size, parts in layout.storages:
        for name, offset in parts:
            if offset < 0 or offset + layout.entries[name].size > size:
                raise ValueError(f"{name} passes the end of its storage")
    for name, view in layout.views.items():
        itemsize = DTYPES[view.dtype].itemsize
        steps = [(n - 1) * s for n, s in zip(view.shape, view.strides, strict=True)]
        end = view.offset + (sum(steps) + 1) * itemsize
        if min([*view.shape, *view.strides, view.offset], default=0) < 0:
            raise ValueError(f"{name} has a negative extent")
        if view.offset % itemsize != 0 or end > layout.storages[view.storage][0]:
            raise ValueError(f"{name} passes the end of its storage")


def parse(text: bytes) -> Layout:
    """The layout of a header's JSON. Raises FormatError."""
    try:
        header = json.loads(text)
        metadata = header.pop("__metadata__", {})
        entries = {}
        for name, row in header.items():
            begin, end = row["data_offsets"]
            entries[name] = Entry(row["dtype"], [int(n) for n in row["shape"]], end - begin, begin)
        layout = Layout(dict(sorted(entries.items(), key=lambda e: (e[1].begin, e[1].size))))
        _check_entries(layout.entries)
        if "parseal" in metadata:
            own = json.loads(metadata["parseal"])
            layout.tree = own["tree"]
            layout.storages = [(n, [(k, at) for k, at in parts]) for n, parts in own["storages"]]
            layout.views = {name: View(*row) for name, row in own["views"].items()}
            _check_views(layout)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise parseal.FormatError(f"it is sealed, but no safetensors file: {error}") from error
    return layout
