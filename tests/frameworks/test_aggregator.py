"""Aggregators: against sums and means of NumPy and Python's integers."""

import random
import struct
import threading
from typing import Any

import numpy as np
import pytest

import parseal

KEY = bytes(range(32))
RINGS = [None, parseal.Ring(2**32), parseal.Ring(2**32 - 5), parseal.Ring(1000),
         parseal.Ring(2**64), parseal.Ring(2**62 - 57), parseal.Ring(1000, 8)]


def modulus_of(ring: parseal.Ring | None) -> int:
    return ring.modulus if ring is not None else 2**32


def dtype_of(ring: parseal.Ring | None) -> Any:
    return np.uint32 if ring is None or ring.element_size == 4 else np.uint64


def update_of(drawn: random.Random, ring: parseal.Ring | None, dim: int) -> Any:
    return np.array([drawn.randrange(modulus_of(ring)) for _ in range(dim)], dtype_of(ring))


def expected(updates: list[Any], ring: parseal.Ring | None) -> list[int]:
    return [sum(column) % modulus_of(ring) for column in zip(*(u.tolist() for u in updates))]


# ------------------------------------------------------------------------------------------- sums


@pytest.mark.parametrize("ring", RINGS, ids=str)
@pytest.mark.parametrize("dim", [1, 2, 15, 16, 17, 1000])
def test_sums_of_plain_updates(ring: parseal.Ring | None, dim: int) -> None:
    drawn = random.Random(dim)
    updates = [update_of(drawn, ring, dim) for _ in range(7)]
    with parseal.Aggregator(dim, ring) as aggregator:
        assert (len(aggregator), aggregator.dim) == (0, dim)
        assert aggregator.update_size == dim * updates[0].itemsize
        aggregator.add(10, updates[0])
        aggregator.add(11, updates[1].view(np.int32 if updates[1].itemsize == 4 else np.int64))
        aggregator.add(12, updates[2].tobytes())
        assert aggregator.add_many(list(enumerate(updates[3:]))) == ["ok"] * 4
        total = aggregator.sum()
        assert total.dtype == dtype_of(ring) and total.tolist() == expected(updates, ring)
        out = np.zeros(dim, dtype_of(ring))
        assert aggregator.sum(out) is out and out.tolist() == total.tolist()
        assert len(aggregator) == 7
        assert [c in aggregator for c in (0, 3, 4, 9, 10, 12, 13)] == [
            True, True, False, False, True, True, False]


