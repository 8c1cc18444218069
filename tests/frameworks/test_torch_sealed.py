"""Sealed state dicts and data sets: what comes back, what the file is, what is refused."""

import json
import math
import multiprocessing
import os
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

import parseal  # noqa: E402
import parseal.torch as pt  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

KEY = bytes(range(32))
DTYPES = [
    getattr(torch, name)
    for name in (
        "bool uint8 int8 int16 uint16 float16 bfloat16 int32 uint32 float32 int64 uint64 float64 "
        "complex64 float8_e5m2 float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz float8_e8m0fnu"
    ).split()
    if hasattr(torch, name)
]


def some(dtype: torch.dtype, *shape: int) -> torch.Tensor:
    size = torch.empty(0, dtype=dtype).itemsize
    data = np.random.default_rng(1).integers(0, 256, (*shape, size), dtype=np.uint8)
    if dtype == torch.bool:
        data &= 1
    return torch.from_numpy(data).view(dtype).reshape(shape)


def bits(t: torch.Tensor) -> bytes:
    return bytes(t.detach().resolve_conj().contiguous().reshape(-1).view(torch.uint8).numpy())


def assert_same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert (a.dtype, a.shape, bits(a)) == (b.dtype, b.shape, bits(b))
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for k in a:
            assert_same(a[k], b[k])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert a == b or (math.isnan(a) and math.isnan(b))


def plaintext(path: Path) -> bytes:
    """Of a sealed file, by the command, which shares no Python with what sealed it."""
    out = path.with_suffix(".open")
    key = path.with_suffix(".key")
    key.write_bytes(KEY)
    arguments = ["open", "--key-file", str(key), str(path), "-o", str(out)]
    subprocess.run([sys.executable, "-m", "parseal", *arguments], check=True, timeout=60)
    return out.read_bytes()


# ----------------------------------------------------------------------------------- state dicts --


def test_all_dtypes_and_shapes(tmp_path: Path) -> None:
    state = {}
    for dtype in DTYPES:
        state[f"{dtype} 2"] = some(dtype, 3, 5)
        state[f"{dtype} 0"] = some(dtype, 1)[0]
        state[f"{dtype} empty"] = torch.empty(0, 7, dtype=dtype)
    state["transposed"] = some(torch.int16, 4, 6).t()
    state["every second"] = some(torch.float64, 10)[::2]
    state["expanded"] = torch.arange(3).reshape(3, 1).expand(3, 4)
    state["conjugate"] = some(torch.complex64, 3).conj()
    state["channels last"] = some(torch.float32, 2, 3, 4, 5).to(memory_format=torch.channels_last)
    pt.seal_state_dict(state, tmp_path / "s", KEY)
    opened = pt.open_state_dict(tmp_path / "s", KEY)
    assert_same(state | {}, opened)
    pointers = [t.untyped_storage().data_ptr() for t in opened.values() if t.numel() > 0]
    assert len(set(pointers)) == len(pointers)
    opened["torch.int32 2"].add_(1)  # it can be written to


def test_modules_and_optimizers(tmp_path: Path) -> None:
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4))
    optimizer = torch.optim.AdamW(model.parameters(), amsgrad=True)
    model(torch.randn(8, 5)).sum().backward()
    optimizer.step()
    checkpoint = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 3,
        (None): [1.5, float("nan"), ("a", b"\0b", True, None)],
        7: {"a.b": torch.zeros(1), "a": {"b": torch.ones(1)}, "": torch.ones(2)},
    }
    pt.seal_state_dict(checkpoint, tmp_path / "s", KEY, aad=b"epoch 3", segment="4KB")
    opened = pt.open_state_dict(tmp_path / "s", KEY, aad=b"epoch 3", segment="4KB")
    assert_same(checkpoint, opened)
    assert isinstance(opened["model"], OrderedDict)
    assert opened["model"]._metadata == model.state_dict()._metadata
    optimizer.load_state_dict(opened["optimizer"])
    fresh = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4))
    fresh.load_state_dict(opened["model"])
    assert_same(fresh.state_dict(), model.state_dict())


