"""The operators parseal::mask_, mask, sum_, packed_sum_, quantize, dequantize, pack and unpack.

They are made by Library.define and impl, which cost a quarter of what custom_op does. Each calls
the library once on the tensors' own memory. On CUDA that is on torch's current stream, nothing is
copied and nothing waited for: outputs are allocated on that stream and used on it alone, so that
none needs Tensor.record_stream; of inputs that were made on another stream the caller waits and
records, as for any operator of torch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch

import parseal
from parseal import Context, Quant, Ring, Seeds

from ._handles import handle, seeds_of

_library = torch.library.Library("parseal", "DEF")
_inplace = getattr(torch.Tag, "inplace", None)
_never_captured = getattr(torch.Tag, "cudagraph_unsafe", None)
_integers = (torch.int32, torch.uint32, torch.int64, torch.uint64)


def _define(
    schema: str, kernel: Callable[..., Any], fake: Callable[..., Any], keys: Sequence[str]
) -> None:
    """Defines an operator; `-> acc` stands for the tensor that it changes and returns."""
    tags = [torch.Tag.pt2_compliant_tag]
    if _never_captured is not None:
        tags.append(_never_captured)  # a replay would use masks and draws again
    if schema.endswith("-> acc") and _inplace is not None:
        tags.append(_inplace)
        schema = schema.replace("-> acc", "-> Tensor(a!)")
    elif schema.endswith("-> acc"):
        # Without the tag torch.compile takes no operator that returns what it has changed.
        schema = schema.replace("-> acc", "-> ()")
        kernel, fake = _without_result(kernel), _without_result(fake)
    _library.define(schema, tags=tuple(tags))
    name = schema.split("(", 1)[0]
    for key in keys:
        _library.impl(name, kernel, key)
    # Nothing that goes in or comes out as integers has a gradient.
    _library.impl(name, torch.library.fallthrough_kernel, "Autograd")
    torch.library.register_fake(f"parseal::{name}", fake, lib=_library)


def _without_result(function: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> None:
        function(*args, **kwargs)

    return call


@functools.lru_cache(maxsize=None)
def _cuda_context(index: int) -> Context:
    return Context("cuda", device=str(index))


def context(device: torch.device | str | int | None = None) -> Context:
    """The Context that works on a device of torch's, made at its first use.

    device: as torch takes it; None: the default one. Seeds for tensors on a GPU are made in its
    context: `Seeds(keys, ctx=pt.context("cuda:1"))`.

    Raises what Context does; ValueError for a device that parseal has no backend for.
    """
    known = torch.get_default_device() if device is None else torch.device(device)
    if known.type == "cpu":
        return parseal.default_context()
    if known.type != "cuda":
        raise ValueError(f"device: parseal has no backend for {known}")
    return _cuda_context(torch.cuda.current_device() if known.index is None else known.index)


def _context_of(tensor: torch.Tensor) -> Context | None:
    """None stands for the default context, without asking for it."""
    return context(tensor.device) if tensor.is_cuda else None


# ------------------------------------------------------------------------------ rings and quants --


@functools.lru_cache(maxsize=256)
def _ring(modulus: int | None, element_size: int) -> Ring | None:
    """The ring of an operator's argument, which is an int64: 2**64 is 0, 2**64 - m is -m."""
    if modulus is None:
        return None
    return Ring(modulus if modulus > 0 else modulus + (1 << 64), element_size)


def _modulus(ring: Ring | None) -> int | None:
    if ring is None:
        return None
    return ring.modulus if ring.modulus < 1 << 63 else ring.modulus - (1 << 64)


@functools.lru_cache(maxsize=256)
def _quant(clip: float, bits: int, stochastic: bool) -> Quant:
    return Quant(clip, bits, "stochastic" if stochastic else "nearest")


def _integer(dtype: torch.dtype | None, other: torch.dtype) -> torch.dtype:
    if dtype is None:
        return other
    if dtype not in _integers:
        raise ValueError(f"dtype: {dtype} is none of int32, uint32, int64, uint64")
    return dtype


# --------------------------------------------------------------------------------------- kernels --


def _changed(acc: torch.Tensor) -> torch.Tensor:
    """Tells autograd, which may have kept it for a backward pass, that a tensor has changed."""
    torch._C._increment_version((acc,))  # what torch.autograd.graph.increment_version calls
    return acc


