"""parseal.jax on the CPU, against parseal on NumPy and slow references."""

import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import numpy as np
import pytest
import reference

import parseal

jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402
from jax.sharding import Mesh, PartitionSpec  # noqa: E402

import parseal.jax as pj  # noqa: E402

KEYS = [bytes(range(i, i + 32)) for i in range(40)]
SIZES = [0, 1, 15, 16, 17, 64, 65, 1023, 1024, 1025]
FAILED = (jax.errors.JaxRuntimeError, ValueError)  # by the way that a call takes through JAX
AGAIN = "one and the same mask"


def numbers(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 32, n, np.uint32)


def in_other_process(text: str, **environment: str) -> None:
    """Runs a program that asserts, with the modules of this one."""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment}, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


# --------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize("modulus", [2**32, 2**32 - 5, 1000])
@pytest.mark.parametrize("n", SIZES)
def test_masked_is_the_reference(n: int, modulus: int) -> None:
    seeds = [(KEYS[0], 7, 1), (KEYS[1], 2**40 + 3, -1)]
    array = pj.seed_array([key for key, _, _ in seeds], [sign for _, _, sign in seeds],
                          [stream for _, stream, _ in seeds])
    x = numbers(n)
    got = jax.jit(pj.masked, static_argnums=2)(x, array, parseal.Ring(modulus))
    assert got.tolist() == reference.masked(x.tolist(), seeds, modulus)


@pytest.mark.parametrize("k", [0, 1, 2, 16, 17, 40])
def test_any_number_of_keys(k: int) -> None:
    signs, streams = [1 - 2 * (i % 2) for i in range(k)], [2**33 * i + i for i in range(k)]
    seeds = parseal.Seeds(KEYS[:k], signs, streams)
    x = numbers(300)
    want = parseal.mask_(x.copy(), seeds)
    assert (pj.masked(x, pj.seed_array(KEYS[:k], signs, streams)) == want).all()
    assert (pj.masked(x, pj.Slot(seeds)) == want).all()


def test_dtypes_shapes_and_first() -> None:
    seeds, array = parseal.Seeds(KEYS[:2], streams=5), pj.seed_array(KEYS[:2], streams=5)
    x = numbers(24).reshape(2, 3, 4)
    want = parseal.mask_(x.copy(), seeds, first=1000)
    for value in (x, x.view(np.int32)):
        got = pj.masked(value, array, first=1000)
        assert got.dtype == value.dtype and got.shape == x.shape
        assert (np.asarray(got).view(np.uint32) == want).all()
    far = 2**33 + 5
    want = parseal.mask_(x.copy(), seeds, first=far)
    for first in (far, np.array([5, 2], np.uint32), jnp.array([5, 2], jnp.uint32)):
        assert (pj.masked(x, array, first=first) == want).all()
    assert (jax.jit(lambda x, f: pj.masked(x, array, first=f))(x, 9)
            == parseal.mask_(x.copy(), seeds, first=9)).all()


def test_mask_alone() -> None:
    seeds, array = parseal.Seeds(KEYS[:3], [1, -1, 1], 9), pj.seed_array(KEYS[:3], [1, -1, 1], 9)
    ring = parseal.Ring(1000)
    for n in SIZES:
        assert (pj.mask(array, n) == parseal.mask(seeds, n)).all()
        assert (pj.mask(pj.Slot(seeds), n, ring, first=3)
                == parseal.mask(seeds, n, ring, first=3)).all()


def test_masks_of_fcp_in_a_slot() -> None:
    seeds = parseal.Seeds.fcp(KEYS[:2], [1, -1], n=100, session=b"s")
    x = numbers(100)
    assert (jax.jit(pj.masked)(x, pj.Slot(seeds)) == parseal.mask_(x.copy(), seeds)).all()


