"""A data set of sealed safetensors shards, which are decrypted ahead of their use."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import IterableDataset, get_worker_info

from ._state import open_state_dict

if TYPE_CHECKING:
    from parseal._core import _Array

_Shard = dict[str, torch.Tensor]


class SealedDataset(IterableDataset[_Shard]):
    """Rows of sealed shards: files of seal_state_dict, or any sealed safetensors files.

        data = pt.SealedDataset(paths, key, batch_size=64)
        for batch in DataLoader(data, batch_size=None, num_workers=2): ...

    A shard is a dict of tensors that have the same extent in dimension 0, and row i of it is
    {name: tensor[i]}: a view, nothing is copied. It is iterable, not indexed, since a shard is
    opened as a whole, and its rows are only good to be used together.

    paths: of the shards. key: bytes-like, or a function without arguments that returns it, which
      is called in the process that opens shards: then no key is pickled for DataLoader's workers,
      if they are spawned. aad: associated data of all shards, bytes-like, or a function that
      returns it for a path. segment: as in open_file.
    batch_size: None: rows; else slices of at most so many rows of one shard, for a DataLoader with
      batch_size=None, which is many times as fast as collating rows.
    ahead: how many shards are opened beside the one in use, each on a thread of its own; that much
      memory is used.
    shuffle: shards, and rows within a shard, come in an order drawn from `seed` and the epoch that
      set_epoch was told; else in theirs.

    Workers of a DataLoader share the shards out: worker w of n has each n-th, beginning with the
    w-th, and so a row comes once. They may be forked or spawned. Ranks of a process group are given
    other paths each: paths[rank::world_size].

    A shard is verified as a whole before a row of it comes. Where one cannot be opened, the
    iteration raises, in its place, what open_state_dict raises; ValueError where it is no shard.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        key: _Array | Callable[[], _Array],
        *,
        aad: _Array | Callable[[str], _Array] = b"",
        segment: str | int = "1MB",
        batch_size: int | None = None,
        ahead: int = 1,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if batch_size is not None and batch_size < 1:
            raise ValueError(f"batch_size: {batch_size}, needed is 1 or more")
        if ahead < 1:
            raise ValueError(f"ahead: {ahead}, needed is 1 or more")
        self.paths = [os.fspath(p) for p in paths]
        self._key: Any = key if callable(key) else bytes(memoryview(key))  # type: ignore[arg-type]
        self._aad: Any = aad if callable(aad) else bytes(memoryview(aad))  # type: ignore[arg-type]
        self._segment = segment
        self._batch_size = batch_size
        self._ahead = ahead
        self._shuffle = shuffle
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Says which epoch the next iteration is, for shuffling. Workers that DataLoader keeps
        (persistent_workers) do not hear of it."""
        self._epoch = epoch

    def _order(self, n: int, of: int) -> list[int]:
        """An order of n things, `of` being 0 for the shards and i + 1 for the rows of shard i."""
        if not self._shuffle:
            return list(range(n))
        numbers = torch.Generator().manual_seed(hash((self._seed, self._epoch, of)) & (1 << 63) - 1)
        order: list[int] = torch.randperm(n, generator=numbers).tolist()
        return order

    def _open(self, path: str) -> _Shard:
        key = self._key() if callable(self._key) else self._key
        aad = self._aad(path) if callable(self._aad) else self._aad
        shard = open_state_dict(path, key, aad=aad, segment=self._segment)
        is_shard = isinstance(shard, dict) and len(shard) > 0
        if not is_shard or not all(isinstance(t, torch.Tensor) and t.dim() for t in shard.values()):
            raise ValueError(f"{path} is no shard: a dict of tensors with a dimension is needed")
        if len({t.shape[0] for t in shard.values()}) != 1:
            raise ValueError(f"{path} is no shard: its tensors differ in dimension 0")
        return dict(shard)

    def _rows(self, shard: _Shard, index: int) -> Iterator[_Shard]:
        n = next(iter(shard.values())).shape[0]
        order = self._order(n, index + 1)
        if self._batch_size is None:
            yield from ({name: t[i] for name, t in shard.items()} for i in order)
            return
        if self._shuffle:
            shard = {name: t[torch.tensor(order, dtype=torch.int64)] for name, t in shard.items()}
        for i in range(0, n, self._batch_size):
            yield {name: t[i : i + self._batch_size] for name, t in shard.items()}

    def __iter__(self) -> Iterator[_Shard]:
        order = self._order(len(self.paths), 0)
        worker = get_worker_info()
        if worker is not None:
            order = order[worker.id :: worker.num_workers]
        waiting: deque[tuple[int, Future[_Shard]]] = deque()
        with ThreadPoolExecutor(self._ahead, thread_name_prefix="parseal-shard") as threads:
            try:
                for index in order:
                    waiting.append((index, threads.submit(self._open, self.paths[index])))
                    if len(waiting) > self._ahead:
                        yield from self._take(waiting)
                while waiting:
                    yield from self._take(waiting)
            finally:
                for _, shard in waiting:
                    shard.cancel()

    def _take(self, waiting: deque[tuple[int, Future[_Shard]]]) -> Iterator[_Shard]:
        index, shard = waiting.popleft()
        yield from self._rows(shard.result(), index)
