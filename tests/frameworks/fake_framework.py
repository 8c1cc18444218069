"""A framework whose tensors lie in the memory of a CUDA device, as far as DLPack shows it: for tests
on the emulated driver, by ctypes. `Tensor` has DLPack's C exchange API, as PyTorch's has;
`Capsule` has __dlpack__ alone, as CuPy's has."""

import ctypes as c

import numpy as np
import numpy.typing as npt

KDLCUDA = 2


class Device(c.Structure):
    _fields_ = [("type", c.c_int32), ("id", c.c_int32)]


class DataType(c.Structure):
    _fields_ = [("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16)]


class DLTensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("device", Device), ("ndim", c.c_int32), ("dtype", DataType),
                ("shape", c.POINTER(c.c_int64)), ("strides", c.POINTER(c.c_int64)),
                ("byte_offset", c.c_uint64)]


class Managed(c.Structure):
    _fields_ = [("major", c.c_uint32), ("minor", c.c_uint32), ("manager", c.c_void_p),
                ("deleter", c.c_void_p), ("flags", c.c_uint64), ("tensor", DLTensor)]


FROM_OBJECT = c.PYFUNCTYPE(c.c_int, c.py_object, c.POINTER(DLTensor))
WORK_STREAM = c.PYFUNCTYPE(c.c_int, c.c_int32, c.c_int32, c.POINTER(c.c_void_p))


class ExchangeAPI(c.Structure):
    _fields_ = [("major", c.c_uint32), ("minor", c.c_uint32), ("prev_api", c.c_void_p),
                ("allocator", c.c_void_p), ("managed_from", c.c_void_p), ("to", c.c_void_p),
                ("tensor_from", FROM_OBJECT), ("work_stream", WORK_STREAM)]


# Capsules keep the address of their name.
EXCHANGE_NAME = c.create_string_buffer(b"dlpack_exchange_api")
VERSIONED_NAME = c.create_string_buffer(b"dltensor_versioned")
new_capsule = c.pythonapi.PyCapsule_New
new_capsule.restype = c.py_object
new_capsule.argtypes = [c.c_void_p, c.c_char_p, c.c_void_p]


class Driver:
    """What tests need of libcuda.so.1, in the context that all of the process share."""

    def __init__(self) -> None:
        self.cuda = c.CDLL("libcuda.so.1")
        self.stream = 0  # of the framework, now
        context = c.c_void_p()
        self("cuInit", 0)
        self("cuDevicePrimaryCtxRetain", c.byref(context), 0)
        self("cuCtxPushCurrent_v2", context)

    def __call__(self, name: str, *arguments: object) -> None:
        error = getattr(self.cuda, name)(*arguments)
        assert error == 0, f"{name}: {error}"

    def new_stream(self) -> int:
        stream = c.c_void_p()
        self("cuStreamCreate", c.byref(stream), 1)  # CU_STREAM_NON_BLOCKING
        assert stream.value is not None
        return stream.value

    def finish(self) -> None:
        self("cuStreamSynchronize", c.c_void_p(self.stream))


class Capsule:
    """Values in device memory."""

    codes = {"i": 0, "u": 1, "f": 2}

    def __init__(self, driver: Driver, values: npt.NDArray[np.generic]) -> None:
        self.driver, self.dtype, self.shape = driver, values.dtype, values.shape
        self.size = values.nbytes
        self.pointer = c.c_uint64()
        driver("cuMemAlloc_v2", c.byref(self.pointer), c.c_size_t(max(1, self.size)))
        self.fill(values)
        self.extents = (c.c_int64 * max(1, len(self.shape)))(*self.shape)

    def fill(self, values: npt.NDArray[np.generic]) -> None:
        self.driver("cuMemcpyHtoDAsync_v2", self.pointer, values.ctypes.data_as(c.c_void_p),
                    c.c_size_t(self.size), c.c_void_p(self.driver.stream))
        self.driver.finish()  # before `values` may go

    def values(self) -> npt.NDArray[np.generic]:
        """The values after all work of the device."""
        self.driver.finish()
        result = np.empty(self.shape, self.dtype)
        self.driver("cuMemcpyDtoHAsync_v2", result.ctypes.data_as(c.c_void_p), self.pointer,
                    c.c_size_t(self.size), c.c_void_p(self.driver.stream))
        self.driver.finish()
        return result

    def describe(self, tensor: DLTensor) -> None:
        tensor.data = self.pointer.value
        tensor.device = Device(KDLCUDA, 0)
        tensor.ndim = len(self.shape)
        tensor.dtype = DataType(self.codes[self.dtype.kind], 8 * self.dtype.itemsize, 1)
        tensor.shape = self.extents
        tensor.strides = None
        tensor.byte_offset = 0

    def __dlpack__(self, max_version: object = None) -> object:
        self.managed = Managed(1, 3)
        self.describe(self.managed.tensor)
        return new_capsule(c.addressof(self.managed), VERSIONED_NAME, None)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (KDLCUDA, 0)

    def __del__(self) -> None:
        self.driver.cuda.cuMemFree_v2(self.pointer)


asked: list[tuple[int, int]] = []  # device type and number of each question for a stream
current: list[Driver] = []


@FROM_OBJECT
def _tensor_from(value: "Tensor", tensor: "c._Pointer[DLTensor]") -> int:
    value.describe(tensor.contents)
    return 0


@WORK_STREAM
def _work_stream(device_type: int, device_id: int, stream: "c._Pointer[c.c_void_p]") -> int:
    asked.append((device_type, device_id))
    stream[0] = c.c_void_p(current[0].stream)
    return 0


_api = ExchangeAPI(1, 3, None, None, None, None, _tensor_from, _work_stream)


class Tensor(Capsule):
    """The same, by the exchange API."""

    __dlpack_c_exchange_api__ = new_capsule(c.addressof(_api), EXCHANGE_NAME, None)

    def __init__(self, driver: Driver, values: npt.NDArray[np.generic]) -> None:
        current[:] = [driver]
        super().__init__(driver, values)
