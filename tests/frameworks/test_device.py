"""Arrays in the memory of a CUDA device: the emulated driver of tests/emu, tensors of a framework
that exists for this alone. Skipped where that driver is not the one that is found."""

import ctypes
import io
import os

import numpy as np
import pytest

try:
    ctypes.CDLL("libcuda.so.1").fake_launches
except (OSError, AttributeError):
    pytest.skip("the emulated driver is not here", allow_module_level=True)

import fake_framework
from fake_framework import Capsule, Driver, Tensor

import parseal

CUDA = parseal.Context("cuda")
CPU = parseal.Context("cpu")
KEYS = [bytes(range(i, i + 32)) for i in range(3)]
SEEDS = parseal.Seeds(KEYS, ctx=CUDA)
MASK = parseal.mask(parseal.Seeds(KEYS, ctx=CPU), 1000)
NEAREST = parseal.Quant(2.0, 16, "nearest")


@pytest.fixture
def driver() -> Driver:
    return Driver()


def test_the_context(driver: Driver) -> None:
    assert CUDA.backend == "cuda" and "Emulated" in CUDA.device
    assert (parseal.mask(SEEDS, 1000) == MASK).all()


@pytest.mark.parametrize("kind", [Tensor, Capsule])
@pytest.mark.parametrize("own_stream", [False, True])
def test_in_place(driver: Driver, kind: type[Capsule], own_stream: bool) -> None:
    driver.stream = driver.new_stream() if own_stream and kind is Tensor else 0
    fake_framework.asked.clear()
    acc = kind(driver, np.zeros((10, 100), np.int32))
    assert parseal.mask_(acc, SEEDS) is acc
    assert (acc.values().ravel().view(np.uint32) == MASK).all()
    assert fake_framework.asked == ([(2, 0)] if kind is Tensor else [])
    other = kind(driver, MASK.reshape(10, 100).view(np.int32))
    parseal.sum_(acc, [other, other], ctx=CUDA)
    assert (acc.values().ravel().view(np.uint32) == MASK * np.uint32(3)).all()


@pytest.mark.parametrize("kind", [Tensor, Capsule])
def test_quantisation_and_packing(driver: Driver, kind: type[Capsule]) -> None:
    x = np.linspace(-1.5, 1.5, 1000, dtype=np.float32)
    expected, _ = parseal.quantize(x, NEAREST, ctx=CPU)
    q = kind(driver, np.zeros(1000, np.uint32))
    result, nonfinite = parseal.quantize(kind(driver, x), NEAREST, out=q, ctx=CUDA)
    assert result is q and nonfinite == 0 and (q.values() == expected).all()
    mean = kind(driver, np.zeros(1000, np.float32))
    parseal.dequantize(q, NEAREST, 1, out=mean, ctx=CUDA)
    assert np.allclose(mean.values(), x, atol=1e-4)
    packed = kind(driver, np.zeros(parseal.packed_size(1000, 16), np.uint8))
    parseal.pack(q, 16, out=packed, ctx=CUDA)
    assert packed.values().tobytes() == bytes(parseal.pack(expected, 16, ctx=CPU))
    again = kind(driver, np.zeros(1000, np.uint32))
    parseal.unpack(packed, 16, 1000, out=again, ctx=CUDA)
    assert (again.values() == expected).all()
    parseal.packed_sum_(again, [packed], 16, ctx=CUDA)
    assert (again.values() == 2 * expected).all()


def test_host_and_device_in_one_call(driver: Driver) -> None:
    acc = Tensor(driver, np.zeros(1000, np.uint32))
    parseal.sum_(acc, [MASK], ctx=CUDA)
    assert (acc.values() == MASK).all()


def test_out_is_needed_on_a_device(driver: Driver) -> None:
    x = Tensor(driver, np.zeros(8, np.float32))
    with pytest.raises(ValueError, match="out: needed where x is in a device's memory"):
        parseal.quantize(x, NEAREST, ctx=CUDA)
    packed = Tensor(driver, np.zeros(8, np.uint8))
    with pytest.raises(ValueError, match="out: needed where packed is in a device's memory"):
        parseal.unpack(packed, 8, 8, ctx=CUDA)


def test_two_frameworks_in_one_call_are_refused(driver: Driver) -> None:
    """Their streams need not wait for each other."""
    acc = Tensor(driver, np.zeros(8, np.uint32))
    with pytest.raises(parseal.ArgError, match=r"vectors\[0\]: it is on another stream"):
        parseal.sum_(acc, [Capsule(driver, np.zeros(8, np.uint32))], ctx=CUDA)


def test_a_context_of_the_cpu_refuses_them(driver: Driver) -> None:
    acc = Tensor(driver, np.zeros(8, np.uint32))
    with pytest.raises(parseal.UnsupportedError, match="acc"):
        parseal.mask_(acc, parseal.Seeds(KEYS, ctx=CPU))
    with pytest.raises(parseal.UnsupportedError, match="keys"):
        parseal.Seeds(Capsule(driver, np.zeros(32, np.uint8)), ctx=CUDA)


def test_seeds_of_another_context(driver: Driver) -> None:
    x = np.zeros(8, np.float32)
    seeds = parseal.Seeds(KEYS[:1], ctx=CPU)
    with pytest.raises(parseal.ArgError, match="seed"):
        parseal.quantize(x, parseal.Quant(1.0), seed=seeds, ctx=CUDA)


