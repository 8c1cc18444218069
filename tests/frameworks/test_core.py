"""Contexts, rings, seeds, masks, sums, quantisation and packing, against NumPy and references."""

import gc
import os
import random
import threading

import numpy as np
import pytest
import reference

import parseal

KEYS = [bytes(range(i, i + 32)) for i in range(5)]
SIZES = [0, 1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1023, 1024, 1025, 5000]


def test_reference_is_rfc_8439() -> None:
    """Appendix A.1 of RFC 8439, test vector 1: the keystream of a key and a nonce of zeros."""
    assert reference.chacha20(bytes(32), bytes(12), 16).hex() == "76b8e0ada0f13d90405d6ae55386bd28"


# ------------------------------------------------------------------------------------- contexts


def test_context_says_what_it_is() -> None:
    with parseal.Context("cpu", threads=1) as ctx:
        assert (ctx.backend, ctx.threads) == ("cpu", 1)
        assert ctx.device and ctx.reason
        assert set(ctx.impl) >= {"aead", "mask", "vec_sum", "quant", "pack", "fcp"}
        assert "cpu" in repr(ctx)
    with pytest.raises(ValueError, match="closed"):
        ctx.backend
    assert "closed" in repr(ctx)
    ctx.close()


def test_context_takes_an_implementation_by_name() -> None:
    ctx = parseal.Context("cpu", impl="portable")
    assert set(ctx.impl.values()) == {"portable"}


