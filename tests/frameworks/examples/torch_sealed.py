"""Training data and checkpoints that are never plaintext on a disk.

    python torch_sealed.py

A model is trained on sealed shards, its checkpoint is sealed, opened again and goes on.
"""

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

import parseal
import parseal.torch as pt


def make_shards(folder: Path, key: bytes) -> list[Path]:
    """y = the sum of x, in four shards of 256 rows."""
    paths = [folder / f"shard{i}.sealed" for i in range(4)]
    for i, path in enumerate(paths):
        x = torch.randn(256, 8, generator=torch.Generator().manual_seed(i))
        pt.seal_state_dict({"x": x, "y": x.sum(1, keepdim=True)}, path, key)
    return paths


def train(model: Any, optimizer: Any, paths: list[Path], key: bytes, epoch: int) -> float:
    data = pt.SealedDataset(paths, key, batch_size=32, shuffle=True)
    data.set_epoch(epoch)
    loss = torch.zeros(())
    for batch in DataLoader(data, batch_size=None, num_workers=1):
        loss = (model(batch["x"]) - batch["y"]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def main() -> None:
    key = secrets.token_bytes(32)
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_shards(folder, key)
        model = torch.nn.Linear(8, 1)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
        losses = [train(model, optimizer, paths, key, epoch) for epoch in range(3)]
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
        checkpoint = folder / "checkpoint.sealed"
        pt.seal_state_dict(state, checkpoint, key, aad=b"epoch 3")

        opened = pt.open_state_dict(checkpoint, key, aad=b"epoch 3")
        again = torch.nn.Linear(8, 1)
        again.load_state_dict(opened["model"])
        optimizer = torch.optim.Adam(again.parameters())
        optimizer.load_state_dict(opened["optimizer"])
        losses.append(train(again, optimizer, paths, key, opened["epoch"]))
        assert losses[-1] < losses[0] / 10, losses

        weights = model.weight.detach().numpy().tobytes()
        assert all(weights[:8] not in p.read_bytes() for p in folder.iterdir())
        os.truncate(checkpoint, checkpoint.stat().st_size - 1)
        try:
            pt.open_state_dict(checkpoint, key, aad=b"epoch 3")
        except parseal.AuthError as error:
            print(f"a checkpoint that was cut off: {error}")
        else:
            raise AssertionError("a checkpoint that was cut off was opened")
    print("losses", *(f"{loss:.4f}" for loss in losses))


if __name__ == "__main__":
    main()