@pytest.mark.parametrize("bits", [1, 7, 8, 17, 32])
def test_sums_of_packed_updates(bits: int) -> None:
    drawn = random.Random(bits)
    updates = [np.array([drawn.getrandbits(bits) for _ in range(333)], np.uint32)
               for _ in range(5)]
    aggregator = parseal.Aggregator(333, bits=bits)
    assert aggregator.update_size == parseal.packed_size(333, bits) == -(-333 * bits // 8)
    for i, update in enumerate(updates):
        stream = sum(int(value) << bits * k for k, value in enumerate(update))
        aggregator.add(i, stream.to_bytes(aggregator.update_size, "little"))
    assert aggregator.sum().tolist() == expected(updates, None)


def test_means() -> None:
    drawn = np.random.default_rng(5)
    floats = [drawn.uniform(-9, 9, 1000).astype(np.float32) for _ in range(6)]
    quant = parseal.Quant(8.0, 16, "nearest")
    aggregator = parseal.Aggregator(1000, bits=16, quant=quant)
    for i, x in enumerate(floats):
        quantised, nonfinite = parseal.quantize(x, quant)
        assert nonfinite == 0
        aggregator.add(i, parseal.pack(quantised, 16))
    mean = aggregator.mean()
    exact = np.mean([np.clip(x.astype(np.float64), -8, 8) for x in floats], axis=0)
    assert mean.dtype == np.float32
    assert np.abs(mean - exact).max() <= 8 / (2**16 - 1) + 1e-6
    out = np.zeros((10, 100), np.float32)
    assert aggregator.mean(out) is out and (out.ravel() == mean).all()


# --------------------------------------------------------------------------------- sealed updates


def sealed_updates(keys: parseal.Keys, updates: list[Any]) -> list[parseal.Update]:
    payloads = [bytearray(u.tobytes()) for u in updates]
    nonces = [i.to_bytes(12, "big") for i in range(len(updates))]
    aads = [f"client {i}".encode() for i in range(len(updates))]
    index = [i % len(keys) for i in range(len(updates))]
    tags = parseal.seal(keys, payloads, nonces, aads=aads, key_index=index)
    rows = zip(range(len(updates)), payloads, nonces, tags, aads, index)
    return [parseal.Update(*row) for row in rows]


@pytest.mark.parametrize("dim", [1, 1000, 50_000])
def test_sums_of_sealed_updates(dim: int) -> None:
    drawn = random.Random(dim)
    keys = parseal.Keys("aes256gcm", [KEY, KEY[::-1]])
    updates = [update_of(drawn, None, dim) for _ in range(5)]
    rows = sealed_updates(keys, updates)
    before = [bytes(row.payload) for row in rows]
    aggregator = parseal.Aggregator(dim)
    assert aggregator.add_sealed(keys, rows[:2]) == ["ok", "ok"]
    assert aggregator.add_sealed(keys, [tuple(row) for row in rows[2:]]) == ["ok"] * 3
    assert aggregator.sum().tolist() == expected(updates, None)
    assert [bytes(row.payload) for row in rows] == before


def test_defaults_of_an_update() -> None:
    keys = parseal.Keys("aes128gcm", KEY)
    payload = bytearray(8)
    tag = parseal.seal(keys, [payload], [bytes(12)])[0]
    aggregator = parseal.Aggregator(2)
    assert aggregator.add_sealed(keys, [parseal.Update(1, payload, bytes(12), tag),
                                        (2, payload, bytes(12), tag)]) == ["ok", "ok"]
    update = parseal.Update(1, payload, bytes(12), tag)
    assert (update.aad, update.key, update._fields[:2]) == (b"", 0, ("client", "payload"))


def test_what_is_not_added() -> None:
    keys = parseal.Keys("aes256gcm", KEY)
    updates = [np.full(100, i + 1, np.uint32) for i in range(5)]
    rows = sealed_updates(keys, updates)
    rows[1] = rows[1]._replace(tag=bytes(16))
    rows[2] = rows[2]._replace(payload=bytes(399))
    rows[3] = rows[0]
    verdicts = ["ok", "bad_tag", "bad_length", "counted", "ok"]
    for strict in (True, False):
        aggregator = parseal.Aggregator(100)
        if strict:
            with pytest.raises(parseal.AuthError, match="3 of 5") as caught:
                aggregator.add_sealed(keys, rows)
            assert caught.value.verdicts == verdicts
        else:
            assert aggregator.add_sealed(keys, rows, strict=False) == verdicts
        assert aggregator.sum().tolist() == [6] * 100
        assert sorted(c for c in range(9) if c in aggregator) == [0, 4]
        with pytest.raises(parseal.AuthError) as caught:
            aggregator.add(4, updates[4])
        assert caught.value.verdicts == ["counted"]
        assert aggregator.add_many([(7, b"short"), (7, updates[4])], strict=False) == [
            "bad_length", "ok"]
        with pytest.raises(parseal.AuthError) as caught:
            aggregator.add_many([(8, updates[4]), (7, updates[4])])
        assert caught.value.verdicts == ["ok", "counted"]
        assert len(aggregator) == 4 and aggregator.sum().tolist() == [6 + 5 + 5] * 100


# ------------------------------------------------------------------------------- masks and exports


def test_masks_are_taken_off() -> None:
    """Pair masks of three clients, the third of which drops out, and self masks."""
    own = [bytes([i]) * 32 for i in range(3)]
    pair = {(0, 1): b"a" * 32, (0, 2): b"b" * 32, (1, 2): b"c" * 32}
    drawn = random.Random(1)
    updates = [update_of(drawn, None, 500) for _ in range(2)]
    aggregator = parseal.Aggregator(500)
    for i, update in enumerate(updates):
        masked = update.copy()
        keys, signs = [own[i]], [1]
        for (low, high), key in pair.items():
            if i in (low, high):
                keys.append(key)
                signs.append(1 if i == high else -1)
        parseal.mask_(masked, parseal.Seeds(keys, signs))
        assert masked.tolist() != update.tolist()
        aggregator.add(i, masked)
    aggregator.unmask(parseal.Seeds([own[0], own[1]], [-1, -1]))
    aggregator.unmask(parseal.Seeds([pair[0, 2], pair[1, 2]], [1, 1]))
    assert aggregator.sum().tolist() == expected(updates, None)


@pytest.mark.parametrize("ring", RINGS, ids=str)
def test_exports(ring: parseal.Ring | None) -> None:
    drawn = random.Random(3)
    updates = [update_of(drawn, ring, 100) for _ in range(4)]
    parts = [parseal.Aggregator(100, ring) for _ in range(2)]
    for i, update in enumerate(updates):
        parts[i % 2].add(100 + i, update)
    exported = parts[0].export()
    element_size = updates[0].itemsize
    assert isinstance(exported, bytes)
    assert len(exported) == 64 + 8 * 2 + 100 * element_size + 32
    assert exported[:16] == b"parsealA" + struct.pack("<II", 1, element_size)
    loaded = parseal.Aggregator.load(bytearray(exported))
    assert (loaded.dim, len(loaded), 100 in loaded, 101 in loaded) == (100, 2, True, False)
    assert loaded.sum().tolist() == expected(updates[::2], ring)
    assert loaded.sum().dtype == dtype_of(ring)
    loaded.merge(parts[1].export())
    assert loaded.sum().tolist() == expected(updates, ring) and len(loaded) == 4
    with pytest.raises(parseal.ArgError):
        loaded.merge(exported)
    for wrong in (exported[:-1], exported[:70] + b"!" + exported[71:], b""):
        with pytest.raises(parseal.FormatError):
            parseal.Aggregator.load(wrong)
        with pytest.raises(parseal.FormatError):
            parts[1].merge(wrong)
    assert loaded.sum().tolist() == expected(updates, ring)


# --------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("arguments, error, text", [
    ({"dim": 0}, parseal.ArgError, "dim: 0"),
    ({"dim": -1}, ValueError, "dim: -1"),
    ({"dim": 1.0}, TypeError, "dim: an integer"),
    ({"dim": 2**63}, parseal.SizeError, "dim"),
    ({"dim": 5, "ring": 2**32}, TypeError, "ring: "),
    ({"dim": 5, "bits": 33}, parseal.ArgError, "bits: 33"),
    ({"dim": 5, "bits": 8, "quant": parseal.Quant(1.0, 9)}, parseal.ArgError, "quant_bits: 9"),
    ({"dim": 5, "quant": 16}, TypeError, "quant: "),
    ({"dim": 5, "ctx": 16}, TypeError, "ctx: "),
    ({}, TypeError, "missing required argument: 'dim'"),
])
def test_aggregators_refuse(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        parseal.Aggregator(**arguments)


ROW = (1, bytes(40), bytes(12), bytes(16))


@pytest.mark.parametrize("use, error, text", [
    (lambda a, k: a.add(1, 5), TypeError, r"update\[0\]: an array is needed"),
    (lambda a, k: a.add(None, bytes(40)), TypeError, "client: an integer is needed, not .*None"),
    (lambda a, k: a.add("1", bytes(40)), TypeError, "client: an integer"),
    (lambda a, k: a.add(-1, bytes(40)), ValueError, "client: -1"),
    (lambda a, k: a.add(1), TypeError, "missing required argument: 'update'"),
    (lambda a, k: a.add_many({1: bytes(40)}), TypeError, "updates: a list or a tuple"),
    (lambda a, k: a.add_many([1]), TypeError, r"updates\[0\]: a tuple \(client, update\)"),
    (lambda a, k: a.add_many([(2, bytes(40)), ROW]), TypeError, r"updates\[1\]: a tuple"),
    (lambda a, k: a.add_sealed(k, [ROW, (1, bytes(40))]), TypeError, r"updates\[1\]: a parseal.U"),
    (lambda a, k: a.add_sealed(k, [ROW + (b"", 0, 0)]), TypeError, r"updates\[0\]: a parseal.U"),
    (lambda a, k: a.add_sealed(a, [ROW]), TypeError, "keys: "),
    (lambda a, k: a.add_sealed(k, [(*ROW[:2], bytes(24), ROW[3])]), parseal.SizeError,
     r"nonce\[0\]: 24 bytes"),
    (lambda a, k: a.add_sealed(k, [(*ROW[:3], "tag")]), TypeError, r"tag\[0\]: an array"),
    (lambda a, k: a.add_sealed(k, [ROW + (5,)]), TypeError, r"aad\[0\]: an array"),
    (lambda a, k: a.add_sealed(k, [ROW + (b"", 1)]), parseal.SizeError, r"updates\[0\].key: 1"),
    (lambda a, k: a.add_sealed(k, [ROW + (b"", "1")]), TypeError, "key: an integer"),
    (lambda a, k: a.unmask(KEY), TypeError, "seeds: "),
    (lambda a, k: a.sum(np.zeros(9, np.uint32)), parseal.SizeError, "9"),
    (lambda a, k: a.sum(np.zeros(10, np.uint64)), parseal.ArgError, "out.dtype: uint64"),
    (lambda a, k: a.sum(bytes(40)), parseal.ArgError, "out: it is read-only"),
    (lambda a, k: a.mean(), parseal.ArgError, "quant"),
    (lambda a, k: a.mean(np.zeros(10, np.float16)), parseal.ArgError, "out: float32"),
    (lambda a, k: a.mean(np.zeros(10, np.float64)), parseal.ArgError, "out.dtype: float64"),
    (lambda a, k: a.merge(7), TypeError, "exported: an array"),
    (lambda a, k: parseal.Aggregator.load(None), TypeError, "exported: an array"),
])
def test_calls_refuse(use: Any, error: type[Exception], text: str) -> None:
    aggregator = parseal.Aggregator(10)
    aggregator.add(77, np.arange(10, dtype=np.uint32))
    with pytest.raises(error, match=text):
        use(aggregator, parseal.Keys("aes256gcm", KEY))
    assert aggregator.sum().tolist() == list(range(10)) and len(aggregator) == 1


def test_what_is_no_client_is_not_in_it() -> None:
    aggregator = parseal.Aggregator(1)
    aggregator.add(2**64 - 1, bytes(4))
    assert 2**64 - 1 in aggregator and np.uint64(2**64 - 1) in aggregator
    for other in (-1, 2**64, "1", None, 1.0):
        assert other not in aggregator


def test_of_another_context() -> None:
    aggregator = parseal.Aggregator(10, ctx=parseal.Context("cpu"))
    other = parseal.Context("cpu")
    with pytest.raises(parseal.ArgError):
        aggregator.unmask(parseal.Seeds([KEY], ctx=other))
    with pytest.raises(parseal.ArgError):
        aggregator.add_sealed(parseal.Keys("aes256gcm", KEY, ctx=other), [ROW])


# ---------------------------------------------------------------------------------------- threads


def test_calls_of_many_threads_follow_each_other() -> None:
    aggregator = parseal.Aggregator(5000)
    ones = np.ones(5000, np.uint32)

    def work(first: int) -> None:
        for client in range(first, 200, 4):
            aggregator.add(client, ones)
            assert client in aggregator
            assert len(set(aggregator.sum().tolist())) == 1  # never in the middle of another's

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(aggregator) == 200 and aggregator.sum().tolist() == [200] * 5000


def test_closing_while_others_add() -> None:
    keys = parseal.Keys("aes256gcm", KEY)
    row = sealed_updates(keys, [np.ones(5000, np.uint32)])[0]
    for _ in range(30):
        aggregator = parseal.Aggregator(5000)
        other: list[BaseException] = []

        def work(first: int) -> None:
            try:
                for client in range(first, 1000, 4):
                    aggregator.add_sealed(keys, [row._replace(client=client)])
                    aggregator.sum()
                    aggregator.export()
            except ValueError:
                pass
            except BaseException as error:
                other.append(error)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        aggregator.close()
        for thread in threads:
            thread.join()
        assert other == []
        with pytest.raises(ValueError, match="closed"):
            len(aggregator)
        with pytest.raises(ValueError, match="closed"):
            1 in aggregator
