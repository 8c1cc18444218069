"""How arrays of NumPy, JAX, PyTorch and others are taken: never copied, never written to unless it
is known that they may be."""

import array
import ctypes

import numpy as np
import pytest

import parseal

SEEDS = parseal.Seeds([bytes(range(32))])
MASK = parseal.mask(SEEDS, 24)
NEAREST = parseal.Quant(2.0, 16, "nearest")


def test_shapes_and_types_of_integers() -> None:
    for dtype in (np.int32, np.uint32, "<u4", "<i4", np.intc, np.uintc):
        for shape in ((24,), (4, 6), (2, 3, 4), (24, 1), (1, 24, 1)):
            acc = np.zeros(shape, dtype)
            assert parseal.mask_(acc, SEEDS) is acc
            assert (acc.ravel().view(np.uint32) == MASK).all()
    wide = parseal.mask(SEEDS, 24, parseal.Ring(2**64))
    for dtype in (np.int64, np.uint64, np.longlong, np.uintp):
        acc = np.zeros(24, dtype)
        assert (parseal.mask_(acc, SEEDS).view(np.uint64) == wide).all()
    scalar = np.zeros((), np.uint32)
    assert parseal.mask_(scalar, SEEDS) == MASK[0]
    assert parseal.mask_(np.zeros((0, 3), np.uint32), SEEDS).shape == (0, 3)


def test_other_buffers() -> None:
    acc = array.array("I", [0] * 24)
    parseal.mask_(acc, SEEDS)
    assert acc.tolist() == MASK.tolist()
    c = (ctypes.c_uint32 * 24)()
    parseal.mask_(c, SEEDS)
    assert list(c) == MASK.tolist()
    view = memoryview(bytearray(96)).cast("I")
    parseal.mask_(view, SEEDS)
    assert view.tolist() == MASK.tolist()


def test_slices_that_are_contiguous() -> None:
    acc = np.zeros((6, 24), np.uint32)
    parseal.mask_(acc[2], SEEDS)
    assert (acc[2] == MASK).all() and acc.sum(dtype=np.uint64) == MASK.sum(dtype=np.uint64)
    one = np.zeros((5, 24), np.uint32)[:1]  # an axis of length 1 may have any stride
    parseal.mask_(one, SEEDS)
    assert (one == MASK).all()


READ_ONLY = np.zeros(24, np.uint32)
READ_ONLY.setflags(write=False)