def _mask_in_place(acc: torch.Tensor, seeds: int) -> torch.Tensor:
    parseal.mask_(acc, seeds_of(seeds))
    torch._C._increment_version((acc,))  # as _changed does
    return acc


def _mask_part_in_place(
    acc: torch.Tensor, seeds: int, modulus: int | None, first: int = 0
) -> torch.Tensor:
    parseal.mask_(acc, seeds_of(seeds), _ring(modulus, acc.element_size()), first)
    return _changed(acc)


def _mask_fake_dtype(modulus: int | None, dtype: torch.dtype | None) -> torch.dtype:
    small = modulus is None or 0 < modulus <= 1 << 32
    return _integer(dtype, torch.int32 if small else torch.int64)


def _mask_alone(
    seeds: int,
    n: int,
    modulus: int | None = None,
    first: int = 0,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
) -> torch.Tensor:
    out = torch.empty(n, dtype=_mask_fake_dtype(modulus, dtype), device=device)
    ring = _ring(modulus, out.element_size())
    parseal.mask(seeds_of(seeds), n, ring, first=first, out=out)
    return out


def _mask_fake(
    seeds: int,
    n: int,
    modulus: int | None = None,
    first: int = 0,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | None = None,
) -> torch.Tensor:
    return torch.empty(n, dtype=_mask_fake_dtype(modulus, dtype), device=device)


def _sum_in_place(
    acc: torch.Tensor, vectors: list[torch.Tensor], modulus: int | None = None
) -> torch.Tensor:
    parseal.sum_(acc, vectors, _ring(modulus, acc.element_size()), ctx=_context_of(acc))
    return _changed(acc)


def _packed_sum_in_place(
    acc: torch.Tensor, packed: list[torch.Tensor], bits: int, modulus: int | None = None
) -> torch.Tensor:
    ring = _ring(modulus, acc.element_size())
    parseal.packed_sum_(acc, packed, bits, ring, ctx=_context_of(acc))
    return _changed(acc)