def sharing() -> dict[str, torch.Tensor]:
    flat = torch.arange(100, dtype=torch.float32)
    mixed = torch.zeros(64, dtype=torch.uint8)
    lonely = torch.arange(1000, dtype=torch.int64)
    tied = torch.nn.Parameter(torch.randn(6, 2))
    return {
        "flat": flat,
        "matrix": flat[20:80].view(6, 10),
        "transposed": flat[20:80].view(6, 10).t(),
        "tied": tied,
        "tied again": tied,
        "bytes": mixed[8:24],
        "floats": mixed[16:32].view(torch.float32),
        "far": mixed[48:49],
        "expanded": mixed[60:61].expand(5),
        "a part": lonely[900:910],
        "another part": lonely[500:510],
    }


def test_sharing_is_kept(tmp_path: Path) -> None:
    state = sharing()
    pt.seal_state_dict(state, tmp_path / "s", KEY)
    opened = pt.open_state_dict(tmp_path / "s", KEY)
    assert list(opened) == list(state)
    for name, t in state.items():
        assert torch.equal(opened[name], t)
        assert opened[name].stride() == t.stride()
    pointers = {n: t.untyped_storage().data_ptr() for n, t in state.items()}
    for a in state:
        for b in state:
            first, second = (opened[n].untyped_storage() for n in (a, b))
            assert (pointers[a] == pointers[b]) == (first.data_ptr() == second.data_ptr())
            apart = opened[a].data_ptr() - opened[b].data_ptr()
            if pointers[a] == pointers[b]:
                assert apart == state[a].data_ptr() - state[b].data_ptr()
    for name in state:  # a write is seen through the same names as before
        state[name].data[0] = 77
        opened[name].data[0] = 77
        assert all(torch.equal(state[n], opened[n]) for n in state)
    size = sum({p: 0 for p in pointers.values()}.values())
    assert (tmp_path / "s").stat().st_size < 400 + 48 + 49 + 8 * 410 + 64 + 4096 + size


@pytest.mark.parametrize("which", ("shared", "alone"))
def test_the_file_is_one_of_safetensors(tmp_path: Path, which: str) -> None:
    load = pytest.importorskip("safetensors.torch").load
    read = [d for d in DTYPES if "e8m0" not in str(d)]  # safetensors' own load() has no name for it
    state = sharing() if which == "shared" else {str(d): some(d, 3, 5) for d in read}
    pt.seal_state_dict(state, tmp_path / "s", KEY)
    sealed = (tmp_path / "s").read_bytes()
    assert b"__metadata__" not in sealed
    text = plaintext(tmp_path / "s")
    loaded = load(text)
    if which == "alone":
        assert_same(dict(sorted(state.items())), dict(sorted(loaded.items())))
    else:
        assert torch.equal(loaded["flat"], state["flat"])
        assert torch.equal(loaded["far"], state["far"])
        assert {"tied", "tied again"} & set(loaded) and "matrix" not in loaded
        assert "parseal.storage.0" in loaded
    header = json.loads(text[8 : 8 + int.from_bytes(text[:8], "little")])
    header.pop("__metadata__")
    for row in header.values():  # aligned within the file, as safetensors' own are
        dtype = row["dtype"]
        wide = next((w for w in (64, 32, 16) if str(w) in dtype), 8) // 8
        assert (8 + int.from_bytes(text[:8], "little") + row["data_offsets"][0]) % wide == 0


def test_files_of_safetensors_are_opened(tmp_path: Path) -> None:
    st = pytest.importorskip("safetensors.torch")
    state = {"a": some(torch.float32, 3, 5), "b": some(torch.uint8, 3), "c": some(torch.int64, 2)}
    st.save_file(state, tmp_path / "s", metadata={"format": "pt"})
    parseal.seal_file(tmp_path / "s", tmp_path / "t", KEY)
    opened = pt.open_state_dict(tmp_path / "t", KEY)
    assert_same(state, dict(sorted(opened.items())))


def seal_text(path: Path, header: Any, data: bytes = b"", more: bytes = b"") -> None:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    with path.open("wb") as file, parseal.SealedWriter(file, KEY) as writer:
        writer.write(len(text).to_bytes(8, "little") + text + data + more)


