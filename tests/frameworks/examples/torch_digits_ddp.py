"""A small model on scikit-learn's digits, trained by two processes that do not see each other's
gradients.

    python torch_digits_ddp.py

Both processes train twice, by plain DistributedDataParallel and with parseal's hook, from the same
weights on the same batches. The losses agree to what quantisation changes.
"""

import os
import socket
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from sklearn.datasets import load_digits
from torch.nn.parallel import DistributedDataParallel

import parseal
import parseal.torch as pt
from parseal import secagg

WORLD, STEPS = 2, 60
QUANT = parseal.Quant(clip=1.0, bits=20)  # stochastic rounding, a million steps of 2e-6


def train(rank: int, state: pt.SecureState | None) -> tuple[list[float], float]:
    """The losses of all steps, and how many of all digits are then told right."""
    digits = load_digits()
    x = torch.tensor(digits.data, dtype=torch.float32) / 16
    y = torch.tensor(digits.target)
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    ddp = DistributedDataParallel(model)
    if state is not None:
        ddp.register_comm_hook(state, pt.secure_allreduce_hook)
    optimizer = torch.optim.SGD(ddp.parameters(), lr=0.5, momentum=0.5)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(2))[rank::WORLD]
    losses = []
    for step in range(STEPS):
        rows = order[torch.arange(64 * step, 64 * (step + 1)) % len(order)]
        loss = torch.nn.functional.cross_entropy(ddp(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, float((model(x).argmax(1) == y).float().mean())


def work(rank: int, port: int, secrets: list[bytes], public_keys: list[bytes], out: str) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo",
        init_method=f"tcp://127.0.0.1:{port}",
        rank=rank,
        world_size=WORLD,
        timeout=timedelta(seconds=60),
    )
    plain = train(rank, None)
    with_hook = train(rank, pt.SecureState(None, QUANT, keys=(secrets[rank], public_keys)))
    torch.save({"plain": plain, "hook": with_hook}, f"{out}/{rank}")
    dist.destroy_process_group()


def main() -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    # In earnest each process has its own secret key, and the public ones come from certificates.
    pairs = [secagg.keypair() for _ in range(WORLD)]
    secrets, public_keys = [bytes(p[1]) for p in pairs], [p[0] for p in pairs]
    with tempfile.TemporaryDirectory() as folder:
        context: Any = mp.spawn(work, (port, secrets, public_keys, folder), WORLD, join=False)
        if not context.join(timeout=240) and not context.join(timeout=1):
            for process in context.processes:
                process.kill()
            sys.exit("the processes hang")
        results = [torch.load(Path(folder, str(rank))) for rank in range(WORLD)]
    for rank, result in enumerate(results):
        (plain, right), (hook, right_hook) = result["plain"], result["hook"]
        apart = max(abs(a - b) for a, b in zip(plain, hook, strict=True))
        print(
            f"rank {rank}: loss {plain[0]:.4f} to {plain[-1]:.4f}, with the hook {hook[-1]:.4f} "
            f"({apart:.1e} apart at most); {right:.1%} and {right_hook:.1%} right"
        )
        assert plain[0] == hook[0] and plain[-1] < plain[0] / 4
        assert 0 < apart < 5e-3
        assert min(right, right_hook) > 0.9


if __name__ == "__main__":
    main()
