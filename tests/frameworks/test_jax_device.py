"""The handlers of parseal.jax for CUDA, called as XLA calls them, without XLA and without a GPU:
frames made by hand, on the emulated driver of tests/emu, whose memory is the host's. Skipped where
that driver is not the one that is found."""

import ctypes as C
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

try:
    C.CDLL("libcuda.so.1").fake_launches
except (OSError, AttributeError):
    pytest.skip("the emulated driver is not here", allow_module_level=True)

from fake_framework import Capsule, Driver

import parseal
import parseal._core

_core: Any = parseal._core
DRIVER = Driver()
DRIVER.stream = DRIVER.new_stream()
CPU, CUDA = parseal.Context("cpu"), parseal.Context("cuda")

DTYPES = {"uint8": 6, "int32": 4, "uint32": 8, "int64": 5, "float32": 11}
KEYS = [bytes(range(i, i + 32)) for i in range(3)]

# --------------------------------------------------------------- XLA's structs, as c_api.h has them

POINTER = C.c_void_p


def struct(name: str, fields: Sequence[tuple[str, Any]], headed: bool = True) -> type[C.Structure]:
    head = [("struct_size", C.c_size_t), ("extension", POINTER)] if headed else []
    return type(name, (C.Structure,), {"_fields_": [*head, *fields]})


Buffer = struct("Buffer", [("dtype", C.c_int), ("data", POINTER), ("rank", C.c_int64),
                           ("dims", POINTER)])
Scalar = struct("Scalar", [("dtype", C.c_int), ("value", POINTER)], headed=False)
Span = struct("Span", [("ptr", C.c_char_p), ("len", C.c_size_t)], headed=False)
List = struct("List", [("size", C.c_int64), ("types", POINTER), ("items", POINTER)])
Attributes = struct("Attributes", [("size", C.c_int64), ("types", POINTER), ("names", POINTER),
                                   ("items", POINTER)])
Frame = struct("Frame", [("api", POINTER), ("context", POINTER), ("stage", C.c_int), ("args", List),
                         ("rets", List), ("attributes", Attributes), ("future", POINTER)])
Version = struct("Version", [("major", C.c_int), ("minor", C.c_int)])
Metadata = struct("Metadata", [("struct_size", C.c_size_t), ("version", Version),
                               ("traits", C.c_uint32), ("state", C.c_int64)], headed=False)
Extension = struct("Extension", [("struct_size", C.c_size_t), ("type", C.c_int), ("next", POINTER),
                                 ("metadata", POINTER)], headed=False)
ErrorArgs = struct("ErrorArgs", [("message", C.c_char_p), ("code", C.c_int)])
GetArgs = struct("GetArgs", [("context", POINTER), ("value", POINTER)])
FUNCTIONS = ["Error_Create", "Error_GetMessage", "Error_Destroy", "Handler_Register", "Stream_Get",
             "Type_Register", "ExecutionContext_Get", "State_Set", "State_Get",
             "DeviceMemory_Allocate", "DeviceMemory_Free", "ThreadPool_Schedule",
             "ThreadPool_NumThreads", "Future_Create",
             "Future_SetAvailable", "Future_SetError", "RunId_Get", "DeviceOrdinal_Get"]
Api = struct("Api", [("version", Version), ("internal", POINTER),
                     *((function, POINTER) for function in FUNCTIONS)])
Callback = C.CFUNCTYPE(POINTER, POINTER)

errors: list[str] = []


@Callback
def create_error(args: int) -> int:
    errors.append(ErrorArgs.from_address(args).message.decode())
    return len(errors)


@Callback
def get_stream(args: int) -> None:
    GetArgs.from_address(args).value = DRIVER.stream


@Callback
def get_ordinal(args: int) -> None:
    C.c_int32.from_address(args + GetArgs.value.offset).value = 0