def row(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_other_layouts(tmp_path: Path) -> None:
    """Unaligned tensors are taken; what contradicts itself is not."""
    path = tmp_path / "s"
    good = {"b": row("U8", [3], 0, 3), "f": row("F32", [2], 3, 11)}
    data = b"abc" + np.float32([1, 2]).tobytes()
    seal_text(path, good, data)
    opened = pt.open_state_dict(path, KEY)
    assert opened["f"].tolist() == [1.0, 2.0] and opened["b"].tolist() == list(b"abc")
    own: dict[str, Any] = {"tree": {"d": [["b", {"t": "b"}]]}, "storages": [], "views": {}}

    def with_own(**changes: Any) -> dict[str, Any]:
        return good | {"__metadata__": {"parseal": json.dumps(own | changes)}}

    part = [[3, [["b", 0]]]]
    bad: list[tuple[Any, bytes, bytes]] = [
        (b"{", data, b""),
        (b"[]", data, b""),
        (b"{}", b"", b"x"),
        (b" " * 90, b"", b""),
        (good, data, b"x"),
        (good, data[:-1], b""),
        ({"b": row("U8", [2], 0, 3)}, b"abc", b""),
        ({"b": row("U8", [3], 1, 4)}, b"abcd", b""),
        ({"b": row("U8", [-1, -3], 0, 3)}, b"abc", b""),
        ({"b": row("U9", [3], 0, 3)}, b"abc", b""),
        ({"b": row("F64", [1 << 60], 0, 1 << 63)}, b"abc", b""),
        (with_own(tree={"t": "x"}), data, b""),
        (with_own(tree={"z": "x"}), data, b""),
        (with_own(storages=[[2, [["b", 0]]]]), data, b""),
        (with_own(storages=part, views={"v": [0, "U8", [4], [1], 0]}), data, b""),
        (with_own(storages=part, views={"v": [0, "U8", [2], [-1], 1]}), data, b""),
        (with_own(storages=part, views={"v": [1, "U8", [1], [1], 0]}), data, b""),
    ]
    for header, body, more in bad:
        seal_text(path, header, body, more)
        with pytest.raises(parseal.FormatError):
            pt.open_state_dict(path, KEY)
    path.write_bytes(b"")
    seal_text(path, with_own(), data)
    assert list(pt.open_state_dict(path, KEY)) == ["b"]


def test_damage_and_wrong_keys(tmp_path: Path) -> None:
    path = tmp_path / "s"
    pt.seal_state_dict({"a": torch.zeros(3 << 20, dtype=torch.uint8)}, path, KEY, aad=b"a")
    good = path.read_bytes()
    with pytest.raises(parseal.AuthError):
        pt.open_state_dict(path, bytes(32), aad=b"a")
    with pytest.raises(parseal.AuthError):
        pt.open_state_dict(path, KEY)
    for at in (50, 1 << 20, len(good) - 1):
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(parseal.AuthError):
            pt.open_state_dict(path, KEY, aad=b"a")
    for end in (0, 39, 1 << 20, 2 << 20, len(good) - 1):
        path.write_bytes(good[:end])
        with pytest.raises(parseal.AuthError):
            pt.open_state_dict(path, KEY, aad=b"a")


def test_refusals_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "s"
    pt.seal_state_dict({"a": torch.ones(1)}, path, KEY)

    class Mine(torch.Tensor):
        pass

    for bad in (
        torch.zeros(2, dtype=torch.complex128),
        torch.zeros(2, device="meta"),
        torch.zeros(2, 2).to_sparse(),
        torch.zeros(2).as_subclass(Mine),
        object(),
        {1, 2},
        {(1, 2): torch.zeros(1)},
    ):
        with pytest.raises((TypeError, ValueError), match="x"):
            pt.seal_state_dict({"x": bad}, path, KEY)
    with pytest.raises(parseal.SizeError):
        pt.seal_state_dict({"x": torch.zeros(1)}, path, b"short")
    assert pt.open_state_dict(path, KEY)["a"].item() == 1
    assert os.listdir(tmp_path) == ["s"]


def test_no_plaintext_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = bytes(range(200, 256)) * 4
    state = {"a": torch.frombuffer(bytearray(secret), dtype=torch.uint8), "b": torch.zeros(5)}
    seen = []
    writer = parseal.SealedWriter.close

    def watched(self: parseal.SealedWriter) -> None:
        writer(self)
        seen.extend(p.read_bytes() for p in tmp_path.iterdir())

    monkeypatch.setattr(parseal.SealedWriter, "close", watched)
    pt.seal_state_dict(state, tmp_path / "s", KEY)
    assert len(seen) == 1
    assert all(secret[:56] not in text and b"U8" not in text for text in seen)


# ------------------------------------------------------------------------------------- data sets --


def shards(folder: Path, n: int = 5, rows: int = 40) -> list[str]:
    paths = []
    for i in range(n):
        path = str(folder / f"{i}.sealed")
        label = torch.arange(i * rows, (i + 1) * rows)
        x = label.float().reshape(rows, 1).expand(rows, 8).contiguous()
        pt.seal_state_dict({"x": x, "label": label}, path, KEY, aad=os.path.basename(path).encode())
        paths.append(path)
    return paths


def name_of(path: str) -> bytes:
    return os.path.basename(path).encode()


def the_key() -> bytes:
    return KEY


def labels(batches: Any) -> list[int]:
    found = []
    for b in batches:
        assert torch.equal(b["x"][..., 0].reshape(-1).long(), b["label"].reshape(-1))
        found += b["label"].reshape(-1).tolist()
    return found


def test_rows_and_batches(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    data = pt.SealedDataset(paths, KEY, aad=name_of)
    assert labels(data) == list(range(200)) == labels(data)
    assert labels(DataLoader(data, batch_size=7)) == list(range(200))
    batches = list(pt.SealedDataset(paths, the_key, aad=name_of, batch_size=16, ahead=3))
    assert labels(batches) == list(range(200))
    assert [len(b["label"]) for b in batches] == [16, 16, 8] * 5
    for batch_size in (None, 16):
        mixed = pt.SealedDataset(
            paths, KEY, aad=name_of, batch_size=batch_size, shuffle=True, seed=3
        )
        first = labels(mixed)
        assert first != list(range(200)) and sorted(first) == list(range(200))
        assert labels(mixed) == first
        mixed.set_epoch(1)
        assert labels(mixed) != first
    assert list(pt.SealedDataset([], KEY)) == []


@pytest.mark.parametrize("method", ("fork", "spawn"))
def test_workers(tmp_path: Path, method: str) -> None:
    """Also after the parent has used its threads, which a forked child does not have."""
    paths = shards(tmp_path)
    big = torch.zeros(4 << 20, dtype=torch.int32)
    pt.mask_(big, parseal.Seeds([KEY]))
    data = pt.SealedDataset(paths, the_key, aad=name_of, batch_size=16)
    assert len(labels(data)) == 200
    loader = DataLoader(
        data, batch_size=None, num_workers=2, multiprocessing_context=method, timeout=120
    )
    assert sorted(labels(loader)) == list(range(200))


def mask_in_child(results: Any) -> None:
    torch.set_num_threads(1)  # as DataLoader does: torch's own threads do not survive fork
    big = torch.zeros(4 << 20, dtype=torch.int32)
    pt.mask_(big, parseal.Seeds([KEY]))
    results.put(int(big.sum(dtype=torch.int64)))


def test_operators_in_a_forked_child() -> None:
    expected = torch.zeros(4 << 20, dtype=torch.int32)
    pt.mask_(expected, parseal.Seeds([KEY]))
    fork = multiprocessing.get_context("fork")
    results = fork.SimpleQueue()
    child = fork.Process(target=mask_in_child, args=(results,))
    child.start()
    child.join(timeout=120)
    alive = child.is_alive()
    child.kill()
    assert not alive
    assert results.get() == int(expected.sum(dtype=torch.int64))


def test_a_bad_shard_raises_in_its_place(tmp_path: Path) -> None:
    paths = shards(tmp_path)
    bad = Path(paths[2])
    text = bytearray(bad.read_bytes())
    text[-1] ^= 1
    bad.write_bytes(text)
    data = pt.SealedDataset(paths, KEY, aad=name_of, ahead=3)
    got = []
    with pytest.raises(parseal.AuthError):
        for r in data:
            got.append(r)
    assert labels(got) == list(range(80))
    loader = DataLoader(data, batch_size=None, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(parseal.AuthError):
        labels(loader)
    pt.seal_state_dict({"x": torch.zeros(3), "y": torch.zeros(4)}, bad, KEY, aad=name_of(paths[2]))
    with pytest.raises(ValueError, match="no shard"):
        list(data)
    pt.seal_state_dict({"x": torch.tensor(1)}, bad, KEY, aad=name_of(paths[2]))
    with pytest.raises(ValueError, match="no shard"):
        list(data)
    with pytest.raises(FileNotFoundError):
        list(pt.SealedDataset([tmp_path / "none"], KEY))
    with pytest.raises(ValueError, match="ahead"):
        pt.SealedDataset(paths, KEY, ahead=0)
    assert next(iter(data))["label"].item() == 0  # left early