def test_seed_arrays() -> None:
    for keys in (KEYS[:2], [bytearray(KEYS[0]), memoryview(KEYS[1])],
                 np.frombuffer(b"".join(KEYS[:2]), np.uint8).reshape(2, 32)):
        rows = np.asarray(pj.seed_array(keys, [1, -1], [3, 2**32 + 4]))
        assert rows.dtype == np.uint32 and rows.shape == (2, 11)
        assert rows[:, :8].astype("<u4").tobytes() == KEYS[0] + KEYS[1]
        assert rows[:, 8:].view(np.int32).tolist() == [[3, 0, 1], [4, 1, -1]]
    words = np.array([[3, 0], [4, 1]], np.uint32)
    for streams in ([3, 2**32 + 4], np.array([3, 2**32 + 4], np.uint64), words, jnp.array(words)):
        assert (pj.seed_array(KEYS[:2], streams=streams)[:, 8:10] == words).all()
        moved = jax.jit(pj.with_streams)(pj.seed_array(KEYS[:2]), words)
        assert (moved == pj.seed_array(KEYS[:2], streams=streams)).all()
    assert (pj.seed_array(KEYS[:3], streams=2**64 - 1)[:, 8:10] == np.uint32(2**32 - 1)).all()
    assert pj.seed_array(KEYS[:2], streams=jnp.array([3, 4]))[:, 8:10].tolist() == [[3, 0], [4, 0]]
    traced = jax.jit(pj.seed_array)(np.frombuffer(KEYS[0], np.uint8)[None], np.array([-1]),
                                    np.array([8]))
    assert (traced == pj.seed_array(KEYS[:1], [-1], 8)).all()


