"""The operators of parseal.torch: right, checked by torch's own opcheck, and compiled once."""

import gc
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")

import parseal  # noqa: E402
import parseal.torch as pt  # noqa: E402
from torch._dynamo.testing import CompileCounterWithBackend  # noqa: E402

OPS = torch.ops.parseal
INTEGERS = (torch.int32, torch.uint32, torch.int64, torch.uint64)
BACKENDS = ("aot_eager", "inductor")
N = 1000
QUANT = parseal.Quant(1.0, 16, "nearest")
RING = parseal.Ring(2**32 - 5)


def random_tensor(dtype: torch.dtype, n: int = N) -> torch.Tensor:
    """All bits random; NumPy's generator, so that nothing of parseal is in the input."""
    size = torch.empty(0, dtype=dtype).element_size()
    data = np.random.default_rng(n).integers(0, 256, n * size, dtype=np.uint8)
    return torch.from_numpy(data).view(dtype)


def as_numpy(tensor: torch.Tensor) -> Any:
    unsigned = np.uint32 if tensor.element_size() == 4 else np.uint64
    return tensor.view(torch.uint8).numpy().view(unsigned)


def key(number: int) -> bytes:
    return number.to_bytes(32, "little")


def two_seeds(round_: int = 0) -> parseal.Seeds:
    return parseal.Seeds([key(1), key(2)], signs=[1, -1], streams=round_)


# --------------------------------------------------------------------------------------- results --


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_masks_are_those_of_numpy_arrays(dtype: torch.dtype) -> None:
    small = dtype in (torch.int32, torch.uint32)
    rings = [None, parseal.Ring(2**32 - 5 if small else 2**64 - 59), parseal.Ring(2**31)]
    if not small:
        rings[2] = parseal.Ring(2**64)
    for ring in rings:
        seeds = two_seeds()
        acc = random_tensor(dtype)
        expected = as_numpy(acc).copy()
        assert pt.mask_(acc, seeds, ring, 7) is acc
        parseal.mask_(expected, seeds, ring, 7)
        assert (as_numpy(acc) == expected).all()
        alone = pt.mask(seeds, N, ring, first=7, dtype=dtype)
        assert alone.dtype == dtype
        assert (as_numpy(alone) == parseal.mask(seeds, N, ring, first=7, out=expected)).all()


def test_masks_alone_are_signed_integers_unless_told() -> None:
    seeds = two_seeds()
    assert pt.mask(seeds, 3).dtype == torch.int32
    assert pt.mask(seeds, 3, parseal.Ring(2**64)).dtype == torch.int64
    assert pt.mask(seeds, 3, parseal.Ring(2**32)).dtype == torch.int32
    total = pt.mask_(torch.full((3,), -1, dtype=torch.int32), seeds)
    assert torch.equal(total, pt.mask(seeds, 3) - 1)
    with pytest.raises(ValueError, match="float32"):
        pt.mask(seeds, 3, dtype=torch.float32)


def test_masks_of_fcp_have_their_own_ring() -> None:
    def seeds() -> parseal.Seeds:
        return parseal.Seeds.fcp([key(1)], [1], n=N, modulus=1000)

    acc = torch.zeros(N, dtype=torch.int32)
    pt.mask_(acc, seeds())
    assert (as_numpy(acc) == parseal.mask_(np.zeros(N, np.uint32), seeds())).all()
    assert 0 < int(acc.max()) < 1000


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_sums(dtype: torch.dtype) -> None:
    vectors = [random_tensor(dtype, N + i)[:N].clone() for i in range(3)]
    modulus = 2**32 - 5 if dtype in (torch.int32, torch.uint32) else 2**64 - 59
    expected = [sum(int(as_numpy(v)[i]) for v in vectors) % modulus for i in range(N)]
    acc = torch.zeros(N, dtype=dtype)
    assert pt.sum_(acc, vectors, parseal.Ring(modulus)) is acc
    assert as_numpy(acc).tolist() == expected


