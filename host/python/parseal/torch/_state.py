"""Sealed state dicts: safetensors files that are never plaintext on a disk."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch

import parseal
from parseal import SealedReader, SealedWriter
from parseal._unfinished import Unfinished

from . import _tree
from ._safetensors import DTYPES, HEADER_MAX, NAME_OF, Entry, Layout, View, parse

if TYPE_CHECKING:
    from parseal import Context
    from parseal._core import _Array

_PLAIN = (torch.Tensor, torch.nn.Parameter, getattr(torch.nn, "Buffer", torch.Tensor))
_ALIGNMENT = 16  # bytes: of what is kept of a storage, at least any element's size


def _check_byte_order() -> None:
    if sys.byteorder != "little":
        raise parseal.UnsupportedError("safetensors files are little-endian, this machine is not")


# ---------------------------------------------------------------------------------------- saving --


def _checked(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """The tensor's values in memory of their own kind, without gradients."""
    if type(tensor) not in _PLAIN:
        raise TypeError(f"state_dict: {name} is a {type(tensor)}, needed is a torch.Tensor")
    if tensor.layout != torch.strided or tensor.is_meta or tensor.dtype not in NAME_OF:
        raise ValueError(
            f"state_dict: {name} is {tensor.dtype}, {tensor.layout}, on {tensor.device}, which the "
            "file cannot hold"
        )
    return tensor.detach().resolve_conj().resolve_neg()


def _extent(tensor: torch.Tensor) -> tuple[int, int]:
    """Where its elements begin and end in its storage, in bytes."""
    begin = tensor.storage_offset() * tensor.itemsize
    steps = [(n - 1) * s for n, s in zip(tensor.shape, tensor.stride(), strict=True)]
    return begin, begin + (sum(steps) + 1) * tensor.itemsize


def _span(tensor: torch.Tensor, begin: int, end: int) -> torch.Tensor:
    """Bytes of the storage that a tensor lies in."""
    bytes_ = torch.empty(0, dtype=torch.uint8, device=tensor.device)
    return bytes_.set_(tensor.untyped_storage(), begin, (end - begin,), (1,))


