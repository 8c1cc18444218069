"""parseal in programs of JAX: masks, sums, quantisation and packing as XLA custom calls.

    import parseal.jax as pj

    seeds = pj.seed_array([key0, key1], signs=[+1, -1], streams=round)
    step = jax.jit(lambda acc, seeds: pj.masked(acc, seeds), donate_argnums=0)
    acc = step(acc, seeds)

The functions work under jit, vmap and shard_map, on the CPU and on CUDA devices, and compute what
their namesakes in parseal do, byte for byte. As JAX's arrays never change, they return what is in
place there: `masked` is `parseal.mask_`, `summed` is `parseal.sum_`, in the same memory where XLA
needs the operand no more (donate it).

SEEDS are arguments of the compiled program, so that new ones cost no new compilation. A
parseal.Seeds that a jitted function captured would be a constant of its program, with the masks of
one round for ever: it is refused. There are three ways:

An array, made by seed_array, of keys, signs and streams. The keys are then in buffers of JAX and
  XLA like any other numbers: not locked, not wiped when they are freed, copied whenever JAX or XLA
  finds it useful (to a device, for a batch), and readable by whatever holds the array. On the CPU
  each call makes of them a set in parseal's guarded memory, and wipes that. On CUDA the call copies
  the keys to the host and waits for its stream.
`Slot`: the keys stay in a parseal.Seeds, in guarded memory; the program gets a number alone. Put
  the seeds of the next round into the same slot.
`StreamedSlot`, on CUDA: the keys stay in the device's guarded set, and each call gets the number of
  its stream as an operand. Nothing is copied or waited for, and XLA may put the call into a command
  buffer.

ONE MASK HIDES ONE VECTOR. Under vmap or shard_map one call works on many vectors; where all of them
would get the mask of one key and stream at one place, which would show their differences to
everybody, the call is refused. Give each row keys or streams of its own, or a `first` of its own:
rows of n elements that begin at i * n are parts of one long mask. (With check_vma=False, and in
pmap, JAX does not tell which shard is which, and it is the caller who must see to it.)

What the library refuses while a program runs, JAX raises with the library's text, in the call or
when its result is waited for: JaxRuntimeError or ValueError, by the way that the call took through
JAX. Integers have no gradients, and quantize refuses to be differentiated.
"""

from __future__ import annotations

import functools
import operator
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import parseal
import parseal._core

__all__ = ["Slot", "StreamedSlot", "dequantize", "mask", "masked", "pack", "quantize",
           "seed_array", "summed", "unpack", "with_streams"]

_core: Any = parseal._core  # what follows is private to the two modules
_struct: Any = jax.ShapeDtypeStruct
_sharding: Any = jax.sharding

for _name, _platform, _handler in _core._jax_handlers():
    jax.ffi.register_ffi_target(_name, _handler, platform=_platform)

_INTEGERS = ("uint32", "int32", "uint64", "int64")
_FLOATS = ("float32", "bfloat16", "float16")

# ------------------------------------------------------------------------------------- numbers


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _checked(name: str, value: Any) -> int:
    number = int(value)
    if not 0 <= number < 1 << 64:
        raise ValueError(f"{name}: {number} is not in 0 .. 2**64 - 1")
    return number


