"""Ranks of a process group on this machine, for tests: they end in time, or the test fails."""

import multiprocessing
import os
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def _rank(function: Callable[..., Any], rank: int, world: int, port: int, results: Any) -> None:
    """What a process runs: puts (rank, result, failure) into the queue."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    try:
        from datetime import timedelta

        import torch
        import torch.distributed as dist

        torch.set_num_threads(1)
        dist.init_process_group(
            "gloo",
            init_method=f"tcp://127.0.0.1:{port}",
            rank=rank,
            world_size=world,
            timeout=timedelta(seconds=60),
        )
        results.put((rank, function(rank, world), None))
        dist.barrier()
        dist.destroy_process_group()
    except BaseException:
        results.put((rank, None, traceback.format_exc()))
        raise


def run_ranks(function: Callable[..., Any], world: int = 2, seconds: float = 240) -> list[Any]:
    """Calls function(rank, world) in `world` processes of one gloo group over loopback.

    function: of a module, since the processes are spawned. Returns the results in the order of
    ranks. Raises AssertionError with a process's failure, or after `seconds`; no process is left.
    """
    spawn = multiprocessing.get_context("spawn")
    results = spawn.SimpleQueue()
    port, until = free_port(), time.monotonic() + seconds
    processes = [
        spawn.Process(target=_rank, args=(function, rank, world, port, results))
        for rank in range(world)
    ]
    for process in processes:
        process.start()
    got: dict[int, Any] = {}
    failures: list[str] = []
    try:
        while len(got) < world:
            while results.empty():
                if time.monotonic() > until:
                    failures.append(f"{world - len(got)} ranks hang")
                    raise AssertionError("\n".join(failures))
                alive = [p for p in processes if p.is_alive()]
                assert alive or not results.empty(), "a rank has ended without a result"
                time.sleep(0.05)
            rank, result, failure = results.get()
            got[rank] = result
            if failure is not None:
                failures.append(f"rank {rank} failed:\n{failure}")
                until = min(until, time.monotonic() + 5)  # the others may say why
        assert not failures, "\n".join(failures)
    finally:
        for process in processes:
            process.join(timeout=10 if len(got) == world and not failures else 0)
            if process.is_alive():
                process.kill()
                process.join()
    return [got[rank] for rank in range(world)]