api = Api(C.sizeof(Api))
for _name, _function in [("Error_Create", create_error), ("Stream_Get", get_stream),
                         ("DeviceOrdinal_Get", get_ordinal)]:
    setattr(api, _name, C.cast(_function, POINTER).value)

_address = C.pythonapi.PyCapsule_GetPointer
_address.restype, _address.argtypes = POINTER, (C.py_object, C.c_char_p)
HANDLERS: dict[tuple[str, str], Callable[[Any], int | None]] = {
    (name, platform): Callback(_address(capsule, None))
    for name, platform, capsule in _core._jax_handlers()}

def on_device(array: np.ndarray) -> np.ndarray:
    """The same in memory of the emulated device, which is the host's too."""
    pointer = C.c_uint64()
    DRIVER("cuMemAlloc_v2", C.byref(pointer), C.c_size_t(max(array.nbytes, 16)))
    memory = (C.c_uint8 * array.nbytes).from_address(pointer.value)
    made = np.frombuffer(memory, array.dtype).reshape(array.shape)
    made[...] = array
    return made


def call(name: str, args: Sequence[np.ndarray], rets: Sequence[np.ndarray],
         **attributes: Any) -> str | None:
    """Calls a handler: the text of its error, or None."""
    kept: list[Any] = []

    def pointers(items: Sequence[C.Structure]) -> Any:
        kept.extend(items)
        array = (POINTER * (len(items) + 1))(*(C.addressof(item) for item in items))
        kept.append(array)
        return C.cast(array, POINTER)

    def buffer(array: np.ndarray) -> C.Structure:
        dims = (C.c_int64 * (array.ndim + 1))(*array.shape)
        kept.append(dims)
        return Buffer(C.sizeof(Buffer), None, DTYPES[str(array.dtype)], array.ctypes.data,
                      array.ndim, C.cast(dims, POINTER))

    def listed(arrays: Sequence[np.ndarray]) -> C.Structure:
        types = (C.c_int * (len(arrays) + 1))(*[1] * len(arrays))
        kept.append(types)
        return List(C.sizeof(List), None, len(arrays), C.cast(types, POINTER),
                    pointers([buffer(array) for array in arrays]))

    names = sorted(attributes)
    values = [np.array([attributes[n]]) for n in names]
    kept.extend(values)
    types = (C.c_int * (len(names) + 1))(*[3] * len(names))
    scalars = [Scalar(DTYPES[str(v.dtype)], v.ctypes.data) for v in values]
    spans = [Span(n.encode(), len(n)) for n in names]
    frame = Frame(C.sizeof(Frame), None, C.addressof(api), None, 3, listed(args), listed(rets),
                  Attributes(C.sizeof(Attributes), None, len(names), C.cast(types, POINTER),
                             pointers(spans), pointers(scalars)), None)
    failed = HANDLERS[f"parseal_{name}", "CUDA"](C.addressof(frame))
    return errors[failed - 1] if failed else None


def succeeds(name: str, args: Sequence[np.ndarray], rets: Sequence[np.ndarray],
             **attributes: Any) -> None:
    text = call(name, args, rets, **attributes)
    assert text is None, text


def rows(keys: Sequence[bytes], signs: Sequence[int], streams: Sequence[int]) -> np.ndarray:
    """A seed array: words of keys and streams, and signs."""
    return np.array([[*np.frombuffer(key, "<u4"), stream & 0xFFFFFFFF, stream >> 32, sign % 2**32]
                     for key, stream, sign in zip(keys, streams, signs)], np.uint32)


# ------------------------------------------------------------------------------------------ tests

I64 = np.int64
MASK = {"modulus": I64(2**32), "first": I64(0)}