def _words(name: str, value: Any, shape: tuple[int, ...]) -> jax.Array:
    """Numbers of 64 bits as uint32[*shape, 2], the low word first: JAX has no integers of 64 bits
    unless jax_enable_x64 is set.

    value: an integer for all, a sequence of them, or an array of integers of `shape`, or of uint32
    of shape + (2,), which are words already.
    """
    if _is_number(value):
        number = _checked(name, value)
        pair = np.array([number & 0xFFFFFFFF, number >> 32], np.uint32)
        return jnp.asarray(np.broadcast_to(pair, (*shape, 2)))
    if isinstance(value, Sequence) and all(_is_number(number) for number in value):
        value = np.array([_checked(name, number) for number in value], np.uint64)
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        raise TypeError(f"{name}: integers or an array of them are needed, not {type(value)!r}")
    if not np.issubdtype(value.dtype, np.integer):
        raise TypeError(f"{name}: integers are needed, not {value.dtype}")
    if value.shape == (*shape, 2) and value.dtype == np.uint32:
        return jnp.asarray(value)
    if isinstance(value, np.ndarray) and value.size > 0:
        _checked(name, value.min())
    if value.shape not in (shape, ()):
        raise ValueError(f"{name}: of shape {value.shape}, needed is {shape} or {(*shape, 2)}")
    numpy = np if isinstance(value, np.ndarray) else jnp
    wide = np.dtype(value.dtype).itemsize == 8
    low = value.astype(np.uint32)
    high = (value >> 32).astype(np.uint32) if wide else numpy.zeros_like(low)
    words = numpy.stack([low, high], axis=-1)
    return jnp.asarray(numpy.broadcast_to(words, (*shape, 2)))


def _static_and_words(name: str, value: Any) -> tuple[int, tuple[jax.Array, ...]]:
    """A number that is part of the program, and one that is an operand."""
    if _is_number(value):
        return _checked(name, value), ()
    return 0, (_words(name, value, ()),)


def _signed(number: int) -> np.int64:
    """64 bits as an attribute of a custom call has them."""
    return np.uint64(number & 0xFFFFFFFFFFFFFFFF).astype(np.int64)


# --------------------------------------------------------------------------------------- seeds


def seed_array(keys: Any, signs: Any = None, streams: Any = 0) -> jax.Array:
    """Seeds as an array for the functions here: uint32[k, 11], of each seed the words of its key,
    of its stream's number, the low word first, and its sign. It is one array, and not three, as
    each operand of a program costs more time than making the seeds of it does.

    keys: a sequence of bytes-like keys of 32 bytes, or an array uint8[k, 32].
    signs: +1 or -1 for each; None: all +1.
    streams: 0 .. 2**64 - 1: one number for all keys, or one for each: a sequence, an array of
      integers [k], or uint32[k, 2], the low word first.

    Arrays may be traced ones. The keys are copied to arrays of JAX, which nobody wipes: the
    module's text says what that means for them. Raises ValueError, TypeError.
    """
    if not hasattr(keys, "dtype"):
        rows = [np.frombuffer(key, np.uint8) for key in keys]
        if any(row.shape != (32,) for row in rows):
            raise ValueError("keys: each must have 32 bytes")
        keys = np.stack(rows) if rows else np.zeros((0, 32), np.uint8)
    if keys.dtype != np.uint8 or keys.ndim != 2 or keys.shape[1] != 32:
        raise ValueError(f"keys: {keys.dtype}{list(keys.shape)}, needed is uint8[k, 32]")
    k = keys.shape[0]
    if signs is None:
        signs = np.ones(k, np.int32)
    elif not hasattr(signs, "dtype"):
        signs = np.array(signs)
    if k > 0 and not np.issubdtype(signs.dtype, np.integer):
        raise TypeError(f"signs: integers are needed, not {signs.dtype}")
    if signs.shape != (k,):
        raise ValueError(f"signs: {list(signs.shape)} for {k} keys")
    words = jax.lax.bitcast_convert_type(jnp.asarray(keys).reshape(k, 8, 4), jnp.uint32)
    sign = jax.lax.bitcast_convert_type(jnp.asarray(signs, jnp.int32), jnp.uint32)
    return jnp.concatenate([words, _words("streams", streams, (k,)), sign[:, None]], axis=1)


def with_streams(seeds: jax.Array, streams: Any) -> jax.Array:
    """A seed array with the same keys and signs, and other streams, as seed_array takes them."""
    return seeds.at[:, 8:10].set(_words("streams", streams, seeds.shape[:1]))


