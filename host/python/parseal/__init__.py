"""parseal: encrypts, masks and aggregates very large parameter vectors.

Three clients' updates are masked, so that nobody learns one of them, and summed::

    import numpy as np, parseal
    updates = [np.full(1_000_000, i, np.uint32) for i in (1, 2, 3)]
    seeds = [parseal.Seeds([bytes([i]) * 32]) for i in (1, 2, 3)]   # keys of 32 random bytes
    masked = [parseal.mask_(u, s) for u, s in zip(updates, seeds)]  # in place
    total = parseal.sum_(np.zeros(1_000_000, np.uint32), masked)    # mod 2**32
    parseal.mask_(total, parseal.Seeds([bytes([i]) * 32 for i in (1, 2, 3)], signs=[-1] * 3))

Arrays are NumPy's, PyTorch's, JAX's or any other's with the buffer protocol or DLPack, in host
memory or in that of the context's device, contiguous; they are never copied. A name that ends in
``_`` works in place. Keys are bytes-like; they are copied into guarded memory, and wiped there when
the object is closed or goes.

- ``Context``, ``default_context``, ``devices``, ``selftest``, ``Impl``: where calls run
- ``Ring``, ``Quant``, ``Seeds``, ``mask_``, ``mask``, ``sum_``, ``packed_sum_``, ``quantize``,
  ``dequantize``, ``pack``, ``unpack``, ``packed_size``: masks and sums of vectors
- ``Aggregator``, ``Update``: a server's sum of many clients' updates
- ``secagg``: graphs, pair seeds and shares, for secure aggregation with dropouts
- ``Keys``, ``seal``, ``open``: AES-GCM, many messages a call
- ``seal_file``, ``open_file``, ``SealedWriter``, ``SealedReader``, ``sealed_size``,
  ``opened_size``: sealed files and streams
- ``Error`` and its subclasses: what failed, with the library's text

Every object may be used by many threads at the same time, and closed under them: a call that comes
too late raises ValueError. Calls over more than 4 KiB let other threads run meanwhile.
"""

from typing import TYPE_CHECKING, NamedTuple

from . import secagg
from ._core import (
    Aggregator,
    AliasError,
    ArgError,
    AuthError,
    Context,
    DeviceError,
    Error,
    FormatError,
    Impl,
    Keys,
    NoDeviceError,
    NoMemoryError,
    OverflowError_,
    Quant,
    Ring,
    Seeds,
    SelftestError,
    SizeError,
    UnsupportedError,
    __version__,
    default_context,
    dequantize,
    devices,
    mask,
    mask_,
    open,
    opened_size,
    pack,
    packed_size,
    packed_sum_,
    quantize,
    seal,
    sealed_size,
    selftest,
    sum_,
    unpack,
)
from .sealed import SealedReader, SealedWriter, open_file, seal_file

if TYPE_CHECKING:
    from ._core import _Array

__all__ = [
    "Aggregator",
    "AliasError",
    "ArgError",
    "AuthError",
    "Context",
    "DeviceError",
    "Error",
    "FormatError",
    "Impl",
    "Keys",
    "NoDeviceError",
    "NoMemoryError",
    "OverflowError_",
    "Quant",
    "Ring",
    "SealedReader",
    "SealedWriter",
    "Seeds",
    "SelftestError",
    "SizeError",
    "UnsupportedError",
    "Update",
    "__version__",
    "default_context",
    "dequantize",
    "devices",
    "mask",
    "mask_",
    "open",
    "open_file",
    "opened_size",
    "pack",
    "packed_size",
    "packed_sum_",
    "quantize",
    "seal",
    "seal_file",
    "sealed_size",
    "secagg",
    "selftest",
    "sum_",
    "unpack",
]


class Update(NamedTuple):
    """A client's sealed update, for Aggregator.add_sealed.

    client: its number, 0 .. 2**64 - 1. payload: update_size bytes, sealed, of any array or
    bytes-like object. nonce: 12 bytes. tag: 16 bytes. aad: associated data. key: the index of its
    key in the Keys.
    """

    client: int
    payload: "_Array"
    nonce: "_Array"
    tag: "_Array"
    aad: "_Array" = b""
    key: int = 0