@pytest.mark.parametrize("arguments, error, text", [
    ((["a" * 32],), TypeError, "bytes-like"),
    (([b"a" * 31],), ValueError, "32 bytes"),
    ((np.zeros((2, 31), np.uint8),), ValueError, r"uint8\[k, 32\]"),
    ((np.zeros((2, 32), np.int8),), ValueError, r"uint8\[k, 32\]"),
    ((KEYS[:2], [1, -1.5]), TypeError, "signs: integers are needed, not float"),
    ((KEYS[:2], [1]), ValueError, r"signs: \[1\] for 2"),
    ((KEYS[:2], None, [1]), ValueError, "streams: of shape"),
    ((KEYS[:2], None, -1), ValueError, "streams: -1"),
    ((KEYS[:2], None, np.array([0, -1])), ValueError, "streams: -1 is not in"),
    ((KEYS[:2], None, [0, 2**64]), ValueError, "streams: 18446744073709551616"),
    ((KEYS[:2], None, np.array([0.5, 1])), TypeError, "streams: integers"),
    ((KEYS[:2], None, "ab"), TypeError, "streams: integers"),
])
def test_seed_arrays_refuse(arguments: tuple, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        pj.seed_array(*arguments)


def test_donated_it_is_in_place() -> None:
    x, array = numbers(5000), pj.seed_array(KEYS[:1])
    for function, extra in [(pj.masked, (array,)), (pj.masked, (pj.Slot(parseal.Seeds(KEYS[:1])),)),
                            (lambda acc, v: pj.summed(v, acc=acc), (jnp.asarray(x[None]),))]:
        acc = jnp.array(x)
        address = acc.unsafe_buffer_pointer()
        out = jax.jit(function, donate_argnums=0)(acc, *extra)
        assert out.unsafe_buffer_pointer() == address and acc.is_deleted()
    for n in (0, 1, 1024, 1025, 5000):  # not donated, it stays as it was
        acc = jnp.array(x[:n])
        masked = jax.jit(pj.masked)(acc, array)
        assert (acc == x[:n]).all()
        assert (masked == parseal.mask_(x[:n].copy(), parseal.Seeds(KEYS[:1]))).all()


# ------------------------------------------------------------------------------------- retraces


def test_new_keys_compile_nothing() -> None:
    x, traced = numbers(100), []

    @jax.jit
    def step(x: Any, seeds: Any) -> Any:
        traced.append(1)
        return pj.masked(x, seeds)

    for number in range(3):
        keys = [os.urandom(32), os.urandom(32)]
        want = parseal.mask_(x.copy(), parseal.Seeds(keys, [1, -1], number))
        assert (step(x, pj.seed_array(keys, [1, -1], number)) == want).all()
    assert len(traced) == step._cache_size() == 1
    slot = pj.Slot()
    for number in range(3):
        seeds = parseal.Seeds([os.urandom(32)], streams=number)
        want = parseal.mask_(x.copy(), seeds)
        assert (jax.block_until_ready(step(x, slot.put(seeds))) == want).all()
        assert (step(x, pj.Slot(seeds)) == want).all()  # another slot: no other program
    assert len(traced) == step._cache_size() == 2


def test_rounds_in_one_program() -> None:
    """A scan whose streams are traced numbers."""
    array = pj.seed_array(KEYS[:2])

    @jax.jit
    def rounds(x: Any, array: Any) -> Any:
        return jax.lax.scan(lambda x, i: (pj.masked(x, pj.with_streams(array, i)), None), x,
                            jnp.arange(3))[0]

    want = numbers(50)
    got = rounds(want, array)
    for stream in range(3):
        want = parseal.mask_(want.copy(), parseal.Seeds(KEYS[:2], streams=stream))
    assert (got == want).all()


# ------------------------------------------------------------------------------------ batches


def each(function: Callable[[int], Any], n: int) -> np.ndarray:
    return np.stack([function(i) for i in range(n)])


@pytest.mark.parametrize("source", ["array", "slot"])
def test_vmap_never_uses_a_mask_twice(source: str) -> None:
    seeds = parseal.Seeds(KEYS[:2])
    given = pj.seed_array(KEYS[:2]) if source == "array" else pj.Slot(seeds)
    x = numbers(60).reshape(4, 15)
    for function in (jax.vmap(pj.masked, (0, None)), jax.jit(jax.vmap(pj.masked, (0, None))),
                     jax.vmap(lambda r, s: pj.masked(r, s, first=5), (0, None)),
                     jax.vmap(lambda r, s: pj.masked(r, s, first=jnp.array(5)), (0, None))):
        with pytest.raises(ValueError, match=AGAIN):
            function(x, given)
    nested = jax.vmap(jax.vmap(lambda r, f: pj.masked(r, given, first=f), (0, None)), (0, 0))
    with pytest.raises(ValueError, match=AGAIN):
        nested(x.reshape(2, 2, 15), jnp.arange(2))
    whole = parseal.mask_(x.copy(), seeds)
    own = jax.vmap(lambda r, f: pj.masked(r, given, first=f))(x, 15 * jnp.arange(4))
    assert (own == whole).all()
    twice = jax.vmap(jax.vmap(lambda r, f: pj.masked(r, given, first=f)))(
        x.reshape(2, 2, 15), 15 * jnp.arange(4).reshape(2, 2))
    assert (twice.reshape(4, 15) == whole).all()
    moved = jax.vmap(lambda r, f: pj.masked(r, given, first=f), (1, 0), 1)(x.T, 15 * jnp.arange(4))
    assert (moved.T == whole).all()
    assert (jax.vmap(lambda f: pj.mask(given, 15, first=f))(15 * jnp.arange(4))
            == parseal.mask(seeds, 60).reshape(4, 15)).all()


def test_vmap_over_seeds() -> None:
    x = numbers(45).reshape(3, 15)
    arrays = jnp.stack([pj.seed_array(KEYS[2 * i : 2 * i + 2], [1, -1], i) for i in range(3)])
    seeds = [parseal.Seeds(KEYS[2 * i : 2 * i + 2], [1, -1], i) for i in range(3)]
    assert (jax.jit(jax.vmap(pj.masked))(x, arrays)
            == each(lambda i: parseal.mask_(x[i].copy(), seeds[i]), 3)).all()
    assert (jax.vmap(pj.masked, (None, 0))(x[0], arrays)
            == each(lambda i: parseal.mask_(x[0].copy(), seeds[i]), 3)).all()
    assert (jax.vmap(lambda s: pj.mask(s, 9))(arrays)
            == each(lambda i: parseal.mask(seeds[i], 9), 3)).all()
    streams = jax.vmap(lambda r, i: pj.masked(r, pj.with_streams(arrays[0], i)))(x, jnp.arange(3))
    assert (streams == each(lambda i: parseal.mask_(
        x[i].copy(), parseal.Seeds(KEYS[:2], [1, -1], i)), 3)).all()
    assert jax.vmap(pj.masked)(x[:0], arrays[:0]).shape == (0, 15)


def test_vmap_of_what_takes_no_seeds() -> None:
    x = numbers(60).reshape(3, 4, 5)
    assert (jax.vmap(pj.summed)(x) == x.sum(1, dtype=np.uint32)).all()
    packed = jax.vmap(lambda r: pj.pack(r, 13))(x[0])
    assert [bytes(row) for row in np.asarray(packed)] == [bytes(parseal.pack(row.copy(), 13))
                                                          for row in x[0]]
    assert (jax.vmap(lambda p: pj.unpack(p, 13, 5))(packed) == x[0] % 2**13).all()
    quant = parseal.Quant(1.0, 8, "nearest")
    values = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    values[1, 2] = np.nan
    q, bad = jax.vmap(lambda v: pj.quantize(v, quant))(values)
    assert (q == parseal.quantize(values, quant)[0]).all() and bad.tolist() == [0, 1, 0]
    assert (jax.vmap(lambda t: pj.dequantize(t, quant, 3))(q)
            == parseal.dequantize(np.asarray(q).copy(), quant, 3)).all()


def test_shards_never_use_a_mask_twice() -> None:
    mesh, spec, seeds = Mesh(np.array(jax.devices()), "d"), PartitionSpec, parseal.Seeds(KEYS[:2])
    x = numbers(64)
    for given in (pj.seed_array(KEYS[:2]), pj.Slot(seeds)):
        def shard(row: Any, given: Any) -> Any:
            return pj.masked(row, given, first=jax.lax.axis_index("d") * row.size)

        def same(row: Any, given: Any) -> Any:
            return pj.masked(row, given)

        def over(function: Any) -> Any:
            return jax.jit(jax.shard_map(function, mesh=mesh, in_specs=(spec("d"), spec()),
                                         out_specs=spec("d")))

        assert (over(shard)(x, given) == parseal.mask_(x.copy(), seeds)).all()
        v = x.reshape(4, 16)
        total = jax.shard_map(pj.summed, mesh=mesh, in_specs=spec(None, "d"), out_specs=spec("d"))
        assert (total(v) == v.sum(0, dtype=np.uint32)).all()
        for function in (same, lambda row, given: same(shard(row, given), given)):
            with pytest.raises(ValueError, match=AGAIN):
                over(function)(x, given)
        assert (jax.pmap(shard, "d", in_axes=(0, None))(x.reshape(4, 16), given).reshape(-1)
                == parseal.mask_(x.copy(), seeds)).all()


# ---------------------------------------------------------------------------------------- slots


def test_a_slot_never_gives_other_seeds() -> None:
    x, step = numbers(20), jax.jit(pj.masked)
    slot = pj.Slot(parseal.Seeds(KEYS[:1]))
    leaves, tree = jax.tree.flatten(slot)
    slot.put(parseal.Seeds(KEYS[1:2]))
    before = jax.tree.unflatten(tree, leaves)  # what a call has that is still under way
    with pytest.raises(FAILED, match="parseal_masked_slot: slot .*other seeds by now"):
        step(x, before).block_until_ready()
    assert (step(x, slot) == parseal.mask_(x.copy(), parseal.Seeds(KEYS[1:2]))).all()
    captured = jax.jit(lambda x: pj.masked(x, slot))
    assert (captured(x) == step(x, slot)).all()
    slot.put(parseal.Seeds(KEYS[2:3]))
    with pytest.raises(FAILED, match="constant of the program"):
        captured(x).block_until_ready()


def test_closed_seeds_and_slots() -> None:
    x, step = numbers(20), jax.jit(pj.masked)
    seeds = parseal.Seeds(KEYS[:1])
    with pj.Slot(seeds) as slot:
        leaves, tree = jax.tree.flatten(slot)
        seeds.close()
        with pytest.raises(FAILED, match="seeds in the slot have been closed"):
            step(x, slot).block_until_ready()
    with pytest.raises(FAILED, match="are gone"):
        step(x, jax.tree.unflatten(tree, leaves)).block_until_ready()
    with pytest.raises(ValueError, match="no seeds"):
        step(x, slot)
    with pytest.raises(ValueError, match="closed"):
        slot.put(parseal.Seeds(KEYS[:1]))
    slot.close()
    with pytest.raises(ValueError, match="no seeds"):
        pj.masked(x, pj.Slot())
    with pytest.raises(TypeError, match="Seeds"):
        pj.Slot().put(pj.seed_array(KEYS[:1]))


def test_slots_are_used_again() -> None:
    x, seeds = numbers(20), [parseal.Seeds(KEYS[:1], streams=i) for i in range(2)]
    gc.collect()
    for _ in range(3):
        slots = []
        with pytest.raises(parseal.NoMemoryError, match="4096 slots"):
            while len(slots) <= 4096:
                slots.append(pj.Slot(seeds[0]))
        assert len(slots) > 4000
        assert (pj.masked(x, slots[-1]) == parseal.mask_(x.copy(), seeds[0])).all()
        stale, tree = jax.tree.flatten(slots[-1])
        del slots
        gc.collect()
        slots = [pj.Slot(seeds[1]) for _ in range(4000)]
        with pytest.raises(FAILED, match="other seeds|are gone"):
            pj.masked(x, jax.tree.unflatten(tree, stale)).block_until_ready()


def test_puts_beside_calls() -> None:
    """Calls in flight, of several threads, while seeds are put and destroyed: each gives the masks
    of the seeds that it was given, or fails."""
    x, step = np.zeros(200_000, np.uint32), jax.jit(pj.masked)
    slot = pj.Slot(parseal.Seeds(KEYS[:1], streams=0))
    wanted = [parseal.mask(parseal.Seeds(KEYS[:1], streams=i), 200_000) for i in range(8)]
    counts, wrong, stop = {"right": 0, "refused": 0}, [], threading.Event()

    def calls() -> None:
        while not stop.is_set():
            leaves, tree = jax.tree.flatten(slot)
            stream = (int(leaves[0][1]) - first) % 8
            try:
                got = np.asarray(step(x, jax.tree.unflatten(tree, leaves)))
                counts["right"] += 1
                if not (got == wanted[stream]).all():
                    wrong.append(stream)
            except FAILED as error:
                assert "other seeds" in str(error) or "are gone" in str(error)
                counts["refused"] += 1

    first = int(jax.tree.leaves(slot)[0][1])
    step(x, slot).block_until_ready()
    threads = [threading.Thread(target=calls) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline, i = time.monotonic() + 60, 0
    while (counts["right"] < 30 or counts["refused"] < 1) and time.monotonic() < deadline:
        i += 1
        slot.put(parseal.Seeds(KEYS[:1], streams=i % 8))
        time.sleep(0.001 * (i % 7))
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and counts["right"] >= 30


def test_many_threads() -> None:
    step, x, failures = jax.jit(pj.masked), numbers(3000), []
    array, slot = pj.seed_array(KEYS[:3]), pj.Slot(parseal.Seeds(KEYS[:3]))
    want = parseal.mask_(x.copy(), parseal.Seeds(KEYS[:3]))

    def calls() -> None:
        results = [step(x, given) for _ in range(50) for given in (array, slot)]
        failures.extend(1 for result in results if not (result == want).all())

    threads = [threading.Thread(target=calls) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


# ------------------------------------------------------------------------------- other operations


def test_summed() -> None:
    for n in SIZES:
        v = numbers(5 * n).reshape(5, n)
        assert (jax.jit(pj.summed)(v) == v.sum(0, dtype=np.uint32)).all()
        assert (pj.summed(v[1:].view(np.int32), acc=v[0].view(np.int32))
                == v.sum(0, dtype=np.uint32).view(np.int32)).all()
    v = numbers(30).reshape(3, 2, 5)
    want = [sum(column) % 1000 for column in zip(*v.reshape(3, 10).tolist())]
    assert pj.summed(v, parseal.Ring(1000)).reshape(-1).tolist() == want
    assert pj.summed(v[:0], acc=v[0]).tolist() == v[0].tolist()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_quantize(dtype: str) -> None:
    x = jnp.asarray(np.random.default_rng(2).normal(0, 2, 999), dtype).reshape(3, 333)
    x = x.at[1, 5].set(jnp.inf).at[2, 7].set(jnp.nan)
    plain = np.array(x) if dtype != "bfloat16" else np.asarray(x.astype(jnp.float32)).copy()
    for quant, seeds in [(parseal.Quant(4.0, 12, "nearest"), None),
                         (parseal.Quant(4.0, 22), KEYS[:1])]:
        held = None if seeds is None else parseal.Seeds(seeds, streams=3)
        want, bad = parseal.quantize(plain, quant, seed=held, first=11)
        if seeds is None:
            want, bad = parseal.quantize(plain, quant)
        for seed in [None] if seeds is None else [
                pj.seed_array(seeds, streams=3), pj.Slot(held),
                pj.Slot(parseal.Seeds(seeds, streams=3, ctx=parseal.Context("cpu")))]:
            step = jax.jit(lambda x, seed, quant=quant: pj.quantize(x, quant, seed, 11))
            q, count = step(x, seed)
            assert q.dtype == jnp.uint32 and q.shape == x.shape and (q == want).all()
            assert count.dtype == jnp.uint32 and int(count) == bad == 2


def test_quantize_refuses() -> None:
    x, array = np.zeros(6, np.float32), pj.seed_array(KEYS[:1])
    stochastic, nearest = parseal.Quant(1.0), parseal.Quant(1.0, rounding="nearest")
    with pytest.raises(ValueError, match="seed: needed"):
        pj.quantize(x, stochastic)
    with pytest.raises(ValueError, match="seed: not taken"):
        pj.quantize(x, nearest, array)
    with pytest.raises(TypeError, match="seed: a parseal.Seeds would be a constant"):
        pj.quantize(x, stochastic, parseal.Seeds(KEYS[:1]))
    with pytest.raises(TypeError, match="quant: a parseal.Quant"):
        pj.quantize(x, 8)
    with pytest.raises(TypeError, match="x: float32, bfloat16, float16 are taken, not int32"):
        pj.quantize(np.zeros(6, np.int32), nearest)
    with pytest.raises(FAILED, match="seed.*PARSEAL_ERR_ARG"):
        jax.block_until_ready(pj.quantize(x, stochastic, pj.seed_array(KEYS[:2])))
    with pytest.raises(FAILED, match="clip.*PARSEAL_ERR_ARG"):
        jax.block_until_ready(pj.quantize(x, parseal.Quant(-1.0, rounding="nearest")))
    with pytest.raises(ValueError, match=AGAIN):
        jax.vmap(lambda r: pj.quantize(r, stochastic, array))(x.reshape(2, 3))
    q, _ = jax.vmap(lambda r, f: pj.quantize(r, stochastic, array, f))(x.reshape(2, 3),
                                                                        np.array([0, 3]))
    assert (q.reshape(-1) == parseal.quantize(x, stochastic, seed=KEYS[0])[0]).all()


def test_dequantize() -> None:
    quant, total = parseal.Quant(4.0, 12), numbers(50) % 4096
    want = parseal.dequantize(total, quant, 7)
    for n_clients in (7, np.int32(7), jnp.array(7), np.array([7, 0], np.uint32)):
        got = pj.dequantize(total, quant, n_clients)
        assert got.dtype == jnp.float32 and (got == want).all()
    step = jax.jit(lambda t, n: pj.dequantize(t, quant, n))
    for n in (1, 2, 3):
        assert (step(total, n) == parseal.dequantize(total, quant, n)).all()
    assert step._cache_size() == 1
    for n_clients in (0, jnp.array(0)):
        with pytest.raises(FAILED, match="n_clients.*PARSEAL_ERR_ARG"):
            pj.dequantize(total, quant, n_clients).block_until_ready()


@pytest.mark.parametrize("bits", [1, 7, 8, 22, 32])
def test_packing(bits: int) -> None:
    for n in SIZES:
        x = numbers(n)
        packed = jax.jit(pj.pack, static_argnums=1)(x, bits)
        assert packed.dtype == jnp.uint8
        assert bytes(np.asarray(packed)) == bytes(parseal.pack(x, bits))
        back = jax.jit(pj.unpack, static_argnums=(1, 2))(packed, bits, n)
        assert back.dtype == jnp.uint32 and (back == x % np.uint64(1 << bits)).all()
    with pytest.raises(ValueError, match="packed: 3 bytes"):
        pj.unpack(np.zeros(3, np.uint8), 8, 4)
    with pytest.raises(parseal.ArgError):
        pj.pack(numbers(3), 65)


def test_elements_of_8_bytes() -> None:
    with pytest.raises(TypeError, match="jax_enable_x64"):
        pj.mask(pj.seed_array(KEYS[:1]), 5, parseal.Ring(2**64))
    in_other_process("""
import numpy as np, jax, jax.numpy as jnp, parseal, parseal.jax as pj
jax.config.update("jax_enable_x64", True)
keys = [bytes(32), bytes(range(32))]
for modulus in (2**64, 2**64 - 59, 2**33):
    ring, seeds = parseal.Ring(modulus), parseal.Seeds(keys, [1, -1], 2**50)
    array = pj.seed_array(keys, [1, -1], 2**50)
    x = np.random.default_rng(1).integers(0, 2**64, (3, 100), np.uint64)
    want = parseal.mask_(x.copy(), seeds, ring, first=7)
    for value in (x, x.view(np.int64)):
        got = pj.masked(value, array, ring, first=jnp.uint64(7))
        assert got.dtype == value.dtype and (np.asarray(got).view(np.uint64) == want).all()
    assert (pj.mask(array, 9, ring) == parseal.mask(seeds, 9, ring)).all()
    assert (pj.summed(x, ring) == parseal.sum_(np.zeros(100, np.uint64), list(x), ring)).all()
    assert (jax.vmap(lambda r, f: pj.masked(r, array, ring, f))(x, jnp.arange(3) * 100)
            == parseal.mask_(x.copy(), seeds, ring)).all()
assert (pj.unpack(pj.pack(x, 64), 64, 300) == x.reshape(-1)).all()
quant = parseal.Quant(2.0, 8)
assert (pj.dequantize(x % 256, quant, 1) == parseal.dequantize(x % 256, quant, 1)).all()
""")


# ----------------------------------------------------------------------------------------- errors


def test_refusals_while_tracing() -> None:
    x, array = numbers(8), pj.seed_array(KEYS[:1])
    seeds = parseal.Seeds(KEYS[:1])
    for call in (lambda: pj.masked(x, seeds), lambda: jax.jit(lambda x: pj.masked(x, seeds))(x),
                 lambda: pj.mask(seeds, 3)):
        with pytest.raises(TypeError, match="a parseal.Seeds would be a constant of the compiled"):
            call()
    for arguments, error, text in [
            ((x.astype(np.float32), array), TypeError, "acc: uint32, int32, .* not float32"),
            ((x, KEYS), TypeError, "seeds: a seed array, a Slot"),
            ((x, array[:, :10]), TypeError, r"uint32\[k, 11\]"),
            ((x, array.astype(np.int32)), TypeError, r"uint32\[k, 11\]"),
            ((x, array, 2**32), TypeError, "ring: a parseal.Ring"),
            ((x, array, parseal.Ring(2**40)), ValueError, "ring: elements of 8 bytes"),
            ((x, array, None, -1), ValueError, "first: -1"),
            ((x, array, None, "1"), TypeError, "first: integers"),
            ((x, array, None, np.zeros(3, np.uint32)), ValueError, "first: of shape"),
            ((x, array, None, np.float32(1)), TypeError, "first: integers")]:
        with pytest.raises(error, match=text):
            pj.masked(*arguments)
    with pytest.raises(ValueError, match="acc: uint32"):
        pj.summed(x.reshape(2, 4), acc=x)
    with pytest.raises(ValueError, match="axis to sum over"):
        pj.summed(np.uint32(3))


def test_refusals_of_the_library() -> None:
    x = numbers(8)
    with pytest.raises(FAILED, match=r"parseal_masked: .*sign.*\(PARSEAL_ERR_ARG\)"):
        pj.masked(x, pj.seed_array(KEYS[:1], [2])).block_until_ready()
    with pytest.raises(FAILED, match=r"parseal_mask: .*first.*\(PARSEAL_ERR_SIZE\)"):
        pj.mask(pj.seed_array(KEYS[:1]), 4, first=2**36).block_until_ready()
    for n, rows in ((4, 0), (4, 3)):  # what is in no row would come out as it went in
        with pytest.raises(FAILED, match=f"seeds: of {rows} rows, for a result of {n} elements"):
            call = pj._Call("parseal_masked", (((n,), np.dtype(np.uint32)),), ((0, 0),),
                            (("first", np.int64(0)), ("modulus", np.int64(2**32))))
            (out,) = call.bind((), [x[:n], jnp.zeros((rows, 1, 11), np.uint32)])
            out.block_until_ready()
    with pytest.raises(FAILED, match=r"first: above 2\*\*64"):
        call = pj._Call("parseal_mask", (((4,), np.dtype(np.uint32)),), (),
                        (("first", np.int64(1)), ("modulus", np.int64(2**32))))
        (out,) = call.bind((), [pj.seed_array(KEYS[:1]), jnp.full(2, 2**32 - 1, np.uint32)])
        out.block_until_ready()


def test_gradients() -> None:
    x, quant = np.linspace(-1, 1, 8, dtype=np.float32), parseal.Quant(1.0)
    array = pj.seed_array(KEYS[:1])

    def loss(x: Any) -> Any:
        q, _ = pj.quantize(x, quant, array)
        return pj.dequantize(pj.masked(q, array), quant, 1).sum() + x.sum()

    with pytest.raises(TypeError, match="quantize has no derivative"):
        jax.grad(loss)(x)
    assert (jax.grad(lambda x: loss(jax.lax.stop_gradient(x)) + x.sum())(x) == 1).all()
    with pytest.raises(TypeError):
        jax.grad(lambda x: pj.masked(x, array).sum())(numbers(8))


def test_child_of_fork() -> None:
    """One that has used parseal, but not yet JAX, which has threads that do not survive."""
    in_other_process("""
import os, numpy as np, parseal, jax, parseal.jax as pj
x, key = np.arange(200000, dtype=np.uint32), bytes(range(32))
seeds = parseal.Seeds([key])
want = parseal.mask_(x.copy(), seeds)
child = os.fork()
ok = all((pj.masked(x, s) == want).all() for s in (pj.seed_array([key]), pj.Slot(seeds)))
if child == 0:
    os._exit(0 if ok else 1)
assert ok and os.waitpid(child, 0)[1] == 0
""", PARSEAL_THREADS="2")