@pytest.mark.parametrize("arguments, error, text", [
    ({"backend": "gpu"}, ValueError, "backend: 'gpu'"),
    ({"backend": 1}, TypeError, "backend: a string"),
    ({"backend": "cpu\0"}, ValueError, "backend: .* NUL"),
    ({"threads": -1}, ValueError, "threads: -1"),
    ({"threads": 2**32}, ValueError, "threads: 4294967296"),
    ({"threads": 1.5}, TypeError, "threads: an integer"),
    ({"impl": "none such"}, parseal.ArgError, "none such"),
    ({"backends": "cpu"}, TypeError, "unexpected keyword argument 'backends'"),
])
def test_context_refuses(arguments: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        parseal.Context(**arguments)


def test_errors_are_what_they_say() -> None:
    for name, status, also in [("ArgError", -1, ValueError), ("SizeError", -2, ValueError),
                               ("AliasError", -3, ValueError), ("AuthError", -4, Exception),
                               ("OverflowError_", -5, OverflowError),
                               ("NoMemoryError", -6, MemoryError), ("NoDeviceError", -7, Exception),
                               ("SelftestError", -8, Exception),
                               ("UnsupportedError", -9, Exception), ("DeviceError", -10, Exception),
                               ("FormatError", -11, ValueError)]:
        error = getattr(parseal, name)
        assert issubclass(error, parseal.Error) and issubclass(error, also)
        assert error.status == status and error.status_name.startswith("PARSEAL_ERR_")
        assert error.__module__ == "parseal"


def test_objects_outlive_their_context() -> None:
    ctx = parseal.Context("cpu")
    seeds = parseal.Seeds(KEYS, ctx=ctx)
    assert seeds.ctx is ctx
    ctx.close()
    del ctx
    gc.collect()
    assert parseal.mask(seeds, 3).shape == (3,)


def test_a_default_context_that_was_closed_is_made_anew() -> None:
    with parseal.default_context() as first:
        pass
    again = parseal.default_context()
    assert again is not first and again is parseal.default_context()
    assert parseal.mask(parseal.Seeds(KEYS), 3).shape == (3,)


# --------------------------------------------------------------------------------------- values


def test_rings() -> None:
    assert parseal.Ring(2**32).element_size == 4
    assert parseal.Ring(2**32 + 1).element_size == 8
    assert parseal.Ring(2**64).modulus == 2**64
    assert parseal.Ring(np.uint64(2**63)).modulus == 2**63
    assert parseal.Ring(5, 8) != parseal.Ring(5) == parseal.Ring(modulus=5, element_size=4)
    assert len({parseal.Ring(7), parseal.Ring(7), parseal.Ring(8)}) == 2
    assert repr(parseal.Ring(2**64)) == "parseal.Ring(18446744073709551616, element_size=8)"


@pytest.mark.parametrize("arguments, error", [
    ((1,), ValueError), ((0,), ValueError), ((-5,), ValueError), ((2**64 + 1,), ValueError),
    ((2**33, 4), ValueError), ((5, 2), ValueError), ((5, 16), ValueError), ((1.5,), TypeError),
    (("5",), TypeError), ((), TypeError), ((5, 4, 3), TypeError),
])
def test_rings_refuse(arguments: tuple, error: type) -> None:
    with pytest.raises(error):
        parseal.Ring(*arguments)


def test_rings_of_what_wraps_refuse() -> None:
    """np.uint64(0) - 1 is 2**64 - 1."""
    with pytest.raises(ValueError, match="modulus: "):
        parseal.Ring(np.uint64(0))
    for no_integer in (None, "5", np.arange(3)):
        with pytest.raises(TypeError, match="modulus: an integer is needed"):
            parseal.Ring(no_integer)


def test_quant_says_what_it_is() -> None:
    quant = parseal.Quant(0.5, 8, "nearest")
    assert (quant.clip, quant.bits, quant.rounding) == (0.5, 8, "nearest")
    assert repr(quant) == "parseal.Quant(0.5, bits=8, rounding='nearest')"
    quant.check(2**24, parseal.Ring(2**32))
    with pytest.raises(parseal.OverflowError_, match="clients"):
        quant.check(2**24 + 2**20, parseal.Ring(2**32))
    with pytest.raises(parseal.OverflowError_):
        quant.check(2**24, parseal.Ring(2**32), noise=2**31)
    for bits in (0, 25):
        with pytest.raises(parseal.ArgError, match="bits"):
            parseal.Quant(1.0, bits)
    with pytest.raises(ValueError, match="rounding"):
        parseal.Quant(1.0, 8, "up")


# ---------------------------------------------------------------------------------------- masks


@pytest.mark.parametrize("modulus", [2, 3, 2**16, 2**32 - 5, 2**32, 2**32 + 15, 2**63 + 29, 2**64])
def test_masks_are_the_formats(modulus: int) -> None:
    ring = parseal.Ring(modulus)
    dtype = np.uint32 if ring.element_size == 4 else np.uint64
    signs, streams = [1, -1, 1], [0, 7, 2**64 - 2]
    seeds = parseal.Seeds(KEYS[:3], signs, streams)
    for n in SIZES[:10]:
        acc = np.arange(n, dtype=dtype)
        expected = reference.masked(acc.tolist(), list(zip(KEYS, streams, signs)), modulus)
        assert parseal.mask_(acc, seeds, ring) is acc
        assert acc.tolist() == expected
        alone = reference.masked([0] * n, list(zip(KEYS, streams, signs)), modulus)
        assert parseal.mask(seeds, n, ring).tolist() == alone


def test_signs_and_streams_may_be_arrays() -> None:
    expected = parseal.mask(parseal.Seeds(KEYS[:2], [1, -1], [3, 4]), 40)
    for dtype in (np.int64, np.int8):
        signs, streams = np.array([1, -1], dtype), np.array([3, 4], dtype)
        assert (parseal.mask(parseal.Seeds(KEYS[:2], signs, streams), 40) == expected).all()
    one = parseal.Seeds(KEYS[:2], streams=np.int64(7))
    assert (parseal.mask(one, 40) == parseal.mask(parseal.Seeds(KEYS[:2], streams=7), 40)).all()


def test_a_mask_that_does_not_fit_is_not_written() -> None:
    out = np.zeros(9, np.uint32)
    with pytest.raises(parseal.SizeError, match="out: 9 elements, n is 8"):
        parseal.mask(parseal.Seeds(KEYS), 8, out=out)
    assert not out.any()


@pytest.mark.parametrize("call", [
    lambda: parseal.mask(parseal.Seeds(KEYS), None),
    lambda: parseal.packed_size(None, 8),
    lambda: parseal.unpack(b"", 8, None),
    lambda: parseal.sealed_size(None),
], ids=["mask", "packed_size", "unpack", "sealed_size"])
def test_none_is_no_number(call: object) -> None:
    with pytest.raises(TypeError, match="n: an integer is needed, not <class 'NoneType'>"):
        call()


def test_no_text_shows_a_key_in_the_place_of_signs() -> None:
    with pytest.raises(TypeError, match=r"signs\[0\]: .* not <class 'bytes'>$"):
        parseal.Seeds(KEYS[:1], [KEYS[1]])


def test_a_mask_may_be_cut() -> None:
    seeds = parseal.Seeds(KEYS, streams=3)
    whole = parseal.mask(seeds, 5000)
    for first, n in [(0, 1), (1, 1), (15, 17), (1000, 4000), (5000, 0)]:
        assert (parseal.mask(seeds, n, first=first) == whole[first : first + n]).all()


def test_masks_cancel_over_threads() -> None:
    """The calls let other threads run, and many may use one set."""
    plus, minus = parseal.Seeds(KEYS, streams=1), parseal.Seeds(KEYS, [-1] * 5, 1)
    vectors = [np.full(100_000, i, np.int64) for i in range(8)]

    def work(vector: np.ndarray) -> None:
        for _ in range(5):
            parseal.mask_(vector, plus)
            parseal.mask_(vector, minus)

    threads = [threading.Thread(target=work, args=(vector,)) for vector in vectors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((vector == i).all() for i, vector in enumerate(vectors))


def test_closing_while_others_call() -> None:
    """A set that is closed goes when the last call has left it; later calls are refused."""
    for _ in range(50):
        seeds = parseal.Seeds(KEYS)
        refused = []

        def work() -> None:
            vector = np.zeros(5000, np.uint32)
            try:
                for _ in range(200):
                    parseal.mask_(vector, seeds)
            except ValueError as error:
                refused.append(str(error))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        seeds.close()
        for thread in threads:
            thread.join()
        assert all("closed" in text for text in refused)
        with pytest.raises(ValueError, match="closed"):
            len(seeds)


@pytest.mark.parametrize("keys, arguments, error, text", [
    ([b"short"], {}, parseal.SizeError, r"keys\[0\]: 5 bytes.*32"),
    (KEYS[:1] + [b""], {}, parseal.SizeError, r"keys\[1\]: 0 bytes"),
    ([1], {}, TypeError, r"keys\[0\]: an array is needed"),
    (b"x" * 33, {}, parseal.SizeError, "keys: 33 bytes are no multiple of 32"),
    (5, {}, TypeError, "keys: an array is needed"),
    (KEYS[:2], {"signs": [1]}, ValueError, "signs: 1 for 2 keys"),
    (KEYS[:2], {"signs": [1, 0]}, ValueError, r"signs\[1\]"),
    (KEYS[:2], {"signs": [1, 2**70]}, ValueError, r"signs\[1\]"),
    (KEYS[:2], {"signs": [1, 1.0]}, TypeError, r"signs\[1\]"),
    (KEYS[:2], {"signs": 1}, TypeError, "signs: a sequence"),
    (KEYS[:2], {"streams": [1, None]}, TypeError, r"streams\[1\]: an integer is needed, not"),
    (KEYS[:2], {"streams": np.arange(3)}, ValueError, "streams: 3 for 2 keys"),
    (KEYS[:2], {"streams": [1, 2, 3]}, ValueError, "streams: 3 for 2 keys"),
    (KEYS[:2], {"streams": [1, -2]}, ValueError, r"streams\[1\]: -2"),
    (KEYS[:2], {"streams": 2**64}, ValueError, "streams: 18446744073709551616"),
    (KEYS[:2], {"ctx": 5}, TypeError, "ctx: "),
])
def test_seeds_refuse(keys: object, arguments: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        parseal.Seeds(keys, **arguments)


def test_seeds_take_keys_in_any_form() -> None:
    expected = parseal.mask(parseal.Seeds(KEYS), 9)
    flat = b"".join(KEYS)
    forms = [tuple(KEYS), [bytearray(key) for key in KEYS], [memoryview(key) for key in KEYS], flat,
             bytearray(flat), np.frombuffer(flat, np.uint8).reshape(5, 32),
             [np.frombuffer(key, np.uint32) for key in KEYS]]
    for keys in forms:
        assert (parseal.mask(parseal.Seeds(keys), 9) == expected).all()
    assert len(parseal.Seeds([])) == 0 and len(parseal.Seeds(b"")) == 0
    assert (parseal.mask(parseal.Seeds([]), 3) == 0).all()


def test_fcp_masks() -> None:
    """A known answer of tests/kat/fcp_masks.c, slices, and the ring of the set's own."""
    seeds = parseal.Seeds.fcp(KEYS[:2], [1, -1], n=1000, modulus=2**20, session=b"s", name=b"v")
    whole = parseal.mask(seeds, 1000)
    assert whole.dtype == np.uint32 and whole.max() < 2**20
    assert (parseal.mask(seeds, 100, first=900) == whole[900:]).all()
    same = parseal.Seeds.fcp(KEYS[:2], [-1, 1], n=1000, modulus=2**20, session=b"s", name=b"v")
    assert (parseal.mask_(whole.copy(), same) == 0).all()
    other = parseal.Seeds.fcp(KEYS[:2], [1, -1], n=1000, modulus=2**20, session=b"t", name=b"v")
    assert (parseal.mask(other, 1000) != whole).any()
    wide = parseal.Seeds.fcp([b"17 bytes at most."], n=4, modulus=2**40)
    assert parseal.mask(wide, 4).dtype == np.uint64
    with pytest.raises(parseal.ArgError, match="ring"):
        parseal.mask(seeds, 5, parseal.Ring(2**21))
    with pytest.raises(parseal.SizeError):
        parseal.mask(seeds, 1001)
    with pytest.raises(TypeError, match="'n'"):
        parseal.Seeds.fcp(KEYS)
    with pytest.raises(parseal.ArgError, match="len"):
        parseal.Seeds.fcp([bytes(18)], n=1)


def test_mask_out() -> None:
    seeds = parseal.Seeds(KEYS)
    out = np.empty((3, 4), np.int32)
    assert parseal.mask(seeds, 12, out=out) is out
    assert (out.view(np.uint32).ravel() == parseal.mask(seeds, 12)).all()
    with pytest.raises(parseal.SizeError, match="out: 12 elements, n is 11"):
        parseal.mask(seeds, 11, out=out)
    with pytest.raises(parseal.SizeError, match="first"):
        parseal.mask(seeds, 1, first=2**40)


# ----------------------------------------------------------------------------- sums and packing


@pytest.mark.parametrize("modulus", [2, 1000, 2**32 - 5, 2**32, 2**40, 2**64 - 59, 2**64])
def test_sums(modulus: int) -> None:
    ring = parseal.Ring(modulus)
    dtype = np.uint32 if ring.element_size == 4 else np.uint64
    generator = np.random.default_rng(modulus % 1000)
    for n in SIZES:
        vectors = [generator.integers(0, modulus, n, dtype=np.uint64, endpoint=modulus == 2**64)
                   .astype(dtype) if modulus < 2**64 else generator.integers(0, 2**64 - 1, n, dtype)
                   for _ in range(4)]
        acc = vectors[0].copy()
        assert parseal.sum_(acc, vectors[1:], ring) is acc
        expected = [sum(column) % modulus for column in zip(*(v.tolist() for v in vectors))]
        assert acc.tolist() == expected


def test_sums_refuse() -> None:
    acc = np.zeros(8, np.uint32)
    with pytest.raises(parseal.AliasError):
        parseal.sum_(acc, [acc])
    with pytest.raises(parseal.SizeError):
        parseal.sum_(acc, [np.zeros(7, np.uint32)])
    with pytest.raises(parseal.ArgError, match=r"vectors\[0\].dtype: uint64"):
        parseal.sum_(acc, [np.zeros(8, np.uint64)])
    with pytest.raises(TypeError, match="vectors: a list"):
        parseal.sum_(acc, acc)
    with pytest.raises(TypeError, match="ring: "):
        parseal.sum_(acc, [], 2**32)
    assert (parseal.sum_(acc, []) == 0).all()


@pytest.mark.parametrize("bits", [1, 3, 8, 13, 27, 32, 33, 57, 64])
def test_packing(bits: int) -> None:
    dtype = np.uint32 if bits <= 32 else np.uint64
    draw = random.Random(bits)
    for n in SIZES:
        elements = np.array([draw.getrandbits(bits) for _ in range(n)], dtype)
        packed = parseal.pack(elements, bits)
        bit_stream = sum(int(value) << (i * bits) for i, value in enumerate(elements))
        size = -(-n * bits // 8)
        assert parseal.packed_size(n, bits) == size == len(packed)
        assert bytes(packed) == bit_stream.to_bytes(size, "little")
        assert (parseal.unpack(packed, bits, n) == elements).all()
        acc = elements.copy()
        parseal.packed_sum_(acc, [packed, bytes(packed)], bits)
        assert (acc == elements * dtype(3)).all()


def test_packing_refuses() -> None:
    elements = np.zeros(8, np.uint32)
    for bits in (0, 33):
        with pytest.raises(parseal.ArgError, match="bits"):
            parseal.pack(elements, bits)
    with pytest.raises(parseal.SizeError):
        parseal.pack(elements, 4, out=bytearray(5))
    with pytest.raises(parseal.ArgError, match="out: it is read-only"):
        parseal.pack(elements, 4, out=bytes(4))
    with pytest.raises(parseal.SizeError):
        parseal.unpack(bytes(3), 4, 8)
    with pytest.raises(parseal.SizeError, match="out: 8 elements, n is 7"):
        parseal.unpack(bytes(4), 4, 7, out=elements)
    out = bytearray(4)
    assert parseal.pack(elements, 4, out=out) is out


# --------------------------------------------------------------------------------- quantisation


def test_quantisation_to_the_nearest() -> None:
    quant = parseal.Quant(2.0, 10, "nearest")
    x = np.array([[-3.0, -2.0, -1.0], [0.0, 1.5, np.nan]], np.float32)
    q, nonfinite = parseal.quantize(x, quant)
    expected = np.floor((np.clip(np.nan_to_num(x), -2, 2) + 2) * np.float32(1023 / 4) + 0.5)
    assert q.dtype == np.uint32 and q.shape == x.shape and nonfinite == 1
    assert (q == expected).all()
    mean = parseal.dequantize(q, quant, 1)
    assert mean.dtype == np.float32 and mean.shape == x.shape
    assert np.abs(mean - np.clip(np.nan_to_num(x), -2, 2)).max() <= 2 / 1023


def test_stochastic_quantisation_takes_the_seeds_draws() -> None:
    quant = parseal.Quant(1.0, 8)
    x = np.linspace(-1, 1, 1000, dtype=np.float32)
    q, _ = parseal.quantize(x, quant, seed=KEYS[0])
    u = np.minimum((x + np.float32(1)) * np.float32(255 / 2), np.float32(255))
    draws = np.array(reference.mask(KEYS[0], 0, 2**32, 1000), np.uint64)
    floor = np.floor(u)
    up = np.floor((u - floor).astype(np.float64) * 2**32) > draws
    assert (q == np.minimum(floor + up, 255)).all()
    again, _ = parseal.quantize(x[100:], quant, seed=parseal.Seeds([KEYS[0]]), first=100)
    assert (again == q[100:]).all()


def test_quantisation_refuses() -> None:
    x = np.zeros(4, np.float32)
    with pytest.raises(parseal.ArgError, match="seed"):
        parseal.quantize(x, parseal.Quant(1.0))
    with pytest.raises(parseal.ArgError, match="seed"):
        parseal.quantize(x, parseal.Quant(1.0, 8, "nearest"), seed=KEYS[0])
    with pytest.raises(parseal.SizeError, match="seed"):
        parseal.quantize(x, parseal.Quant(1.0), seed=b"".join(KEYS))
    with pytest.raises(parseal.ArgError, match="x.dtype: float64"):
        parseal.quantize(x.astype(np.float64), parseal.Quant(1.0, 8, "nearest"))
    with pytest.raises(parseal.ArgError, match="clip"):
        parseal.quantize(x, parseal.Quant(float("nan"), 8, "nearest"))
    with pytest.raises(TypeError, match="quant: "):
        parseal.quantize(x, 8)
    with pytest.raises(parseal.ArgError, match="n_clients"):
        parseal.dequantize(np.zeros(4, np.uint32), parseal.Quant(1.0), 0)
    with pytest.raises(parseal.ArgError, match="out"):
        parseal.dequantize(np.zeros(4, np.uint32), parseal.Quant(1.0), 1, out=np.zeros(4, np.float16))


# ----------------------------------------------------------------------------------- processes


def test_children_of_fork_go_on() -> None:
    """After calls on threads in the parent, also with the parent's objects."""
    seeds = parseal.Seeds(KEYS)
    big = np.zeros(3_000_000, np.uint32)
    parseal.mask_(big, seeds)
    child = os.fork()
    if child == 0:
        again = np.zeros(3_000_000, np.uint32)
        parseal.mask_(again, seeds)
        os._exit(0 if (again == big).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