def _quantize_kernel(
    x: torch.Tensor,
    clip: float,
    bits: int,
    seed: int | None = None,
    first: int = 0,
    *,
    dtype: torch.dtype | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    out, nonfinite = _quantize_fake(x, clip, bits, seed, first, dtype=dtype)
    parseal.quantize(
        x.detach(),
        _quant(clip, bits, seed is not None),
        seed=None if seed is None else seeds_of(seed),
        first=first,
        out=out,
        nonfinite=nonfinite,
        ctx=_context_of(x),
    )
    return out, nonfinite


def _quantize_fake(
    x: torch.Tensor,
    clip: float,
    bits: int,
    seed: int | None = None,
    first: int = 0,
    *,
    dtype: torch.dtype | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    out = x.new_empty(x.shape, dtype=_integer(dtype, torch.int32))
    return out, x.new_empty((), dtype=torch.int64)


def _dequantize_kernel(total: torch.Tensor, clip: float, bits: int, n_clients: int) -> torch.Tensor:
    out = _dequantize_fake(total, clip, bits, n_clients)
    quant = _quant(clip, bits, False)
    parseal.dequantize(total, quant, n_clients, out=out, ctx=_context_of(total))
    return out


def _dequantize_fake(total: torch.Tensor, clip: float, bits: int, n_clients: int) -> torch.Tensor:
    return total.new_empty(total.shape, dtype=torch.float32)


def _pack_kernel(elements: torch.Tensor, bits: int) -> torch.Tensor:
    out = _pack_fake(elements, bits)
    parseal.pack(elements, bits, out=out, ctx=_context_of(elements))
    return out


def _pack_fake(elements: torch.Tensor, bits: int) -> torch.Tensor:
    return elements.new_empty((elements.numel() * bits + 7) // 8, dtype=torch.uint8)


def _unpack_kernel(
    packed: torch.Tensor, bits: int, n: int, *, dtype: torch.dtype | None = None
) -> torch.Tensor:
    out = _unpack_fake(packed, bits, n, dtype=dtype)
    parseal.unpack(packed, bits, n, out=out, ctx=_context_of(packed))
    return out


def _unpack_fake(
    packed: torch.Tensor, bits: int, n: int, *, dtype: torch.dtype | None = None
) -> torch.Tensor:
    small = torch.int32 if bits <= 32 else torch.int64
    return packed.new_empty(n, dtype=_integer(dtype, small))


def _define_all() -> None:
    tensors = ("CPU", "CUDA")
    # Each argument costs a tenth of a call, and most need but these.
    _define(
        "mask_(Tensor(a!) acc, SymInt seeds) -> acc",
        _mask_in_place,
        lambda acc, seeds: acc,
        tensors,
    )
    _define(
        "mask_.part(Tensor(a!) acc, SymInt seeds, int? modulus, SymInt first=0) -> acc",
        _mask_part_in_place,
        lambda acc, seeds, modulus, first=0: acc,
        tensors,
    )
    _define(
        "mask(SymInt seeds, SymInt n, int? modulus=None, SymInt first=0, *, "
        "ScalarType? dtype=None, Device? device=None) -> Tensor",
        _mask_alone,
        _mask_fake,
        ("CompositeExplicitAutograd",),
    )
    _define(
        "sum_(Tensor(a!) acc, Tensor[] vectors, int? modulus=None) -> acc",
        _sum_in_place,
        lambda acc, vectors, modulus=None: acc,
        tensors,
    )
    _define(
        "packed_sum_(Tensor(a!) acc, Tensor[] packed, int bits, int? modulus=None) -> acc",
        _packed_sum_in_place,
        lambda acc, packed, bits, modulus=None: acc,
        tensors,
    )
    _define(
        "quantize(Tensor x, float clip, int bits, SymInt? seed=None, SymInt first=0, *, "
        "ScalarType? dtype=None) -> (Tensor, Tensor)",
        _quantize_kernel,
        _quantize_fake,
        tensors,
    )
    _define(
        "dequantize(Tensor total, float clip, int bits, SymInt n_clients) -> Tensor",
        _dequantize_kernel,
        _dequantize_fake,
        tensors,
    )
    _define("pack(Tensor elements, int bits) -> Tensor", _pack_kernel, _pack_fake, tensors)
    _define(
        "unpack(Tensor packed, int bits, SymInt n, *, ScalarType? dtype=None) -> Tensor",
        _unpack_kernel,
        _unpack_fake,
        tensors,
    )


def _refuse_rows(info: Any, in_dims: Any, *args: Any, **kwargs: Any) -> Any:
    raise RuntimeError(
        "parseal under vmap: all of these vectors would get one and the same mask (or draws), "
        "which shows their differences: give each seeds or a `first` of its own, or call this on "
        "the whole tensor"
    )


def _quantize_rows(
    info: Any,
    in_dims: Any,
    x: torch.Tensor,
    clip: float,
    bits: int,
    seed: int | None = None,
    first: int = 0,
    *,
    dtype: torch.dtype | None = None,
) -> Any:
    """Without a seed no row depends on another: each is quantised, and counted, by itself."""
    if seed is not None:
        return _refuse_rows(info, in_dims)
    rows = [_ops.quantize(row, clip, bits, dtype=dtype) for row in x.unbind(in_dims[0])]
    return tuple(torch.stack(part) for part in zip(*rows, strict=True)), (0, 0)


def _define_vmap() -> None:
    """Where torch knows no rule, it calls an operator for each row, with the same arguments."""
    for name, rule in (
        ("mask_", _refuse_rows),
        ("mask_.part", _refuse_rows),
        ("quantize", _quantize_rows),
    ):
        torch.library.register_vmap(f"parseal::{name}", rule, lib=_library)


_define_all()
_define_vmap()
_ops = torch.ops.parseal


# ------------------------------------------------------------------------------- for the caller --


def _number(seeds: Seeds | int) -> int:
    if isinstance(seeds, (int, torch.SymInt)):
        return seeds
    if not isinstance(seeds, Seeds):  # perhaps a key, which torch would show in its text
        raise TypeError(f"seeds: a parseal.Seeds or its handle is needed, not {type(seeds)}")
    if torch.compiler.is_compiling():
        raise TypeError(
            "seeds: what torch.compile compiles takes pt.handle(seeds) as an argument, an int, "
            "made outside of it; else each Seeds would need a program of its own"
        )
    return handle(seeds)


def mask_(
    acc: torch.Tensor, seeds: Seeds | int, ring: Ring | None = None, first: int = 0
) -> torch.Tensor:
    """parseal.mask_ as an operator: adds the seeds' masks to acc, in place. Returns acc.

    acc: int32, uint32, int64 or uint64, contiguous, on the CPU or on CUDA. seeds: a Seeds, made in
    pt.context(acc.device), or pt.handle of it. ring: None: of acc's whole type, or fcp's own; else
    its modulus counts, and its elements are as large as acc's. first: where acc begins in the mask.

    Raises as parseal.mask_ does; ValueError for a handle whose Seeds is gone.
    """
    if ring is None and first == 0:
        _ops.mask_(acc, _number(seeds))
    else:
        _ops.mask_.part(acc, _number(seeds), _modulus(ring), first)
    return acc


def mask(
    seeds: Seeds | int,
    n: int,
    ring: Ring | None = None,
    *,
    first: int = 0,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """The masks alone, as parseal.mask: a new tensor of n elements.

    dtype: int32, uint32, int64 or uint64; None: int32, or int64 for a ring with elements of 8
    bytes (torch has no addition of unsigned ones). device: that of the seeds' context; None:
    torch's default.

    Raises as mask_ does.
    """
    if dtype is None and ring is not None and ring.element_size == 8:
        dtype = torch.int64
    where = None if device is None else torch.device(device)
    result: torch.Tensor = _ops.mask(
        _number(seeds), n, _modulus(ring), first, dtype=dtype, device=where
    )
    return result


def sum_(
    acc: torch.Tensor, vectors: Sequence[torch.Tensor], ring: Ring | None = None
) -> torch.Tensor:
    """parseal.sum_ as an operator: adds all vectors to acc mod the ring's modulus. Returns acc.

    acc, vectors: int32, uint32, int64 or uint64, contiguous, of as many elements each, on one
    device. ring: as in mask_.

    Raises as parseal.sum_ does.
    """
    _ops.sum_(acc, list(vectors), _modulus(ring))
    return acc


def packed_sum_(
    acc: torch.Tensor, packed: Sequence[torch.Tensor], bits: int, ring: Ring | None = None
) -> torch.Tensor:
    """parseal.packed_sum_ as an operator: sum_ of tensors of bytes that pack has made. Returns acc.

    packed: uint8, of exactly packed_size(acc.numel(), bits) elements each.

    Raises as parseal.packed_sum_ does.
    """
    _ops.packed_sum_(acc, list(packed), bits, _modulus(ring))
    return acc


def quantize(
    x: torch.Tensor,
    quant: Quant,
    *,
    seed: Seeds | int | None = None,
    first: int = 0,
    dtype: torch.dtype | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """parseal.quantize as an operator.

    x: float32, float16 or bfloat16, contiguous. It is detached: no gradient flows through the
    integers, and an x that requires one is taken all the same. seed: of a stochastic rounding, a
    Seeds of one seed, or pt.handle of it, which is never used for a mask nor twice with one
    `first`. dtype: of the result, int32, uint32, int64 or uint64; None: int32.

    Returns (q, nonfinite): integers in x's shape, and how many values of x were not finite, which
    count as 0, as an int64 of no dimension on x's device. Raises as parseal.quantize does.
    """
    if (quant.rounding == "stochastic") != (seed is not None):
        what = "needed" if seed is None else "not taken"
        raise parseal.ArgError(f"seed: {what} where rounding is {quant.rounding}")
    number = None if seed is None else _number(seed)
    q, nonfinite = _ops.quantize(x, quant.clip, quant.bits, number, first, dtype=dtype)
    return q, nonfinite


def dequantize(total: torch.Tensor, quant: Quant, n_clients: int) -> torch.Tensor:
    """parseal.dequantize as an operator: the mean of n_clients quantised tensors, of their sum.

    total: int32, uint32, int64 or uint64, contiguous. Returns float32 in its shape. No gradient
    flows through it. Raises as parseal.dequantize does.
    """
    mean: torch.Tensor = _ops.dequantize(total, quant.clip, quant.bits, n_clients)
    return mean


def pack(elements: torch.Tensor, bits: int) -> torch.Tensor:
    """parseal.pack as an operator: the low `bits` bits of each element, as a tensor of uint8.

    Raises as parseal.pack does.
    """
    packed: torch.Tensor = _ops.pack(elements, bits)
    return packed


def unpack(
    packed: torch.Tensor, bits: int, n: int, *, dtype: torch.dtype | None = None
) -> torch.Tensor:
    """parseal.unpack as an operator: the n elements that pack has packed.

    dtype: int32, uint32, int64 or uint64; None: int32, or int64 where bits is above 32.

    Raises as parseal.unpack does.
    """
    elements: torch.Tensor = _ops.unpack(packed, bits, n, dtype=dtype)
    return elements