def test_a_set_that_counts(driver: Driver) -> None:
    """Each call takes the next streams, and says which; a replay would do so, too."""
    number = Tensor(driver, np.zeros(1, np.uint64))
    seeds = parseal.Seeds.counting(KEYS, stream=5, step=3, number=number, ctx=CUDA)
    out = Tensor(driver, np.zeros(1000, np.uint32))
    for stream in (5, 8, 11):
        parseal.mask(seeds, 1000, out=out)
        expected = parseal.mask(parseal.Seeds(KEYS, streams=stream, ctx=CPU), 1000)
        assert (out.values() == expected).all() and number.values()[0] == stream
    del number
    parseal.mask(seeds, 1000, out=out)  # the set keeps the number's array
    with pytest.raises(parseal.UnsupportedError):
        parseal.mask(seeds, 1000)
    with pytest.raises(parseal.UnsupportedError):
        parseal.Seeds.counting(KEYS, ctx=CPU)
    with pytest.raises(parseal.SizeError, match="number"):
        parseal.Seeds.counting(KEYS, number=Tensor(driver, np.zeros(2, np.uint64)), ctx=CUDA)
    with pytest.raises(parseal.ArgError):
        parseal.Seeds.counting(KEYS, step=0, ctx=CUDA)


def test_a_number_that_the_graph_writes(driver: Driver) -> None:
    number = Tensor(driver, np.array([77], np.uint64))
    seeds = parseal.Seeds.counting(KEYS, step=0, number=number, ctx=CUDA)
    out = Tensor(driver, np.zeros(1000, np.uint32))
    for stream in (77, 5, 6):
        number.fill(np.array([stream], np.uint64))
        parseal.mask(seeds, 1000, out=out)
        expected = parseal.mask(parseal.Seeds(KEYS, streams=stream, ctx=CPU), 1000)
        assert (out.values() == expected).all()


def test_a_child_of_fork_computes_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU's driver does not survive fork; the default context of the child is another."""
    monkeypatch.setenv("PARSEAL_BACKEND", "cuda")  # by name: nothing is measured
    assert parseal.default_context().backend == "cuda"
    child = os.fork()
    if child == 0:
        os.environ["PARSEAL_BACKEND"] = "auto"
        wrong = parseal.default_context().backend != "cpu"
        wrong |= (parseal.mask(parseal.Seeds(KEYS), 1000) != MASK).any()
        try:
            parseal.mask(SEEDS, 1000)
            wrong = True
        except parseal.DeviceError as error:
            wrong |= "fork" not in str(error)
        os._exit(int(wrong))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert parseal.default_context().backend == "cuda"


@pytest.mark.parametrize("own_stream", [False, True])
def test_results_of_aggregators_come_after_work_on_the_framework_s_stream(
    driver: Driver, own_stream: bool
) -> None:
    """As where a framework fills the array with zeros, for which nobody has waited."""
    driver.stream = driver.new_stream() if own_stream else 0
    update = np.arange(1000, dtype=np.uint32)
    aggregator = parseal.Aggregator(1000, quant=NEAREST, ctx=CUDA)
    aggregator.add(0, update)
    for call, dtype in ((aggregator.sum, np.uint32), (aggregator.mean, np.float32)):
        out = Tensor(driver, np.ones(1000, dtype))
        driver("cuMemsetD32Async", out.pointer, ctypes.c_uint(0), ctypes.c_size_t(1000),
               ctypes.c_void_p(driver.stream))
        call(out)
        assert (out.values() == call()).all()


def test_aggregators(driver: Driver) -> None:
    """In a GPU's memory, with results on either side; updates lie in host memory."""
    updates = [np.arange(1000, dtype=np.uint32) * np.uint32(i + 7) for i in range(3)]
    keys = parseal.Keys("aes256gcm", KEYS[0], ctx=CUDA)
    payloads = [bytearray(update) for update in updates]
    nonces = [bytes([i]) * 12 for i in range(3)]
    tags = parseal.seal(keys, payloads, nonces)
    aggregator = parseal.Aggregator(1000, quant=NEAREST, ctx=CUDA)
    rows = [parseal.Update(i, *row) for i, row in enumerate(zip(payloads, nonces, tags))]
    assert aggregator.add_sealed(keys, rows) == ["ok"] * 3
    aggregator.unmask(SEEDS)
    expected = updates[0] + updates[1] + updates[2] + MASK
    assert (aggregator.sum() == expected).all()
    total = Capsule(driver, np.zeros((10, 100), np.int32))
    assert aggregator.sum(total) is total
    assert (total.values().ravel().view(np.uint32) == expected).all()
    mean = Capsule(driver, np.zeros(1000, np.float32))
    aggregator.mean(mean)
    assert (mean.values() == aggregator.mean()).all()
    assert (parseal.Aggregator.load(aggregator.export(), ctx=CPU).sum() == expected).all()


def test_sealed_streams(driver: Driver) -> None:
    raw, text = io.BytesIO(), bytes(range(256)) * 1000
    with parseal.SealedWriter(raw, KEYS[0], segment="4KB", ctx=CUDA) as writer:
        writer.write(text)
    raw.seek(0)
    assert parseal.SealedReader(raw, KEYS[0], segment="4KB", ctx=CPU).read() == text
    raw.seek(0)
    assert parseal.SealedReader(raw, KEYS[0], segment="4KB", ctx=CUDA).read() == text
