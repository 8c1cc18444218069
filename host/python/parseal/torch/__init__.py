"""parseal for PyTorch: operators, a DDP communication hook, sealed state dicts and data sets.

    import parseal.torch as pt

Importing it imports torch and registers the operators torch.ops.parseal.*.
"""

from ._dataset import SealedDataset
from ._ddp import SecureState, secure_allreduce_hook
from ._handles import handle
from ._ops import (
    context,
    dequantize,
    mask,
    mask_,
    pack,
    packed_sum_,
    quantize,
    sum_,
    unpack,
)
from ._state import open_state_dict, seal_state_dict

__all__ = [
    "SealedDataset",
    "SecureState",
    "context",
    "dequantize",
    "handle",
    "mask",
    "mask_",
    "open_state_dict",
    "pack",
    "packed_sum_",
    "quantize",
    "seal_state_dict",
    "secure_allreduce_hook",
    "sum_",
    "unpack",
]