def test_traits() -> None:
    """Only what launches work on the device alone may be captured in a command buffer."""
    capturable = set()
    for (name, platform), handler in HANDLERS.items():
        metadata = Metadata(C.sizeof(Metadata))
        extension = Extension(C.sizeof(Extension), 1, None, C.addressof(metadata))
        frame = Frame(C.sizeof(Frame), C.addressof(extension), C.addressof(api))
        assert handler(C.addressof(frame)) is None
        assert (metadata.version.major, metadata.version.minor) == (0, 3)
        if metadata.traits:
            assert metadata.traits == 1 and platform == "CUDA"
            capturable.add(name.removeprefix("parseal_"))
    assert capturable == {"masked_streamed", "mask_streamed", "quantize_streamed",
                          "quantize_nearest", "summed", "dequantize", "pack", "unpack"}
    for name, _ in HANDLERS:
        assert (name, "CUDA") in HANDLERS
        assert ((name, "cpu") in HANDLERS) != name.endswith("_streamed")


def test_seeds_in_an_operand() -> None:
    x = np.arange(5000, dtype=np.uint32).reshape(2, 2500)
    seeds = parseal.Seeds(KEYS, [1, -1, 1], [4, 5, 2**40], ctx=CPU)
    array = on_device(rows(KEYS, [1, -1, 1], [4, 5, 2**40]))
    acc, out = on_device(x), on_device(np.zeros(100, np.uint32))
    succeeds("masked", [acc, array], [acc], **MASK)
    succeeds("mask", [array, on_device(np.array([3, 0], np.uint32))], [out], modulus=I64(1000),
             first=I64(4))
    DRIVER.finish()
    assert (acc == parseal.mask_(x.copy(), seeds)).all()
    assert (out == parseal.mask(seeds, 100, parseal.Ring(1000), first=7)).all()
    batch = on_device(np.stack([array, array[::-1]]))
    acc[...] = x
    succeeds("masked", [acc, batch], [acc], **MASK)
    DRIVER.finish()
    assert (acc == np.stack([parseal.mask_(row.copy(), seeds) for row in x])).all()
    good = rows(KEYS, [1] * 3, [0] * 3)
    for wrong, text in [(rows(KEYS, [1, 2, 1], [0] * 3), "sign"),
                        (good[:, :10], "seeds: 120 bytes, needed are 132")]:
        assert text in (call("masked", [acc, on_device(wrong)], [acc], **MASK) or "")
    assert "two buffers" in (call("masked", [acc, array], [on_device(x)], **MASK) or "")
    assert "no attribute first" in (call("masked", [acc, array], [acc], modulus=I64(5)) or "")
    assert "3 operands" in (call("masked_streamed", [acc, array, array], [acc], **MASK) or "")


def test_seeds_in_a_slot() -> None:
    x = np.arange(1000, dtype=np.uint32)
    want = parseal.mask_(x.copy(), parseal.Seeds(KEYS, ctx=CPU))
    slot = _core._jax_slot_new()
    turn = _core._jax_slot_put(slot, parseal.Seeds(KEYS, ctx=CUDA))
    ticket, acc = on_device(np.array([slot, turn], np.uint32)), on_device(x)
    succeeds("masked_slot", [acc, ticket], [acc], **MASK)
    _core._jax_slot_free(slot)  # it waits for the work that was enqueued
    DRIVER.finish()
    assert (acc == want).all()
    assert "are gone" in (call("masked_slot", [acc, ticket], [acc], **MASK) or "")
    other = on_device(np.array([9999, 1], np.uint32))
    assert "no such slot" in (call("masked_slot", [acc, other], [acc], **MASK) or "")
    _core._jax_slot_put(slot2 := _core._jax_slot_new(), parseal.Seeds(KEYS, ctx=CPU))
    other = on_device(np.array([slot2, turn + 1 if slot2 == slot else 1], np.uint32))
    assert "PARSEAL_ERR_UNSUPPORTED" in (call("masked_slot", [acc, other], [acc], **MASK) or "")
    _core._jax_slot_free(slot2)


