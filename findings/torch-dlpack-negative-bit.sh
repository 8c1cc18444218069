#!/usr/bin/env bash
# PyTorch exports a tensor with the negative bit through DLPack with the wrong sign.
#
# What a good engineer would guess: DLPack has no flag for PyTorch's lazily negated views (is_neg(), as the imaginary part
# of a complex conjugate is), so exporting one raises, as it does for a lazily conjugated tensor (is_conj()) and as
# Tensor.numpy() does for both; or the view is resolved first.
# What happens (torch 2.15.0 from PyPI, run): __dlpack__ checks is_conj() and not is_neg(). numpy.from_dlpack and
# torch.from_dlpack get the memory as it is: every value has the other sign, and nothing says so. So does what the C
# exchange API (__dlpack_c_exchange_api__, DLPack 1.3) hands out.
# Why users of parseal care: gradients and parameters of spectral layers (Fourier neural operators and the like) are made
# of conjugates and their parts. An update taken by DLPack would be quantised, masked and summed with its signs turned,
# which no checksum and no tag notices. parseal asks float tensors is_neg(), and refuses.
#
# Downloads about 3 GB: torch with its CUDA libraries, without triton and cusolver, which this does not need.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
pip=("$folder/python/bin/python" -m pip install --quiet)
"${pip[@]}" --no-deps torch==2.15.0
"${pip[@]}" numpy==2.4.6 filelock 'typing-extensions>=4.13.0' 'setuptools>=77.0.3' 'sympy>=1.13.3' 'networkx>=2.5.1' \
    jinja2 'fsspec>=0.8.5' 'cuda-bindings<14,>=13.0.3' nvidia-cudnn-cu13==9.26.0.51 nvidia-cusparselt-cu13==0.8.1 \
    nvidia-nccl-cu13==2.30.7 nvidia-nvshmem-cu13==3.7.2 \
    'cuda-toolkit[cublas,cudart,cufft,cufile,cupti,cusparse,nvjitlink,nvrtc,nvtx]==13.2.2'

"$folder/python/bin/python" - <<'PYTHON'
import ctypes
import sys

import numpy
import torch


class Tensor(ctypes.Structure):
    """DLTensor, whose data comes first."""

    _fields_ = [("data", ctypes.POINTER(ctypes.c_float)), ("rest", ctypes.c_uint64 * 5)]


class Exchange(ctypes.Structure):
    """DLPackExchangeAPI of DLPack 1.3."""

    _fields_ = [
        ("header", ctypes.c_void_p * 2),
        ("managed", ctypes.c_void_p * 3),
        ("tensor_from", ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(Tensor))),
        ("work_stream", ctypes.c_void_p),
    ]


def exchange(tensor):
    """What the C exchange API hands out of two elements, two floats apart."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    capsule = type(tensor).__dlpack_c_exchange_api__
    api = Exchange.from_address(pointer(capsule, b"dlpack_exchange_api"))
    found = Tensor()
    if api.tensor_from(tensor, ctypes.byref(found)) != 0:
        return "refused"
    return [found.data[0], found.data[2]]


def export(tensor):
    """What NumPy gets of a tensor by DLPack: its values, or the exception's name."""
    try:
        return numpy.from_dlpack(tensor).tolist()
    except Exception as error:
        return type(error).__name__


def by_numpy(tensor):
    try:
        return tensor.numpy().tolist()
    except Exception as error:
        return type(error).__name__


conjugate = torch.tensor([1 + 2j, 3 - 4j]).conj()
imaginary = conjugate.imag
seen = {
    "values of the imaginary part": imaginary.tolist(),
    "it has the negative bit": imaginary.is_neg(),
    "numpy()": by_numpy(imaginary),
    "numpy.from_dlpack": export(imaginary),
    "torch.from_dlpack": torch.from_dlpack(imaginary).tolist(),
    "the C exchange API": exchange(imaginary),
    "numpy.from_dlpack of resolve_neg()": export(imaginary.resolve_neg()),
    "numpy.from_dlpack of the conjugate": export(conjugate),
}
print("torch", torch.__version__, "numpy", numpy.__version__)
for what, value in seen.items():
    print(f"  {what}: {value}")
expected = [[-2.0, 4.0], True, "RuntimeError", [2.0, -4.0], [2.0, -4.0], [2.0, -4.0], [-2.0, 4.0], "BufferError"]
sys.exit(0 if list(seen.values()) == expected else "the behaviour has changed")
PYTHON