class Slot:
    """A place for a parseal.Seeds that compiled programs know by a number.

    Slot(seeds=None). Give the slot itself as an argument of the jitted function: what it hands over
    is the slot's number and the turn in which the seeds were put there, two integers, so a new turn
    or another slot compiles nothing. A call runs when XLA comes to it, perhaps after the caller has
    put other seeds there: it then fails rather than mask with those. So wait for the results
    (jax.block_until_ready) before the next put. A slot that a jitted function captures is a
    constant of its program: that works for one turn, and fails later.

    The keys stay in the Seeds. The slot holds it until the next put, close(), or the slot's end; a
    Seeds that is closed meanwhile makes later calls fail. Any number of threads may use one slot.
    A process can have 4,096 at a time.

    On CUDA the seeds must be made in a context of the device, and each call copies the two integers
    to the host, for which it waits.
    """

    def __init__(self, seeds: parseal.Seeds | None = None) -> None:
        self._index = _core._jax_slot_new()
        self._lock = threading.Lock()
        self._leaves: Any = _EMPTY
        self._free = weakref.finalize(self, _core._jax_slot_free, self._index)
        self._free.atexit = False
        if seeds is not None:
            self.put(seeds)

    def put(self, seeds: parseal.Seeds) -> Slot:
        """Puts seeds there, of which the slot holds a reference, and returns the slot. Waits for
        the calls that are computing with those before. Raises TypeError, ValueError (closed)."""
        with self._lock:
            if not self._free.alive:
                raise ValueError("the slot has been closed")
            turn = _core._jax_slot_put(self._index, seeds)
            self._leaves = (jnp.asarray(np.array([self._index, turn], np.uint32)),), None
        return self

    def close(self) -> None:
        """Lets go of the seeds, when the calls that are computing with them have ended. Later calls
        fail. Closing twice does nothing."""
        with self._lock:
            self._free()
            self._leaves = _EMPTY

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _traced_slot(_: None, leaves: Sequence[Any]) -> Slot:
    """What a traced function sees of a slot: its ticket alone."""
    slot = object.__new__(Slot)
    slot._leaves = tuple(leaves), None
    return slot


# A slot is a tree of one leaf, its ticket uint32[2]: the number and the turn. Without seeds it has
# none.
_EMPTY: Any = (None,), None
jax.tree_util.register_pytree_node(Slot, operator.attrgetter("_leaves"), _traced_slot)


class Streamed(NamedTuple):
    """A StreamedSlot with the stream of one call: what StreamedSlot.at returns."""

    slot: StreamedSlot
    stream: jax.Array
    """uint32[2], the low word first"""


@jax.tree_util.register_static
class StreamedSlot:
    """Seeds on a CUDA device whose stream each call gets as an operand.

    StreamedSlot(keys, signs=None, device=None)

    keys: a sequence of bytes-like keys of 32 bytes, copied to the device's memory, where parseal
      wipes them when the slot is closed or goes. signs: +1 or -1 for each; None: all +1.
    device: a jax.Device of CUDA; None: the first one.

    Give slot.at(stream) to the functions here, inside or outside of jit: the slot is part of the
    program, its stream an operand. Nothing is copied to the host and nothing waits, and XLA may
    capture the call in a command buffer and replay it with another stream. Calls of one slot must
    follow each other on the device, or one may take the other's stream. XLA's do, unless it is told
    to schedule command buffers CONCURRENT: then a StreamedSlot is refused.

    A program that was captured keeps the address of the set: keep the slot as long as the programs
    that were compiled with it. NEVER give a stream to two vectors. `first` must be a number here,
    not an array, and vmap is refused.

    Raises NoDeviceError, UnsupportedError, ValueError.
    """

    def __init__(self, keys: Sequence[Any], signs: Sequence[int] | None = None,
                 device: jax.Device | None = None) -> None:
        if "command_buffer_scheduling_mode=CONCURRENT" in os.environ.get("XLA_FLAGS", ""):
            raise ValueError("XLA_FLAGS: calls of a StreamedSlot must follow each other, and with "
                             "xla_gpu_command_buffer_scheduling_mode=CONCURRENT they do not")
        if device is None:
            device = jax.devices("cuda")[0]
        ctx = parseal.Context("cuda", device=str(device.local_hardware_id))
        # Only what the program writes there anew for each call lives in this array.
        number = jax.device_put(np.zeros(2, np.uint32), device).block_until_ready()
        self._seeds = parseal.Seeds.counting(keys, signs, step=0, number=number, ctx=ctx)
        self._index = _core._jax_slot_new()
        _core._jax_slot_put(self._index, self._seeds, number.unsafe_buffer_pointer())
        self._free = weakref.finalize(self, _core._jax_slot_free, self._index)
        self._free.atexit = False

    def at(self, stream: Any) -> Streamed:
        """The seeds with a stream: 0 .. 2**64 - 2, or uint32[2], the low word first."""
        return Streamed(self, _words("stream", stream, ()))

    def close(self) -> None:
        """Wipes the keys. No program that was compiled with the slot may run any more."""
        self._free()
        self._seeds.close()