def streamed_slot(keys: Sequence[bytes], signs: Sequence[int]) -> tuple[int, parseal.Seeds]:
    """What parseal.jax.StreamedSlot makes."""
    number = Capsule(DRIVER, np.zeros(2, np.uint32))
    seeds = parseal.Seeds.counting(keys, signs, step=0, number=number, ctx=CUDA)
    slot = _core._jax_slot_new()
    _core._jax_slot_put(slot, seeds, number.pointer.value)
    return slot, seeds


def test_streams_in_an_operand() -> None:
    x, quant = np.arange(3000, dtype=np.uint32), parseal.Quant(2.0, 22)
    floats = np.linspace(-2, 2, 3000, dtype=np.float32)
    slot, made = streamed_slot(KEYS[:2], [1, -1])
    alone, _ = streamed_slot(KEYS[2:], [1])
    acc, stream, out = on_device(x), on_device(np.zeros(2, np.uint32)), on_device(x)
    q, count, fx = on_device(x), on_device(np.zeros(2, np.uint32)), on_device(floats)

    def enqueue() -> None:
        succeeds("masked_streamed", [acc, stream], [acc], slot=I64(slot), **MASK)
        succeeds("mask_streamed", [stream], [out], slot=I64(slot), **MASK)
        succeeds("quantize_streamed", [fx, stream], [q, count], slot=I64(alone), first=I64(5),
                 clip=np.float32(2), bits=I64(22))

    def check(number: int, was: np.ndarray) -> None:
        DRIVER.finish()
        seeds = parseal.Seeds(KEYS[:2], [1, -1], number, ctx=CPU)
        assert (acc == parseal.mask_(was.copy(), seeds)).all()
        assert (out == parseal.mask(seeds, 3000)).all()
        one = parseal.Seeds(KEYS[2:], streams=number, ctx=CPU)
        assert (q == parseal.quantize(floats, quant, seed=one, first=5, ctx=CPU)[0]).all()
        assert count.tolist() == [0, 0]

    for number in (3, 2**40 + 1):
        stream[:] = number & 0xFFFFFFFF, number >> 32
        was = acc.copy()
        enqueue()
        check(number, was)
    graph, executable = POINTER(), POINTER()
    DRIVER("cuStreamBeginCapture_v2", C.c_void_p(DRIVER.stream), 2)
    enqueue()
    DRIVER("cuStreamEndCapture", C.c_void_p(DRIVER.stream), C.byref(graph))
    DRIVER("cuGraphInstantiateWithFlags", C.byref(executable), graph, C.c_ulonglong(0))
    for number in (7, 8, 2**63):
        stream[:] = number & 0xFFFFFFFF, number >> 32
        was = acc.copy()
        DRIVER("cuGraphLaunch", executable, C.c_void_p(DRIVER.stream))
        check(number, was)
    made.close()
    text = call("masked_streamed", [acc, stream], [acc], slot=I64(slot), **MASK)
    assert "have been closed" in (text or "")


def test_what_takes_no_seeds() -> None:
    x = np.random.default_rng(1).integers(0, 1 << 32, (4, 1000), np.uint32)
    acc, v, out = on_device(x[0]), on_device(x[1:]), on_device(x[0])
    total, mean = on_device(x[0] % 256), on_device(np.zeros((2, 1000), np.float32))
    floats = np.linspace(-3, 3, 1000, dtype=np.float32)
    floats[7] = np.nan
    q, count, fx = on_device(x[0]), on_device(np.ones(2, np.uint32)), on_device(floats)
    packed = on_device(np.zeros(parseal.packed_size(1000, 13), np.uint8))
    quant = {"clip": np.float32(2), "bits": I64(8)}
    succeeds("summed", [acc, v], [acc], modulus=I64(2**32))
    succeeds("dequantize", [total], [mean[0]], n_clients=I64(3), **quant)
    succeeds("dequantize_by", [total, on_device(np.array([3, 0], np.uint32))], [mean[1]],
             n_clients=I64(0), **quant)
    succeeds("quantize_nearest", [fx], [q, count], **quant)
    succeeds("pack", [v[0]], [packed], bits=I64(13))
    succeeds("unpack", [packed], [out], bits=I64(13))
    DRIVER.finish()
    held = parseal.Quant(2.0, 8, "nearest")
    assert (acc == x.sum(0, dtype=np.uint32)).all()
    assert (mean == parseal.dequantize((x[0] % 256).copy(), held, 3, ctx=CPU)).all()
    assert (q == parseal.quantize(floats, held, ctx=CPU)[0]).all() and count.tolist() == [1, 0]
    assert packed.tobytes() == bytes(parseal.pack(x[1], 13, ctx=CPU))
    assert (out == x[1] % 2**13).all()
    text = call("dequantize", [total], [mean[0]], n_clients=I64(0), **quant)
    assert "PARSEAL_ERR_ARG" in (text or "")


