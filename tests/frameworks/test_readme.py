"""The lines of Python that README.md and the package's own README show, run as they stand."""

import os
import pathlib
import re

import numpy as np
import pytest

import parseal

TOP = pathlib.Path(__file__).parents[2]


def lines_of(path: str, heading: str) -> str:
    """The block of Python below a heading."""
    section = (TOP / path).read_text().split(f"\n## {heading}\n", 1)[1]
    return re.split("```python\n|```", section)[1]


def test_five_lines_mask_and_aggregate() -> None:
    """What README.md shows, on floats that clients have quantised: the mean comes out."""
    quant = parseal.Quant(1.0, 16, "nearest")
    floats = [np.linspace(-1, 1, 1000, dtype=np.float32) * scale for scale in (0.25, 0.5, 0.75)]
    names = {
        "updates": [parseal.quantize(x, quant)[0] for x in floats],
        "keys": [os.urandom(32) for _ in floats],
        "quant": quant,
    }
    plain = sum(names["updates"])
    code = lines_of("README.md", "Five lines of Python")
    assert len(code.splitlines()) == 5
    exec(code, names)
    assert (names["total"] == plain).all()
    assert np.abs(names["mean"] - sum(floats) / 3).max() <= 1 / 65535
    masked = sum(update.astype(np.uint64) for update in names["masked"])
    assert (masked % 2**32 != plain).any()


def test_the_packages_readme() -> None:
    names: dict[str, object] = {}
    exec(lines_of("host/python/README.md", "Mask and aggregate"), names)
    assert (names["total"] == np.full(10, 11, np.uint32)).all()


def test_sealed_files_of_the_packages_readme(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("model.safetensors").write_bytes(bytes(5000))
    exec(lines_of("host/python/README.md", "Sealed files"), {"parseal": parseal, "key": bytes(32)})
    assert pathlib.Path("model.safetensors").read_bytes() == bytes(5000)


def test_jax_of_the_packages_readme() -> None:
    jax = pytest.importorskip("jax")
    keys = {"key0": bytes(32), "key1": bytes([1]) * 32}
    names: dict[str, object] = {"round": 5, "acc": jax.numpy.zeros(9, jax.numpy.uint32), **keys}
    exec(lines_of("host/python/README.md", "JAX"), names)
    expected = parseal.mask(parseal.Seeds(list(keys.values()), [1, -1], 5), 9)
    assert (np.asarray(names["acc"]) == expected).all()
