"""What parseal costs in PyTorch: calls over the same call in C, the DDP hook, sealed state dicts.

    export PYTHONPATH=build/python
    PARSEAL_THREADS=1 python bench/python/torch_rows.py build/bench/libcalls.so
    python bench/python/torch_rows.py --sealed FOLDER [MEGABYTES]

The first prints ratios to C, of this process's CPU time, in turns in one run: the median, the
smallest and the largest; and how often torch.compile has compiled over three rounds of new keys.
The second prints the ratios of the clock to that of safetensors, with all cores: saving, both
synced; and loading with one read of every element, both from the page cache and, for root, both
from the disk.
"""

import ctypes
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch._dynamo.testing import CompileCounter

import parseal
import parseal.torch as pt
from parseal import secagg
from parseal.torch import _ddp

TURNS = 101
DROP_CACHES = "/proc/sys/vm/drop_caches"


def print_ratios(name: str, pairs: list[tuple[float, float]]) -> None:
    """The second of each pair over the first, which is seconds as well."""
    rows = sorted(second / first for first, second in pairs)
    base = statistics.median(first for first, _ in pairs)
    spread = f"({rows[0]:.2f} to {rows[-1]:.2f})"
    print(f"{name:40s} {statistics.median(rows):6.2f} {spread:18s} of {base * 1e6:.2f} us")


def call_rows(calls: Any) -> None:
    ctx = parseal.Context("cpu", threads=1)
    seeds = parseal.Seeds([b"\1" + bytes(31)], streams=2, ctx=ctx)
    acc, number = torch.zeros(16, dtype=torch.int32), pt.handle(seeds)
    in_place, operator = parseal.mask_, torch.ops.parseal.mask_
    rows: dict[str, Callable[[], Any]] = {
        "parseal.mask_, a tensor of 16": lambda: in_place(acc, seeds),
        "torch.ops.parseal.mask_": lambda: operator(acc, number),
        "parseal.torch.mask_": lambda: pt.mask_(acc, seeds),
        "(torch's own acc.add_(1))": lambda: acc.add_(1),
    }
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    n = 500
    for _ in range(TURNS):
        for name, call in rows.items():
            in_c = calls.calls_mask(16, n) / n
            begin = time.thread_time()
            for _ in range(n):
                call()
            pairs[name].append((in_c, (time.thread_time() - begin) / n))
    for name, row in pairs.items():
        print_ratios(name, row)


class Bucket:
    """What the hook sees of DDP's bucket."""

    def __init__(self, n: int) -> None:
        self.gradients = torch.randn(n) * 0.1

    def buffer(self) -> torch.Tensor:
        return self.gradients


class Work:
    """An all_reduce that ends when it is told to."""

    def __init__(self) -> None:
        self.future: Any = torch.futures.Future()

    def get_future(self) -> Any:
        return self.future


def hook_row(calls: Any, n: int = 1_000_000) -> None:
    """One of two ranks, without all_reduce itself: the other adds nothing, which the check of the
    tag has to bear."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    state = pt.SecureState(None, parseal.Quant(1.0), keys="group")
    state.world_size = 2
    state._parties.append((1, secagg.keypair()[0]))
    works: list[tuple[torch.Tensor, Work]] = []

    def all_reduce(tensor: torch.Tensor, **kwargs: Any) -> Work:
        works.append((tensor, Work()))
        return works[-1][1]

    def check(buffer: Any, tag: int) -> None:
        assert buffer.tag.item() != tag or buffer.flag.item() != 0

    state._check = check  # type: ignore[method-assign]
    _ddp.dist.all_reduce = all_reduce  # type: ignore[assignment]
    bucket: Any = Bucket(n)

    def step() -> float:
        begin = time.process_time()
        future = pt.secure_allreduce_hook(state, bucket)
        tensor, work = works.pop()
        work.future.set_result([tensor])
        assert future.wait() is bucket.gradients
        return time.process_time() - begin

    pairs = []
    for _ in range(TURNS):
        in_c = calls.calls_gradients(n, 1)
        step()  # as in C, the first brings the data into the caches
        pairs.append((in_c, step()))
    dist.destroy_process_group()
    print_ratios(f"DDP hook, {n} gradients, 2 ranks", pairs)


def compile_row() -> None:
    compiled = CompileCounter()

    @torch.compile(backend=compiled, fullgraph=True)
    def masked(x: torch.Tensor, number: int) -> torch.Tensor:
        return x + pt.mask_(x + 1, number)

    for round_ in range(3):
        seeds = parseal.Seeds([bytes([round_]) * 32])
        masked(torch.zeros(16, dtype=torch.int32), pt.handle(seeds))
    print(f"{'torch.compile, 3 rounds of new keys':40s} {compiled.frame_count:3d} compilations")


def timed(work: Callable[[], Any], before: Callable[[], None] = lambda: None) -> float:
    before()
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def read_all(state: dict[str, torch.Tensor]) -> None:
    for t in state.values():
        t.view(torch.int64).sum()


def drop_caches() -> None:
    os.sync()
    Path(DROP_CACHES).write_text("3")


def sealed_rows(folder: Path, megabytes: int) -> None:
    import safetensors.torch as st

    key = os.urandom(32)
    plain, sealed = folder / "plain", folder / "sealed"
    count = max(1, megabytes // 64)
    state = {f"layer {i}": torch.randn(megabytes * 250_000 // count) for i in range(count)}

    def save_plain() -> None:
        st.save_file(state, plain)
        with plain.open("rb+") as file:
            os.fsync(file.fileno())

    saved, loaded, from_disk = [], [], []
    for _ in range(7):
        for path in (plain, sealed):
            path.unlink(missing_ok=True)
        os.sync()
        first = timed(save_plain)
        saved.append((first, timed(lambda: pt.seal_state_dict(state, sealed, key))))
        first = timed(lambda: read_all(st.load_file(plain)))
        loaded.append((first, timed(lambda: read_all(pt.open_state_dict(sealed, key)))))
        if os.access(DROP_CACHES, os.W_OK):
            first = timed(lambda: read_all(st.load_file(plain)), drop_caches)
            second = timed(lambda: read_all(pt.open_state_dict(sealed, key)), drop_caches)
            from_disk.append((first, second))
    print_ratios(f"{megabytes} MB saved, over safetensors", saved)
    print_ratios(f"{megabytes} MB loaded and read, page cache", loaded)
    if from_disk:
        print_ratios(f"{megabytes} MB loaded and read, disk", from_disk)


def main() -> None:
    print(parseal.default_context(), torch.__version__, f"{torch.get_num_threads()} threads")
    if sys.argv[1] == "--sealed":
        sealed_rows(Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1000)
        return
    calls = ctypes.CDLL(sys.argv[1])
    for function in (calls.calls_mask, calls.calls_gradients):
        function.argtypes = [ctypes.c_uint64, ctypes.c_uint64]
        function.restype = ctypes.c_double
    call_rows(calls)
    hook_row(calls)
    compile_row()


if __name__ == "__main__":
    main()