@pytest.mark.parametrize("value, error, text", [
    (np.zeros((4, 6), np.uint32).T, parseal.ArgError, r"acc.strides: .*contiguous"),
    (np.zeros(48, np.uint32)[::2], parseal.ArgError, "acc.strides"),
    (np.zeros(24, np.uint32)[::-1], parseal.ArgError, "acc.strides"),
    (np.broadcast_to(np.zeros(1, np.uint32), 24), parseal.ArgError, "acc: it is read-only"),
    (READ_ONLY, parseal.ArgError, "acc: it is read-only"),
    (bytes(96), parseal.ArgError, "acc: it is read-only"),
    (np.zeros(24, ">u4"), parseal.ArgError, "acc.dtype"),
    (np.zeros(24, np.int16), parseal.ArgError, "acc.dtype: int16"),
    (np.zeros(24, np.float32), parseal.ArgError, "acc.dtype: float32"),
    (np.zeros(24, bool), parseal.ArgError, "acc.dtype: bool"),
    (np.zeros(24, np.complex64), parseal.ArgError, "acc.dtype"),
    (np.zeros(24, "M8[s]"), ValueError, "acc: "),
    (np.zeros(24, [("a", np.uint32)]), parseal.ArgError, "acc.dtype"),
    (np.array([None] * 24), parseal.ArgError, "acc.dtype"),
    (np.frombuffer(bytearray(97), np.uint8)[1:].view(np.uint32), parseal.ArgError, "acc"),
    ([0] * 24, TypeError, "acc: an array is needed"),
    (None, TypeError, "acc: an array is needed"),
    ("text", TypeError, "acc: an array is needed"),
    (np.uint32(5), parseal.ArgError, "acc: it is read-only"),
    (np.zeros((1,) * 17, np.uint32), parseal.ArgError, "17 dimensions"),
])
def test_refused(value: object, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        parseal.mask_(value, SEEDS)


def test_a_field_between_others_is_not_contiguous() -> None:
    """Elements that are no multiple of their size apart."""
    records = np.zeros(24, np.dtype([("a", np.uint8), ("b", np.uint32)]))
    with pytest.raises(parseal.ArgError, match="acc: its elements are 5 bytes apart"):
        parseal.mask_(records["b"], SEEDS)


def test_nothing_is_kept() -> None:
    """An array that was taken can be resized afterwards: no buffer is held, after errors neither."""
    data = bytearray(96)
    view = memoryview(data).cast("I")
    parseal.mask_(view, SEEDS)
    with pytest.raises(parseal.SizeError):
        parseal.mask_(view, SEEDS, first=2**40)
    with pytest.raises(parseal.ArgError):
        parseal.mask_(view, SEEDS, parseal.Ring(2**64))
    view.release()
    data.extend(b"more")


class Versioned:
    """A producer of DLPack of one's own, around NumPy's."""

    def __init__(self, values: np.ndarray, asked: list) -> None:
        self.values, self.asked = values, asked

    def __dlpack__(self, **arguments: object) -> object:
        self.asked.append(arguments)
        return self.values.__dlpack__(**arguments)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.values.__dlpack_device__()


class Legacy(Versioned):
    """One from before max_version: its capsules cannot say that they are read-only."""

    def __dlpack__(self, stream: object = None) -> object:
        self.asked.append(stream)
        return self.values.__dlpack__(stream=stream)


def test_dlpack() -> None:
    asked: list = []
    values = np.zeros(24, np.uint32)
    parseal.mask_(Versioned(values, asked), SEEDS)
    assert (values == MASK).all()
    assert asked and asked[0]["max_version"] == (1, 3)
    with pytest.raises(parseal.ArgError, match="acc.*read-only"):
        parseal.mask_(Versioned(READ_ONLY, asked), SEEDS)
    assert (READ_ONLY == 0).all()


def test_a_legacy_capsule_is_read_and_never_written_to() -> None:
    values = np.zeros(24, np.uint32)
    with pytest.raises(parseal.ArgError, match="acc: it is read-only, or cannot say"):
        parseal.mask_(Legacy(values, []), SEEDS)
    assert (values == 0).all()
    acc = np.zeros(24, np.uint32)
    parseal.sum_(acc, [Legacy(MASK, [])])
    assert (acc == MASK).all()


def test_bad_producers() -> None:
    class Wrong:
        def __dlpack__(self, **arguments: object) -> object:
            return 5

    class Raising:
        def __dlpack__(self, **arguments: object) -> object:
            raise BufferError("not today")

    class Liar:
        __dlpack_c_exchange_api__ = 5

    with pytest.raises((TypeError, ValueError)):
        parseal.mask_(Wrong(), SEEDS)
    with pytest.raises(BufferError, match="not today"):
        parseal.mask_(Raising(), SEEDS)
    with pytest.raises(TypeError, match="acc: an array is needed"):
        parseal.mask_(Liar(), SEEDS)


def test_more_types_than_are_remembered() -> None:
    """How a type's arrays are taken is remembered for the first types only."""
    for i in range(200):
        kind = type(f"Kind{i}", (np.ndarray,), {})
        acc = np.zeros(24, np.uint32).view(kind)
        assert (parseal.mask_(acc, SEEDS) == MASK).all()


def test_floats() -> None:
    x = np.linspace(-1.5, 1.5, 24)
    expected, _ = parseal.quantize(x.astype(np.float32), NEAREST)
    q, _ = parseal.quantize(x.astype(np.float16), NEAREST)
    again, _ = parseal.quantize(x.astype(np.float16).astype(np.float32), NEAREST)
    assert (q == again).all() and (q != expected).any()


def test_bfloat16_of_the_other_byte_order_is_refused() -> None:
    """Its bytes swapped are a bfloat16, too, and another number."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.ones(4, ml_dtypes.bfloat16)
    with pytest.raises(ValueError, match="x: "):
        parseal.quantize(x.byteswap().view(x.dtype.newbyteorder()), NEAREST)


def test_bfloat16_of_ml_dtypes() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.linspace(-1.5, 1.5, 24).astype(ml_dtypes.bfloat16)
    q, _ = parseal.quantize(x, NEAREST)
    expected, _ = parseal.quantize(x.astype(np.float32), NEAREST)
    assert (q == expected).all()
    with pytest.raises((parseal.ArgError, ValueError, BufferError)):
        parseal.quantize(x.astype(ml_dtypes.float8_e5m2), NEAREST)


def test_jax_arrays_are_read_and_never_written_to() -> None:
    jax = pytest.importorskip("jax")
    zeros = jax.numpy.zeros(24, jax.numpy.uint32)
    with pytest.raises(parseal.ArgError, match="acc: it is read-only"):
        parseal.mask_(zeros, SEEDS)
    assert (np.asarray(zeros) == 0).all()
    acc = np.zeros(24, np.uint32)
    parseal.sum_(acc, [jax.numpy.asarray(MASK)])
    assert (acc == MASK).all()
    x = jax.numpy.linspace(-1.5, 1.5, 24)
    for dtype in (jax.numpy.float32, jax.numpy.float16, jax.numpy.bfloat16):
        q, _ = parseal.quantize(x.astype(dtype), NEAREST)
        expected, _ = parseal.quantize(np.asarray(x.astype(dtype).astype(jax.numpy.float32)), NEAREST)
        assert (q == expected).all()
    with pytest.raises(parseal.ArgError, match="out: it is read-only"):
        parseal.mask(SEEDS, 24, out=zeros)
    with pytest.raises(parseal.ArgError, match="read-only"):
        parseal.quantize(x, NEAREST, out=zeros)


def test_torch_tensors() -> None:
    torch = pytest.importorskip("torch")
    for dtype in (torch.int32, torch.uint32):
        acc = torch.zeros(24, dtype=dtype)
        assert parseal.mask_(acc, SEEDS) is acc
        assert (acc.view(torch.int32).numpy().view(np.uint32) == MASK).all()
    x = torch.linspace(-1.5, 1.5, 24)
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        q, _ = parseal.quantize(x.to(dtype), NEAREST)
        expected, _ = parseal.quantize(x.to(dtype).float(), NEAREST)
        assert (q == expected).all()
    for bad, text in [(torch.zeros(4, 6, dtype=torch.int32).t(), "acc.strides"),
                      (torch.zeros(24), "acc.dtype: float32")]:
        with pytest.raises(parseal.ArgError, match=text):
            parseal.mask_(bad, SEEDS)
    negated = torch.view_as_complex(torch.ones(1, 2)).conj().imag
    assert negated.is_neg() and negated.item() == -1
    with pytest.raises(parseal.ArgError, match="x: .*resolve_neg"):
        parseal.quantize(negated, NEAREST)
    q, _ = parseal.quantize(negated.resolve_neg(), NEAREST)
    assert q[0] == parseal.quantize(np.float32([-1.0]), NEAREST)[0][0]
    meta = torch.zeros(24, dtype=torch.int32, device="meta")
    with pytest.raises((parseal.Error, BufferError, RuntimeError, ValueError), match="^acc"):
        parseal.mask_(meta, SEEDS)