class _Source(NamedTuple):
    """Where the seeds of a call are, as its target has it."""

    suffix: str
    operand: jax.Array
    distinct: bool
    """a batch of the operand has other masks in each row"""
    slot: int
    """that is part of the program, or -1"""


def _source(name: str, seeds: Any) -> _Source:
    if isinstance(seeds, (jax.Array, np.ndarray)):
        if seeds.dtype != np.uint32 or seeds.ndim != 2 or seeds.shape[1] != 11:
            raise TypeError(f"{name}: {seeds.dtype}{list(seeds.shape)} in place of uint32[k, 11]: "
                            "see parseal.jax.seed_array")
        return _Source("", jnp.asarray(seeds), True, -1)
    if isinstance(seeds, Slot):
        ((ticket,), _) = seeds._leaves
        if ticket is None:
            raise ValueError(f"{name}: the slot has no seeds: put some there")
        return _Source("_slot", ticket, True, -1)
    if isinstance(seeds, Streamed):
        return _Source("_streamed", seeds.stream, False, seeds.slot._index)
    if isinstance(seeds, parseal.Seeds):
        raise TypeError(f"{name}: a parseal.Seeds would be a constant of the compiled program: put "
                        "it into a parseal.jax.Slot, and give that as an argument, or use "
                        "seed_array")
    raise TypeError(f"{name}: a seed array, a Slot or a StreamedSlot.at() is needed, "
                    f"not {type(seeds)!r}")


# --------------------------------------------------------------------------------------- calls

_AGAIN = ("all of these vectors would get one and the same mask (or draws): give each keys, "
          "streams or a `first` of its own, or call this on the whole array")


def _axes(array: Any) -> frozenset[str]:
    """The axes of shard_map over which an array differs from shard to shard."""
    kind = jax.typeof(array)
    return kind.mat.varying if hasattr(kind, "mat") else getattr(kind, "vma", frozenset())


def _union(operands: Sequence[Any]) -> frozenset[str]:
    return frozenset[str]().union(*(_axes(operand) for operand in operands))


def _over_axes(operands: Sequence[Any]) -> list[Any]:
    """The operands as if all of them differed over the axes over which one does."""
    axes = _union(operands)
    return [jax.lax.pcast(operand, tuple(missing), to="varying")
            if (missing := axes - _axes(operand)) else operand for operand in operands]


