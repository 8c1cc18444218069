"""What parseal binds of its library in C: the types of it. The docstrings are the module's own."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, final, overload

from numpy.typing import NDArray
from typing_extensions import Buffer, Self

class _DLPack(Protocol):
    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...

# An array of NumPy, PyTorch, JAX, CuPy, ..., or anything bytes-like.
_Array: TypeAlias = Buffer | _DLPack
# Byte strings of one length: each by itself, or all of them in one, one after another.
_ByteStrings: TypeAlias = Sequence[_Array] | _Array
_A = TypeVar("_A", bound=_Array)

__version__: str

# ------------------------------------------------------------------------------------------ errors

class Error(Exception):
    status: ClassVar[int]
    status_name: ClassVar[str]

class ArgError(Error, ValueError): ...
class SizeError(Error, ValueError): ...
class AliasError(Error, ValueError): ...

class AuthError(Error):
    verdicts: Sequence[bool | str]

class OverflowError_(Error, OverflowError): ...
class NoMemoryError(Error, MemoryError): ...
class NoDeviceError(Error): ...
class SelftestError(Error): ...
class UnsupportedError(Error): ...
class DeviceError(Error): ...
class FormatError(Error, ValueError): ...

# ----------------------------------------------------------------------------------------- context

class _Held:
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

@final
class Context(_Held):
    def __new__(
        cls,
        backend: str = "auto",
        threads: int = 0,
        *,
        device: str | None = None,
        impl: str | None = None,
        device_memory: int = 0,
    ) -> Context: ...
    @property
    def backend(self) -> str: ...
    @property
    def device(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def threads(self) -> int: ...
    @property
    def impl(self) -> dict[str, str]: ...

def default_context() -> Context: ...

# ------------------------------------------------------------------------------------------ values

@final
class Ring:
    def __new__(cls, modulus: int, element_size: int | None = None) -> Ring: ...
    @property
    def modulus(self) -> int: ...
    @property
    def element_size(self) -> int: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Quant:
    def __new__(
        cls, clip: float, bits: int = 16, rounding: Literal["stochastic", "nearest"] = "stochastic"
    ) -> Quant: ...
    def check(
        self, n_clients: int, ring: Ring | None, *, noise: int = 0, weighted: bool = False
    ) -> None: ...
    @property
    def clip(self) -> float: ...
    @property
    def bits(self) -> int: ...
    @property
    def rounding(self) -> Literal["stochastic", "nearest"]: ...

# ------------------------------------------------------------------------------------------- masks

@final
class Seeds(_Held):
    def __new__(
        cls,
        keys: _ByteStrings,
        signs: Sequence[int] | None = None,
        streams: Sequence[int] | int | None = None,
        *,
        ctx: Context | None = None,
    ) -> Seeds: ...
    @classmethod
    def counting(
        cls,
        keys: _ByteStrings,
        signs: Sequence[int] | None = None,
        *,
        stream: int = 0,
        step: int = 1,
        number: _Array | None = None,
        ctx: Context | None = None,
    ) -> Seeds: ...
    @classmethod
    def fcp(
        cls,
        keys: Sequence[_Array],
        signs: Sequence[int] | None = None,
        *,
        n: int,
        modulus: int = 4294967296,
        session: _Array = b"",
        name: _Array = b"",
        ctx: Context | None = None,
    ) -> Seeds: ...
    def __len__(self) -> int: ...
    @property
    def locked(self) -> bool: ...
    @property
    def ctx(self) -> Context: ...

def mask_(acc: _A, seeds: Seeds, ring: Ring | None = None, first: int = 0) -> _A: ...
@overload
def mask(
    seeds: Seeds, n: int, ring: Ring | None = None, *, first: int = 0, out: _A
) -> _A: ...
@overload
def mask(
    seeds: Seeds, n: int, ring: Ring | None = None, *, first: int = 0, out: None = None
) -> NDArray[Any]: ...

# ----------------------------------------------------------------------------------------- vectors

def sum_(
    acc: _A, vectors: Sequence[_Array], ring: Ring | None = None, *, ctx: Context | None = None
) -> _A: ...
def packed_sum_(
    acc: _A,
    packed: Sequence[_Array],
    bits: int,
    ring: Ring | None = None,
    *,
    ctx: Context | None = None,
) -> _A: ...
@overload
def quantize(
    x: _Array,
    quant: Quant,
    *,
    seed: Seeds | _Array | None = None,
    first: int = 0,
    out: _A,
    ctx: Context | None = None,
) -> tuple[_A, int]: ...
@overload
def quantize(
    x: _Array,
    quant: Quant,
    *,
    seed: Seeds | _Array | None = None,
    first: int = 0,
    out: None = None,
    ctx: Context | None = None,
) -> tuple[NDArray[Any], int]: ...
@overload
def dequantize(
    total: _Array, quant: Quant, n_clients: int, *, out: _A, ctx: Context | None = None
) -> _A: ...
@overload
def dequantize(
    total: _Array, quant: Quant, n_clients: int, *, out: None = None, ctx: Context | None = None
) -> NDArray[Any]: ...
def packed_size(n: int, bits: int) -> int: ...
@overload
def pack(elements: _Array, bits: int, *, out: _A, ctx: Context | None = None) -> _A: ...
@overload
def pack(
    elements: _Array, bits: int, *, out: None = None, ctx: Context | None = None
) -> bytearray: ...
@overload
def unpack(packed: _Array, bits: int, n: int, *, out: _A, ctx: Context | None = None) -> _A: ...
@overload
def unpack(
    packed: _Array, bits: int, n: int, *, out: None = None, ctx: Context | None = None
) -> NDArray[Any]: ...

# -------------------------------------------------------------------------------------------- aead

@final
class Keys(_Held):
    def __new__(
        cls,
        alg: str,
        keys: _ByteStrings,
        *,
        own_pages: bool = False,
        ctx: Context | None = None,
    ) -> Keys: ...
    def __len__(self) -> int: ...
    @property
    def alg(self) -> str: ...
    @property
    def locked(self) -> bool: ...
    @property
    def ctx(self) -> Context: ...

def seal(
    keys: Keys,
    messages: Sequence[_Array],
    nonces: _ByteStrings,
    *,
    aads: Sequence[_Array] | None = None,
    key_index: Sequence[int] | int | None = None,
    out: Sequence[_Array] | None = None,
) -> list[bytes]: ...
def open(
    keys: Keys,
    messages: Sequence[_Array],
    nonces: _ByteStrings,
    tags: _ByteStrings,
    *,
    aads: Sequence[_Array] | None = None,
    key_index: Sequence[int] | int | None = None,
    out: Sequence[_Array] | None = None,
    strict: bool = True,
) -> list[bool]: ...