def _alone(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.contiguous()
    return _span(tensor, *_extent(tensor)) if tensor.numel() > 0 else tensor


def _groups(tensors: dict[str, torch.Tensor]) -> Iterator[dict[str, torch.Tensor]]:
    """The tensors, those of one storage together."""
    by_storage: dict[Any, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        key: Any = (tensor.device, tensor.untyped_storage().data_ptr())
        if tensor.numel() == 0:
            key = name
        by_storage.setdefault(key, {})[name] = tensor
    yield from by_storage.values()


def _overlaps(group: dict[str, torch.Tensor]) -> Iterator[tuple[int, int, list[str]]]:
    """The stretches of a storage that tensors overlap in: begin, end, and their names."""
    names: list[str] = []
    begin = end = 0
    for (low, high), name in sorted((_extent(t), n) for n, t in group.items()):
        if names and low >= end:
            yield begin, end, names
            names = []
        if not names:
            begin, end = low, high
        end = max(end, high)
        names.append(name)
    yield begin, end, names


class _Plan:
    """What goes into the file, and from where."""

    def __init__(self, state_dict: Mapping[Any, Any]) -> None:
        self.layout = Layout()
        self.sources: dict[str, Callable[[], torch.Tensor]] = {}  # of each entry's bytes
        tensors, self.layout.tree = _tree.flatten(state_dict)
        self._taken = set(tensors)
        known = {name: _checked(name, t) for name, t in tensors.items()}
        for group in _groups(known):
            if len(group) == 1:
                self._add_alone(*next(iter(group.items())))
            else:
                self._add_shared(group)
        self.layout.place()

    def _add_alone(self, name: str, t: torch.Tensor) -> None:
        self.layout.entries[name] = Entry(NAME_OF[t.dtype], list(t.shape), t.nbytes)
        self.sources[name] = lambda: _alone(t)

    def _add_shared(self, group: dict[str, torch.Tensor]) -> None:
        stretches = list(_overlaps(group))
        low = stretches[0][0] // _ALIGNMENT * _ALIGNMENT
        parts = [
            (self._add_part([(n, group[n]) for n in names], begin, end), begin - low)
            for begin, end, names in stretches
        ]
        index = len(self.layout.storages)
        self.layout.storages.append((stretches[-1][1] - low, parts))
        for name, t in group.items():
            offset = t.storage_offset() * t.itemsize - low
            dtype, shape, strides = NAME_OF[t.dtype], list(t.shape), list(t.stride())
            self.layout.views[name] = View(index, dtype, shape, strides, offset)

    def _add_part(self, members: list[tuple[str, torch.Tensor]], begin: int, end: int) -> str:
        """Adds the bytes of tensors that overlap: the whole's name is that of one that has all."""
        some = members[0][1]
        for name, t in members:
            if t.is_contiguous() and _extent(t) == (begin, end):
                self.layout.entries[name] = Entry(NAME_OF[t.dtype], list(t.shape), t.nbytes)
                break
        else:
            n = 0
            while (name := f"parseal.storage.{n}") in self._taken:
                n += 1
            self._taken.add(name)
            self.layout.entries[name] = Entry("U8", [end - begin], end - begin)
        self.sources[name] = lambda: _span(some, begin, end)
        return name


def seal_state_dict(
    state_dict: Mapping[Any, Any],
    path: str | os.PathLike[str],
    key: _Array,
    *,
    aad: _Array = b"",
    segment: str | int = "1MB",
    ctx: Context | None = None,
) -> None:
    """Seals a state dict as the file `path`: a safetensors file within a sealed one.

    state_dict: of a module or an optimizer, or any dict of tensors, dicts, lists, tuples, numbers,
      strings, bytes, booleans and None, nested as they may be. Tensors of any shape, strides and
      device, of the dtypes that safetensors has; not sparse, quantised, or of a subclass. Tensors
      that share memory share it when they are opened again, and are stored once; others are stored
      contiguous. requires_grad is not stored.
    key: bytes-like, 32 bytes or more. aad: associated data, bytes-like, which is not in the file:
      a name and a step, say, so that no file passes for another. segment: as in seal_file.

    Plaintext goes to no disk. The file appears, or replaces what is there, when it is complete and
    synced; after a failure it is as it was. `parseal open` makes the safetensors file of it.

    Raises TypeError and ValueError (what is in state_dict), OSError, SizeError.
    """
    _check_byte_order()
    plan = _Plan(state_dict)
    with Unfinished(path, 0o666) as target:
        with SealedWriter(target.file, key, aad=aad, segment=segment, ctx=ctx) as writer:
            writer.write(plan.layout.header())
            for name in plan.layout.entries:
                source = plan.sources[name]().cpu()
                if source.numel() > 0:
                    writer.write(source.numpy())
        target.publish()


# --------------------------------------------------------------------------------------- loading --


def _read_exactly(reader: SealedReader, view: memoryview) -> None:
    at = 0
    while at < len(view):
        n = reader.readinto(view[at:])
        if not n:
            raise parseal.FormatError("it is sealed, but ends before its safetensors file does")
        at += n


def _check_size(reader: SealedReader, size: int, size_max: int) -> None:
    """What is longer than the file is either cut off, which the reader finds, or no such file."""
    if size > size_max:
        while reader.readinto(bytearray(1 << 20)):
            pass
        raise parseal.FormatError("it is sealed, but ends before its safetensors file does")


def _read_all(reader: SealedReader, size_max: int) -> tuple[Layout, mmap.mmap | None]:
    """The header, and the bytes of the tensors, when all of the file has been verified."""
    size = bytearray(8)
    _read_exactly(reader, memoryview(size))
    header = int.from_bytes(size, "little")
    _check_size(reader, header, min(HEADER_MAX, size_max))
    text = bytearray(header)
    _read_exactly(reader, memoryview(text))
    layout = parse(bytes(text))
    _check_size(reader, layout.size, size_max)
    data = None
    if layout.size > 0:
        data = mmap.mmap(-1, layout.size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            with contextlib.suppress(OSError):  # a kernel that was built without them
                data.madvise(mmap.MADV_HUGEPAGE)
        with memoryview(data) as view:
            _read_exactly(reader, view)
    if reader.readinto(bytearray(1)) != 0:  # only now the stream's end is known to be its own
        raise parseal.FormatError("it is sealed, but longer than its safetensors file")
    return layout, data


class _Tensors:
    """Makes the tensors of a layout, each in memory of its own within `data`, or in a storage."""

    def __init__(self, layout: Layout, data: mmap.mmap | None, device: torch.device) -> None:
        self._layout = layout
        self._data = data
        self._device = device
        self._storages: dict[int, torch.Tensor] = {}

    def _bytes(self, entry: Entry) -> torch.Tensor:
        if entry.size == 0 or self._data is None:
            return torch.empty(0, dtype=torch.uint8)
        return torch.frombuffer(
            self._data, dtype=torch.uint8, count=entry.size, offset=entry.begin
        )

    def _storage(self, index: int) -> torch.Tensor:
        """The bytes of a storage, made at the first of its tensors."""
        found = self._storages.get(index)
        if found is not None:
            return found
        size, parts = self._layout.storages[index]
        entries = [(self._layout.entries[name], offset) for name, offset in parts]
        if len(entries) == 1 and entries[0][0].size == size:
            made = self._bytes(entries[0][0])
        else:
            made = torch.zeros(size, dtype=torch.uint8)
            for entry, offset in entries:
                made[offset : offset + entry.size] = self._bytes(entry)
        self._storages[index] = made = made.to(self._device)
        return made

    def __call__(self, name: str) -> torch.Tensor:
        view = self._layout.views.get(name)
        if view is None:
            entry = self._layout.entries[name]
            return self._own(entry).to(self._device)
        storage = self._storage(view.storage)
        dtype = DTYPES[view.dtype]
        tensor = torch.empty(0, dtype=dtype, device=self._device)
        first = view.offset // dtype.itemsize
        return tensor.set_(storage.untyped_storage(), first, tuple(view.shape), tuple(view.strides))

    def _own(self, entry: Entry) -> torch.Tensor:
        dtype = DTYPES[entry.dtype]
        if entry.size == 0:
            return torch.empty(entry.shape, dtype=dtype)
        bytes_ = self._bytes(entry)
        if entry.begin % dtype.itemsize != 0:
            bytes_ = bytes_.clone()
        return bytes_.view(dtype).reshape(entry.shape)


def open_state_dict(
    path: str | os.PathLike[str],
    key: _Array,
    *,
    device: torch.device | str | int = "cpu",
    aad: _Array = b"",
    segment: str | int = "1MB",
    ctx: Context | None = None,
) -> Any:
    """Opens a state dict that seal_state_dict has sealed, or any sealed safetensors file.

    device: where the tensors go. The other arguments are those that it was sealed with.

    Returns what was sealed; of another safetensors file a dict of its tensors. Nothing is used
    before the whole file is known to be authentic and complete. On the CPU the tensors lie in one
    block of memory, which goes with the last of them, but each has a storage of its own, unless
    they shared one.

    Raises AuthError (another key, aad or segment size, or the file was changed or cut off),
    FormatError (it is authentic, but no safetensors file, or one with dtypes that this torch does
    not have), OSError.
    """
    _check_byte_order()
    with io.FileIO(path) as file:
        size_max = os.fstat(file.fileno()).st_size
        with SealedReader(file, key, aad=aad, segment=segment, ctx=ctx) as reader:
            layout, data = _read_all(reader, size_max)
    tensors = _Tensors(layout, data, torch.device(device))
    if layout.tree is not None:
        try:
            return _tree.build(layout.tree, tensors)
        except (KeyError, ValueError, TypeError, StopIteration) as error:
            raise parseal.FormatError(f"it is sealed, but its tree has no {error}") from error
    return {name: tensors(name) for name in layout.entries}