def test_keys_are_not_left_behind() -> None:
    """Beside the operand, which is XLA's, the device holds no copy of the keys after a call."""
    key = bytes(range(100, 132))
    array, acc = on_device(rows([key], [1], [0])), on_device(np.zeros(1000, np.uint32))
    succeeds("masked", [acc, array], [acc], **MASK)
    DRIVER.finish()
    DRIVER.cuda.fake_found.restype = C.c_uint64
    assert DRIVER.cuda.fake_found(key, C.c_uint64(32)) == 1


def test_a_streamed_slot_in_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """What JAX makes of it for CUDA: its number is a part of the program, the stream an operand."""
    jax = pytest.importorskip("jax")
    import parseal.jax as pj

    class Array(Capsule):
        def unsafe_buffer_pointer(self) -> int:
            return self.pointer.value

        def block_until_ready(self) -> "Array":
            return self

    class Device:
        local_hardware_id = 0

    with monkeypatch.context() as patch:
        patch.setattr(jax, "device_put", lambda array, device: Array(DRIVER, array))
        slots = [pj.StreamedSlot(KEYS[:2], [1, -1], Device()) for _ in range(2)]
        patch.setenv("XLA_FLAGS", "--xla_gpu_command_buffer_scheduling_mode=CONCURRENT")
        with pytest.raises(ValueError, match="must follow each other"):
            pj.StreamedSlot(KEYS[:2], [1, -1], Device())
    x, traced = np.arange(1000, dtype=np.uint32), []

    @jax.jit
    def step(x: Any, seeds: Any) -> Any:
        traced.append(1)
        return pj.masked(x, seeds)

    def lowered(slot: Any, stream: int) -> str:
        return step.trace(x, slot.at(stream)).lower(lowering_platforms=("cuda",)).as_text()

    text = lowered(slots[1], 5)
    assert "@parseal_masked_streamed" in text and f"slot = {slots[1]._index} : i64" in text
    assert lowered(slots[1], 2**40) == text and len(traced) == 1
    assert lowered(slots[0], 5) != text and len(traced) == 2
    for refused, error, match in [
            (lambda: pj.masked(x, slots[0].at(1), first=jax.numpy.uint32(3)), TypeError,
             "first: a number"),
            (lambda: jax.vmap(lambda r: pj.masked(r, slots[0].at(1)))(x.reshape(2, 500)),
             ValueError, "one and the same mask"),
            (lambda: jax.vmap(lambda i: pj.mask(slots[0].at(i), 5))(x), ValueError, "same mask"),
            (lambda: slots[0].at(2**64), ValueError, "stream: 18446744073709551616")]:
        with pytest.raises(error, match=match):
            refused()
    acc, stream = on_device(x), on_device(np.array([9, 0], np.uint32))
    attributes = {"slot": I64(slots[1]._index), **MASK}
    succeeds("masked_streamed", [acc, stream], [acc], **attributes)
    DRIVER.finish()
    assert (acc == parseal.mask_(x.copy(), parseal.Seeds(KEYS[:2], [1, -1], 9, ctx=CPU))).all()
    slots[1].close()
    assert "are gone" in (call("masked_streamed", [acc, stream], [acc], **attributes) or "")