def _like(operand: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """What a result is, over the axes of an operand."""
    if not _axes(operand):
        return _struct(shape, dtype)
    kind = jax.typeof(operand)
    if not hasattr(kind, "mat"):
        return _struct(shape, dtype, vma=kind.vma)
    sharding = _sharding.NamedSharding(kind.sharding.mesh, _sharding.PartitionSpec())
    return _struct(shape, dtype, sharding=sharding, manual_axis_type=kind.mat)


class _Call(NamedTuple):
    """A custom call, but for its operands: hashable."""

    target: str
    results: tuple[tuple[tuple[int, ...], Any], ...]
    aliases: tuple[tuple[int, int], ...]
    attributes: tuple[tuple[str, Any], ...]
    distinct: tuple[int, ...] = ()
    """the operands that make masks differ"""

    def bind(self, batch: tuple[int, ...], operands: Sequence[Any]) -> Any:
        operands = _over_axes(operands)
        results = [_like(operands[0], (*batch, *shape), dtype) for shape, dtype in self.results]
        function = jax.ffi.ffi_call(self.target, results, vmap_method="sequential",
                                    input_output_aliases=dict(self.aliases))
        return function(*operands, **dict(self.attributes))


@functools.partial(jax.jit, static_argnums=0, inline=True)
def _plain(call: _Call, *operands: Any) -> Any:
    return call.bind((), operands)


def _call_without_seeds(call: _Call, *operands: Any) -> list[jax.Array]:
    """A call whose rows do not depend on each other: under vmap it is made for each."""
    results: list[jax.Array] = _plain(call, *operands)
    return results


def _seeded_in_batch(call: _Call, batch: tuple[int, ...]) -> Callable[..., Any]:
    @jax.custom_batching.custom_vmap
    def run(*operands: Any) -> Any:
        return call.bind(batch, operands)

    @run.def_vmap
    def rule(size: int, batched: Sequence[bool], *operands: Any) -> Any:
        if not any(batched[i] for i in call.distinct):
            raise ValueError(f"{call.target} under vmap: {_AGAIN}")
        rows = [operand if own else jnp.broadcast_to(operand, (size, *operand.shape))
                for operand, own in zip(operands, batched)]
        return _seeded_in_batch(call, (size, *batch))(*rows), [True] * len(call.results)

    return run


@functools.partial(jax.jit, static_argnums=0, inline=True)
def _seeded(call: _Call, *operands: Any) -> Any:
    """A call with seeds: in a batch the handler itself goes from row to row."""
    alike = _union(operands) - _union([operands[i] for i in call.distinct])
    if alike:
        raise ValueError(f"{call.target} under shard_map, over {sorted(alike)}: {_AGAIN}")
    return _seeded_in_batch(call, ())(*operands)


def _call_with_seeds(target: str, arrays: Sequence[Any], name: str, seeds: Any, first: Any,
                     results: Sequence[tuple[tuple[int, ...], Any]],
                     attributes: dict[str, Any]) -> list[jax.Array]:
    source = _source(name, seeds)
    static, offsets = _static_and_words("first", first)
    attributes = {**attributes, "first": _signed(static)}
    distinct = [len(arrays)] if source.distinct else []
    if source.slot >= 0:
        if offsets:
            raise TypeError("first: a number is needed with a StreamedSlot, not an array")
        attributes["slot"] = np.int64(source.slot)
    if offsets:
        distinct.append(len(arrays) + 1)
    aliases = ((0, 0),) if target == "masked" else ()
    call = _Call(f"parseal_{target}{source.suffix}", tuple(results), aliases,
                 tuple(sorted(attributes.items())), tuple(distinct))
    made: list[jax.Array] = _seeded(call, *arrays, source.operand, *offsets)
    return made


# ------------------------------------------------------------------------------------- arrays


def _array(name: str, value: Any, dtypes: Sequence[str]) -> jax.Array:
    array = jnp.asarray(value)
    if str(array.dtype) not in dtypes:
        raise TypeError(f"{name}: {', '.join(dtypes)} are taken, not {array.dtype}")
    return array


def _modulus(ring: parseal.Ring | None, size: int) -> np.int64:
    """A ring's modulus as the library has it: 0 for 2**64."""
    if ring is None:
        return _signed(1 << 8 * size)
    if not isinstance(ring, parseal.Ring):
        raise TypeError(f"ring: a parseal.Ring is needed, not {type(ring)!r}")
    if ring.element_size != size:
        raise ValueError(f"ring: elements of {ring.element_size} bytes, the array's have {size}")
    return _signed(ring.modulus)


def _unsigned(size: int) -> Any:
    """uint32, or uint64 where JAX has it."""
    dtype = np.dtype(f"uint{8 * size}")
    if jax.dtypes.canonicalize_dtype(dtype) != dtype:
        raise TypeError("elements of 8 bytes need jax_enable_x64")
    return dtype


def _quant(quant: parseal.Quant) -> dict[str, Any]:
    if not isinstance(quant, parseal.Quant):
        raise TypeError(f"quant: a parseal.Quant is needed, not {type(quant)!r}")
    return {"clip": np.float32(quant.clip), "bits": np.int64(quant.bits)}


def masked(acc: Any, seeds: Any, ring: parseal.Ring | None = None, first: Any = 0) -> jax.Array:
    """(acc[i] + the sum of the seeds' masks, each with its sign, at first + i) mod the modulus.

    acc: int32 or uint32 (int64 or uint64 with jax_enable_x64), of any shape; donated, it is masked
      in place. seeds: a seed array, a Slot, or a StreamedSlot's at(). ring: None: of acc's whole
      type.
    first: where acc begins in the whole mask: a number, which is part of the program, or an
      operand: an array of one integer, or uint32[2], the low word first.

    Returns an array like acc. Raises TypeError and ValueError while tracing, and later what the
    module's text says: then nothing is left that looks like a masked vector, nor the vector without
    a mask (on CUDA, XLA discards what the vector was).
    """
    acc = _array("acc", acc, _INTEGERS)
    (out,) = _call_with_seeds("masked", [acc], "seeds", seeds, first, [(acc.shape, acc.dtype)],
                              {"modulus": _modulus(ring, acc.dtype.itemsize)})
    return out


def mask(seeds: Any, n: int, ring: parseal.Ring | None = None, *, first: Any = 0) -> jax.Array:
    """The masks alone: n elements of their sum mod the ring's modulus, 2**32 where it is None.

    Returns uint32[n], or uint64[n] where the ring has elements of 8 bytes. The arguments and the
    errors are those of masked.
    """
    size = 4 if ring is None else ring.element_size
    (out,) = _call_with_seeds("mask", [], "seeds", seeds, first, [((n,), _unsigned(size))],
                              {"modulus": _modulus(ring, size)})
    return out


def summed(vectors: Any, ring: parseal.Ring | None = None, acc: Any = None) -> jax.Array:
    """(acc + vectors[0] + vectors[1] + ...) mod the ring's modulus, in one pass over acc.

    vectors: int32 or uint32 (int64 or uint64), [k, ...]. ring: None: of their whole type.
    acc: an array like vectors[0], donated to be in place; None: zeros.

    Returns an array like acc. Raises TypeError, ValueError.
    """
    vectors = _array("vectors", vectors, _INTEGERS)
    if vectors.ndim == 0:
        raise ValueError("vectors: an axis to sum over is needed")
    if acc is None:
        acc = jnp.zeros(vectors.shape[1:], vectors.dtype)
    acc = _array("acc", acc, _INTEGERS)
    if (acc.shape, acc.dtype) != (vectors.shape[1:], vectors.dtype):
        raise ValueError(f"acc: {acc.dtype}{list(acc.shape)} for vectors of "
                         f"{vectors.dtype}{list(vectors.shape[1:])}")
    call = _Call("parseal_summed", ((acc.shape, acc.dtype),), ((0, 0),),
                 (("modulus", _modulus(ring, acc.dtype.itemsize)),))
    (out,) = _call_without_seeds(call, acc, vectors)
    return out


@jax.custom_jvp
def _without_derivative(x: jax.Array) -> jax.Array:
    return x


@_without_derivative.defjvp
def _refuse_derivative(primals: Any, tangents: Any) -> Any:
    raise TypeError("parseal.jax.quantize has no derivative: its results are integers. Quantise "
                    "what jax.grad returns, or jax.lax.stop_gradient(x)")


def quantize(x: Any, quant: parseal.Quant, seed: Any = None,
             first: Any = 0) -> tuple[jax.Array, jax.Array]:
    """The integers that stand for the floats of x, by quant.

    x: float32, float16 or bfloat16, of any shape.
    seed: where rounding is stochastic, a seed array, a Slot or a StreamedSlot's at() with one key,
      which must never be used for a mask, nor twice with one `first`; else None.
    first: x's place in the seed's stream, in elements, as masked takes it.

    Returns (uint32 in x's shape, uint32[]: how many values were not finite, and counted as 0; at
    most 2**32 - 1). Raises TypeError, ValueError, and later as masked does.
    """
    x = _without_derivative(_array("x", x, _FLOATS))
    attributes = _quant(quant)
    results = [(x.shape, np.dtype(np.uint32)), ((2,), np.dtype(np.uint32))]
    if (quant.rounding == "stochastic") != (seed is not None):
        raise ValueError(f"seed: {'needed' if seed is None else 'not taken'} where rounding is "
                         f"{quant.rounding}")
    if seed is not None:
        q, count = _call_with_seeds("quantize", [x], "seed", seed, first, results, attributes)
    else:
        call = _Call("parseal_quantize_nearest", tuple(results), (),
                     tuple(sorted(attributes.items())))
        q, count = _call_without_seeds(call, x)
    return q, jnp.where(count[1] != 0, np.uint32(0xFFFFFFFF), count[0])


def dequantize(total: Any, quant: parseal.Quant, n_clients: Any) -> jax.Array:
    """The mean of n_clients quantised vectors, of their sum `total` (integers, not reduced).

    total: int32 or uint32 (int64 or uint64), of any shape. n_clients: a number, which is part of
      the program, or an operand: an array of one integer, which on CUDA is waited for.

    Returns float32 in total's shape. Raises TypeError, ValueError, and later for n_clients 0.
    """
    total = _array("total", total, _INTEGERS)
    static, words = _static_and_words("n_clients", n_clients)
    attributes = {**_quant(quant), "n_clients": _signed(static)}
    call = _Call("parseal_dequantize_by" if words else "parseal_dequantize",
                 ((total.shape, np.dtype(np.float32)),), (), tuple(sorted(attributes.items())))
    (out,) = _call_without_seeds(call, total, *words)
    return out


def pack(elements: Any, bits: int) -> jax.Array:
    """The low `bits` bits of each element as a little-endian bit stream, its last byte padded with
    zeros.

    elements: int32 or uint32 (int64 or uint64), of any shape. bits: 1 to 32 (64), a part of the
    program. Returns uint8[ceil(n * bits / 8)]. Raises TypeError, ArgError (bits).
    """
    elements = _array("elements", elements, _INTEGERS)
    size = parseal.packed_size(elements.size, bits)
    call = _Call("parseal_pack", (((size,), np.dtype(np.uint8)),), (), (("bits", np.int64(bits)),))
    (out,) = _call_without_seeds(call, elements)
    return out


def unpack(packed: Any, bits: int, n: int) -> jax.Array:
    """The n elements that pack has packed: uint32[n], or uint64[n] where bits is above 32.

    packed: uint8[ceil(n * bits / 8)]. Raises TypeError, ValueError, ArgError (bits).
    """
    packed = _array("packed", packed, ("uint8",))
    if packed.size != parseal.packed_size(n, bits):
        raise ValueError(f"packed: {packed.size} bytes, {n} elements of {bits} bits take "
                         f"{parseal.packed_size(n, bits)}")
    call = _Call("parseal_unpack", (((n,), _unsigned(4 if bits <= 32 else 8)),), (),
                 (("bits", np.int64(bits)),))
    (out,) = _call_without_seeds(call, packed)
    return out