def test_packing_and_packed_sums() -> None:
    bits = 20
    elements = random_tensor(torch.int32)
    low = [int(e) & (1 << bits) - 1 for e in as_numpy(elements)]
    stream = sum(e << bits * i for i, e in enumerate(low))
    packed = pt.pack(elements, bits)
    assert packed.dtype == torch.uint8
    assert bytes(packed.numpy()) == stream.to_bytes(N * bits // 8, "little")
    assert pt.unpack(packed, bits, N).tolist() == low
    assert pt.unpack(packed, bits, N, dtype=torch.uint64).dtype == torch.uint64
    acc = torch.ones(N, dtype=torch.uint32)
    assert pt.packed_sum_(acc, [packed, packed], bits, parseal.Ring(1000)) is acc
    assert as_numpy(acc).tolist() == [(1 + 2 * e) % 1000 for e in low]
    assert pt.unpack(pt.pack(torch.arange(5), 64), 64, 5).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("dtype", (torch.float32, torch.float16, torch.bfloat16), ids=str)
def test_quantised_means(dtype: torch.dtype) -> None:
    x = torch.linspace(-1.5, 1.5, N).to(dtype)
    x[3] = float("nan")
    x[4] = float("-inf")
    nearest = parseal.Quant(1.0, 8, "nearest")
    q, nonfinite = pt.quantize(x, nearest)
    assert (q.dtype, nonfinite.dtype, int(nonfinite)) == (torch.int32, torch.int64, 2)
    exact = torch.nan_to_num(x.double(), 0.0, 0.0, 0.0).clamp(-1.0, 1.0)
    grid = (exact + 1.0) * (255 / 2)
    assert float((q - grid).abs().max()) < 0.5 + 2**-16
    mean = pt.dequantize(q * 3, nearest, 3)
    assert mean.dtype == torch.float32
    assert float((mean - exact).abs().max()) < (0.5 + 2**-16) * 2 / 255

    stochastic = parseal.Quant(1.0, 8)
    seed = parseal.Seeds([key(9)])
    q, _ = pt.quantize(x, stochastic, seed=seed, first=5, dtype=torch.uint32)
    bits = x.view(torch.int32 if dtype == torch.float32 else torch.int16)
    same = bits.numpy().view({4: np.float32, 2: np.float16}[x.element_size()])
    if dtype != torch.bfloat16:
        expected, _ = parseal.quantize(same, stochastic, seed=seed, first=5)
        assert (as_numpy(q) == expected).all()
    assert float((q.view(torch.int32) - grid).abs().max()) < 1 + 2**-16


def test_quantising_detaches() -> None:
    x = torch.ones(4, requires_grad=True)
    q, _ = pt.quantize(x * 0.5, parseal.Quant(1.0, 4, "nearest"))
    mean = pt.dequantize(q, parseal.Quant(1.0, 4), 1)
    assert not q.requires_grad and not mean.requires_grad
    pt.quantize(x, parseal.Quant(1.0, 4, "nearest"))
    with torch.inference_mode():
        assert pt.mask_(torch.zeros(4, dtype=torch.int32), two_seeds()).is_inference()


def test_autograd_hears_of_what_changed() -> None:
    rows = torch.zeros(2, dtype=torch.int64)
    x = torch.ones(3, requires_grad=True)
    kept = (x * x)[rows].sum()
    pt.sum_(rows, [torch.ones(2, dtype=torch.int64)])
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        kept.backward()


def test_refusals() -> None:
    seeds = two_seeds()
    integers = torch.zeros(4, 4, dtype=torch.int32)
    with pytest.raises(parseal.ArgError, match="acc"):
        pt.mask_(torch.zeros(4), seeds)
    with pytest.raises(parseal.ArgError, match="acc"):
        pt.mask_(integers.t()[1:], seeds)
    with pytest.raises(parseal.AliasError):
        pt.sum_(integers, [integers])
    with pytest.raises(TypeError, match="Seeds"):
        pt.handle(b"k" * 32)  # type: ignore[arg-type]
    with pytest.raises(parseal.ArgError, match="seed"):
        pt.quantize(torch.zeros(4), parseal.Quant(1.0, 8))
    with pytest.raises(parseal.ArgError, match="seed"):
        pt.quantize(torch.zeros(4), parseal.Quant(1.0, 8, "nearest"), seed=seeds)
    with pytest.raises(ValueError, match="no backend"):
        pt.context("meta")
    assert pt.context("cpu") is parseal.default_context()


def test_no_text_shows_a_key() -> None:
    """Who gives a key in the place of seeds, as parseal.quantize takes one, finds it in no log."""
    secret = b"not to be shown, of 32 bytes ..."
    nearest, stochastic = QUANT, parseal.Quant(1.0, 8)
    calls: list[Callable[[], Any]] = [
        lambda: pt.mask_(torch.zeros(4, dtype=torch.int32), secret),  # type: ignore[arg-type]
        lambda: pt.mask(secret, 4),  # type: ignore[arg-type]
        lambda: pt.quantize(torch.zeros(4), stochastic, seed=secret),  # type: ignore[arg-type]
        lambda: pt.quantize(torch.zeros(4), nearest, seed=secret),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises((TypeError, parseal.ArgError), match="^seeds?: ") as caught:
            call()
        assert "not to be shown" not in str(caught.value)


def test_vmap_never_uses_a_mask_twice() -> None:
    seeds, rows = two_seeds(), torch.zeros(3, 4, dtype=torch.int32)
    floats, stochastic = torch.linspace(-2, 2, 12).reshape(3, 4), parseal.Quant(1.0, 8)
    one = parseal.Seeds([key(1)])
    calls: list[Callable[[], Any]] = [
        lambda: torch.vmap(lambda row: pt.mask_(row, seeds))(rows),
        lambda: torch.vmap(lambda row: pt.mask_(row, seeds, RING, 16))(rows),
        lambda: torch.vmap(lambda row: pt.quantize(row, stochastic, seed=one))(floats),
    ]
    for call in calls:
        with pytest.raises(RuntimeError, match="one and the same mask"):
            call()
    assert not rows.any()
    floats[1, 2] = torch.inf
    q, nonfinite = torch.vmap(lambda row: pt.quantize(row, QUANT))(floats)
    assert torch.equal(q, pt.quantize(floats, QUANT)[0]) and nonfinite.tolist() == [0, 1, 0]


# --------------------------------------------------------------------------------------- handles --


def test_handles_are_never_used_again() -> None:
    acc = torch.zeros(4, dtype=torch.int32)
    seen = set()
    for _ in range(100):
        seeds = two_seeds()
        number = pt.handle(seeds)
        assert pt.handle(seeds) == number and number not in seen
        seen.add(number)
        pt.mask_(acc, number)
        before = acc.clone()
        del seeds
        gc.collect()
        with pytest.raises(ValueError, match="handle"):
            pt.mask_(acc, number)
        assert torch.equal(acc, before)
    closed = two_seeds()
    number = pt.handle(closed)
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        pt.mask_(acc, number)


# -------------------------------------------------------------------------------- torch's checks --


def test_opcheck() -> None:
    seeds, seed = two_seeds(), parseal.Seeds([key(3)])
    number, one = pt.handle(seeds), pt.handle(seed)
    acc, floats = torch.zeros(N, dtype=torch.int32), torch.randn(N)
    packed = pt.pack(acc, 20)
    calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
        (OPS.mask_.default, (acc, number), {}),
        (OPS.mask_.part, (acc.view(torch.uint32), number, 2**32 - 5, 3), {}),
        (OPS.mask_.part, (torch.zeros(N, dtype=torch.int64), number, -59), {}),
        (OPS.mask.default, (number, N), {}),
        (OPS.mask.default, (number, N, 0), {"dtype": torch.int64}),
        (OPS.sum_.default, (acc, [acc.clone(), acc.clone()]), {}),
        (OPS.packed_sum_.default, (acc, [packed, packed], 20), {}),
        (OPS.quantize.default, (floats, 1.0, 16), {}),
        (OPS.quantize.default, (floats.bfloat16(), 1.0, 16, one, 5), {"dtype": torch.int64}),
        (OPS.quantize.default, (floats.clone().requires_grad_(), 1.0, 16), {}),
        (OPS.dequantize.default, (acc, 1.0, 16, 3), {}),
        (OPS.pack.default, (acc, 20), {}),
        (OPS.unpack.default, (packed, 20, N), {}),
    ]
    for op, args, kwargs in calls:
        results = torch.library.opcheck(op, args, kwargs)
        assert set(results.values()) == {"SUCCESS"}, op
    tags = OPS.mask_.default.tags
    assert not hasattr(torch.Tag, "inplace") or torch.Tag.inplace in tags
    assert seeds is not None


def mask_in_place(x: torch.Tensor, seeds: int) -> torch.Tensor:
    y = x + 1
    pt.mask_(y, seeds)
    return y * 2


def mask_and_add(x: torch.Tensor, seeds: int) -> torch.Tensor:
    return (x + pt.mask(seeds, x.numel(), first=3)) * 2


def mean_of_two(x: torch.Tensor, seeds: int) -> torch.Tensor:
    q, nonfinite = pt.quantize(x / 2**31, QUANT)
    total = pt.sum_(torch.zeros_like(q), [q, pt.unpack(pt.pack(q, 16), 16, q.numel())])
    packed = pt.pack(total, 20)
    pt.packed_sum_(total, [packed], 20)
    return pt.dequantize(pt.mask_(total, seeds, RING), QUANT, 2) + nonfinite


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("function", (mask_in_place, mask_and_add, mean_of_two))
def test_compiled(function: Callable[..., torch.Tensor], backend: str) -> None:
    """Right, whole, and compiled at most twice over three rounds of new keys."""
    torch._dynamo.reset()
    counter = CompileCounterWithBackend(backend)
    compiled = torch.compile(function, fullgraph=True, backend=counter)
    x = random_tensor(torch.int32)
    for round_ in range(3):
        for _ in range(2):
            seeds = two_seeds(round_)
            number = pt.handle(seeds)
            assert torch.equal(compiled(x, number), function(x, number))
    assert counter.frame_count <= 2


def test_compiled_code_takes_handles_alone() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(mask_in_place, fullgraph=True, backend="aot_eager")
    with pytest.raises(Exception, match="pt.handle"):
        compiled(torch.zeros(4, dtype=torch.int32), two_seeds())


# ------------------------------------------------------------------------------------------ CUDA --


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_works_on_the_current_stream() -> None:
    seeds = parseal.Seeds([key(1)], ctx=pt.context("cuda"))
    expected = pt.mask_(torch.arange(1 << 20, dtype=torch.int32), parseal.Seeds([key(1)]))
    for stream in (torch.cuda.current_stream(), torch.cuda.Stream()):
        with torch.cuda.stream(stream):
            acc = torch.arange(1 << 20, dtype=torch.int32, device="cuda")
            assert torch.equal(pt.mask_(acc, seeds).cpu(), expected)
            q, nonfinite = pt.quantize(acc.float(), parseal.Quant(2.0**21, 24, "nearest"))
            assert q.is_cuda and nonfinite.is_cuda and int(nonfinite) == 0
