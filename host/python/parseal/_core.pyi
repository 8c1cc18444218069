"""What parseal binds of its library in C: the types of it. The docstrings are the module's own."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, Protocol, TypeAlias, TypeVar, final, overload

from _typeshed import structseq
from numpy.typing import NDArray
from typing_extensions import Buffer, Self

class _DLPack(Protocol):
    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...

# An array of NumPy, PyTorch, JAX, CuPy, ..., or anything bytes-like.
_Array: TypeAlias = Buffer | _DLPack
# Byte strings of one length: each by itself, or all of them in one, one after another.
_ByteStrings: TypeAlias = Sequence[_Array] | _Array
_A = TypeVar("_A", bound=_Array)
_B = TypeVar("_B", bound=_Array)

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
    nonfinite: None = None,
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
    nonfinite: None = None,
    ctx: Context | None = None,
) -> tuple[NDArray[Any], int]: ...
@overload
def quantize(
    x: _Array,
    quant: Quant,
    *,
    seed: Seeds | _Array | None = None,
    first: int = 0,
    out: _A,
    nonfinite: _B,
    ctx: Context | None = None,
) -> tuple[_A, _B]: ...
@overload
def quantize(
    x: _Array,
    quant: Quant,
    *,
    seed: Seeds | _Array | None = None,
    first: int = 0,
    out: None = None,
    nonfinite: _B,
    ctx: Context | None = None,
) -> tuple[NDArray[Any], _B]: ...
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

# ------------------------------------------------------------------------------------------ sealed

@final
class _Sealed(_Held):
    def __new__(
        cls,
        seals: bool,
        key: _Array,
        *,
        aad: _Array | None = b"",
        segment: str | int = "1MB",
        alg: str = "aes256gcm",
        ctx: Context | None = None,
    ) -> _Sealed: ...
    def update(self, data: _Array, out: _Array) -> int: ...
    def update_size(self, n: int) -> int: ...
    def final(self, out: _Array) -> int: ...
    @property
    def segment(self) -> int: ...
    @property
    def ctx(self) -> Context: ...

def sealed_size(n: int, *, segment: str | int = "1MB", alg: str = "aes256gcm") -> int: ...
def opened_size(n: int, *, segment: str | int = "1MB", alg: str = "aes256gcm") -> int: ...

# -------------------------------------------------------------------------------------- aggregator

_Plain: TypeAlias = tuple[int, _Array]
_Update: TypeAlias = (
    tuple[int, _Array, _Array, _Array]
    | tuple[int, _Array, _Array, _Array, _Array]
    | tuple[int, _Array, _Array, _Array, _Array, int]
)
_Verdict: TypeAlias = Literal["ok", "bad_tag", "counted", "bad_length", "unset"]

@final
class Aggregator(_Held):
    def __new__(
        cls,
        dim: int,
        ring: Ring | None = None,
        *,
        bits: int = 0,
        quant: Quant | None = None,
        ctx: Context | None = None,
    ) -> Aggregator: ...
    @classmethod
    def load(cls, exported: _Array, *, ctx: Context | None = None) -> Aggregator: ...
    def add(self, client: int, update: _Array) -> None: ...
    def add_many(self, updates: Sequence[_Plain], *, strict: bool = True) -> list[_Verdict]: ...
    def add_sealed(
        self, keys: Keys, updates: Sequence[_Update], *, strict: bool = True
    ) -> list[_Verdict]: ...
    def unmask(self, seeds: Seeds) -> None: ...
    @overload
    def sum(self, out: _A) -> _A: ...
    @overload
    def sum(self, out: None = None) -> NDArray[Any]: ...
    @overload
    def mean(self, out: _A) -> _A: ...
    @overload
    def mean(self, out: None = None) -> NDArray[Any]: ...
    def export(self) -> bytes: ...
    def merge(self, exported: _Array) -> None: ...
    def __len__(self) -> int: ...
    def __contains__(self, key: object, /) -> bool: ...
    @property
    def dim(self) -> int: ...
    @property
    def update_size(self) -> int: ...
    @property
    def ctx(self) -> Context: ...

# ------------------------------------------------------------------------------------------ secagg

@final
class Need(structseq[int], tuple[int, int, int]):
    __match_args__: ClassVar[tuple[str, str, str]] = ("client", "peer", "sign")
    @property
    def client(self) -> int: ...
    @property
    def peer(self) -> int: ...
    @property
    def sign(self) -> int: ...

@final
class Graph(_Held):
    @classmethod
    def complete(cls, n: int) -> Graph: ...
    @classmethod
    def harary(cls, n: int, k: int, seed: _Array | None = None) -> Graph: ...
    def neighbours(self, i: int) -> list[int]: ...
    def needs(self, survivors: Iterable[int], dropped: Iterable[int]) -> list[Need]: ...
    def __len__(self) -> int: ...
    @property
    def degree(self) -> int: ...

_Party: TypeAlias = tuple[int, _Array]

def keypair() -> tuple[bytes, bytearray]: ...
def public_key(secret: _Array) -> bytes: ...
def pair_seed(
    secret: _Array, own: _Party, peer: _Party, round: _Array | None = b""
) -> tuple[bytearray, int]: ...
def pair_seeds(
    secret: _Array,
    own: _Party,
    peers: Sequence[_Party],
    round: _Array | None = b"",
    *,
    ctx: Context | None = None,
) -> Seeds: ...
def share(secrets: _ByteStrings, threshold: int, n: int) -> list[bytearray]: ...
def combine(
    shares: dict[int, _A] | Iterable[tuple[int, _Array]], threshold: int, count: int = 1
) -> bytearray: ...

# ----------------------------------------------------------------------------------------- devices

@final
class Impl(structseq[str | None], tuple[str, str | None, str, str, str, str]):
    __match_args__: ClassVar[tuple[str, str, str, str, str, str]] = (
        "backend",
        "primitive",
        "name",
        "state",
        "device",
        "detail",
    )
    @property
    def backend(self) -> str: ...
    @property
    def primitive(self) -> str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def state(self) -> Literal["passed", "failed", "absent", "not built"]: ...
    @property
    def device(self) -> str: ...
    @property
    def detail(self) -> str: ...

def devices() -> list[Impl]: ...
def selftest() -> list[Impl]: ...

# ------------------------------------------------------------------------ for parseal.jax alone

def _jax_handlers() -> list[tuple[str, str, Any]]: ...
def _jax_slot_new() -> int: ...
def _jax_slot_put(slot: int, seeds: Seeds, number: int = 0) -> int: ...
def _jax_slot_free(slot: int) -> None: ...
def _jax_streamed_seeds(rows: _Array, number: int, ctx: Context) -> Seeds: ...
