#!/usr/bin/env python3
"""PyTorch's streams, graphs and memory with parseal's device calls.

    frameworks.py BUNDLE            the folder that bench/gpu.sh --bundle made, or a build folder
    frameworks.py BUNDLE --host     without PyTorch and without a GPU: one call on host memory, which shows
                                    that the structures below are those of the library; and where a driver
                                    finds a GPU (or is an emulated one), a graph of the driver's own
    frameworks.py BUNDLE --memory   one call on a tensor: the first form starts this once for each of
                                    PyTorch's allocators, as they are chosen by the environment

A line for each thing that is tried. Exit status: 0 all that must be right is right; 1 something is not;
2 a wrong command line; 77 there is no PyTorch here, or it finds no GPU.

Needs Python 3.8; PyTorch with CUDA but for --host.
"""
import ctypes
import glob
import os
import re
import subprocess
import sys

BACKEND_CPU, BACKEND_CUDA = 1, 3
BUF_HOST, BUF_CUDA = 1, 2
STREAM_LEGACY, STREAM_PER_THREAD = 1, 2
EXIT_SKIPPED = 77

ERR_NO_DEVICE = -7
AES256GCM, ITEM_OK = 2, 1
NONCE_BYTES, TAG_BYTES = 12, 16

ELEMENTS = 1 << 24
LATE_CYCLES = 100_000_000  # some 50 ms of the device's clock


class Buf(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
        ("handle", ctypes.c_size_t),
        ("offset", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
    ]


class Vec(ctypes.Structure):
    _fields_ = [("buf", Buf), ("n", ctypes.c_uint64)]


class Ring(ctypes.Structure):
    _fields_ = [
        ("modulus", ctypes.c_uint64),
        ("element_size", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    ]


class Options(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("backend", ctypes.c_int32),
        ("cpu_threads", ctypes.c_uint32),
        ("cpu_impl", ctypes.c_char_p),
        ("device_memory", ctypes.c_uint64),
        ("opencl_context", ctypes.c_size_t),
        ("time_kernels", ctypes.c_int32),
        ("device", ctypes.c_char_p),
    ]


class AeadShape(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("n", ctypes.c_size_t),
        ("len", ctypes.POINTER(ctypes.c_uint64)),
        ("in_offset", ctypes.POINTER(ctypes.c_uint64)),
        ("out_offset", ctypes.POINTER(ctypes.c_uint64)),
        ("aad_len", ctypes.POINTER(ctypes.c_uint64)),
        ("aad_offset", ctypes.POINTER(ctypes.c_uint64)),
        ("key", ctypes.POINTER(ctypes.c_uint32)),
        ("nonce", ctypes.c_char_p),
        ("nonce_step", ctypes.c_uint64),
        ("graph_writes", ctypes.c_int32),
        ("reserved", ctypes.c_uint32),
    ]


class AeadIo(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t)] + [
        (name, Buf) for name in ("in", "out", "aad", "nonce", "tag", "verdict", "workspace")
    ]


RING = Ring(1 << 32, 4, 0)

# A batch, and where it lies in one block of memory. The steps carry from the lower half of a nonce's number.
MESSAGES, LENGTH, STEP, REPLAYS = 3, 1000, 3, 3
NUMBER = 2**32 - 4
PLACES, BLOCK = {}, 0
for _name, _size in (
    ("text", MESSAGES * LENGTH),
    ("sealed", MESSAGES * LENGTH),
    ("opened", MESSAGES * LENGTH),
    ("nonce", MESSAGES * NONCE_BYTES),
    ("tag", MESSAGES * TAG_BYTES),
    ("verdict", MESSAGES * 4),
    ("workspace", 8192),
):
    PLACES[_name] = (BLOCK, _size)
    BLOCK += (_size + 255) // 256 * 256


def load_library(bundle):
    """The bundle's library. What it needs and this machine lacks is in the bundle, too."""
    found = [path for path in glob.glob(bundle + "/libparseal.so.*") if re.search(r"\.so\.\d+$", path)]
    if len(found) != 1:
        sys.exit("%s: not one libparseal.so.N but %d" % (bundle, len(found)))
    while True:
        try:
            library = ctypes.CDLL(found[0])
            break
        except OSError as error:
            missing = str(error).split(":")[0]
            needed = os.path.join(bundle, "bench", "needs", missing)
            if not os.path.exists(needed):
                raise
            ctypes.CDLL(needed, ctypes.RTLD_GLOBAL)
    library.parseal_last_error_text.restype = ctypes.c_char_p
    library.parseal_ctx_destroy.argtypes = [ctypes.c_void_p]
    library.parseal_vec_sum.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(Ring),
        ctypes.POINTER(Vec),
        ctypes.POINTER(Vec),
        ctypes.c_size_t,
        ctypes.c_void_p,
    ]
    library.parseal_keys_create.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int32,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
    ]
    library.parseal_plan_create.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(AeadShape)]
    library.parseal_plan_workspace_size.argtypes = [ctypes.c_void_p]
    library.parseal_plan_workspace_size.restype = ctypes.c_uint64
    for name in ("seal", "open"):
        getattr(library, "parseal_plan_" + name).argtypes = [
            ctypes.c_void_p,
            ctypes.POINTER(AeadIo),
            ctypes.c_void_p,
        ]
    library.parseal_plan_destroy.argtypes = library.parseal_keys_destroy.argtypes = [ctypes.c_void_p]
    return library


class NoDevice(SystemExit):
    """Ends the script, too, where nobody catches it."""


class Parseal:
    """A context, and the one call that nearly everything here is tried with."""

    def __init__(self, library, backend):
        self.library = library
        self.ctx = ctypes.c_void_p()
        options = Options(ctypes.sizeof(Options), backend, 0, None, 0, 0, 0, None)
        status = library.parseal_ctx_create(ctypes.byref(self.ctx), ctypes.byref(options))
        if status != 0:
            raise (NoDevice if status == ERR_NO_DEVICE else SystemExit)("no context: " + self.error())

    def error(self):
        return self.library.parseal_last_error_text().decode()

    def destroy(self):
        self.library.parseal_ctx_destroy(self.ctx)

    def add(self, acc, addend, n, kind, stream):
        """acc += addend, n elements of 32 bits at these addresses; None, or what went wrong."""
        acc, addend = (Vec(Buf(kind, 0, address, 0, 4 * n), n) for address in (acc, addend))
        status = self.library.parseal_vec_sum(
            self.ctx, ctypes.byref(RING), ctypes.byref(acc), ctypes.byref(addend), 1, stream
        )
        return None if status == 0 else "status %d: %s" % (status, self.error())


def nonces_of(run):
    """Those that the messages have in this run of a plan that counts."""
    numbers = [NUMBER + run * STEP + i for i in range(MESSAGES)]
    return b"".join(b"\0\0\0\7" + number.to_bytes(8, "big") for number in numbers)


class Plan:
    """Sealing and opening the batch in a block of memory. A step of 0: without counting."""

    def __init__(self, parseal, step):
        self.parseal, self.library = parseal, parseal.library
        self.keys, self.plan = ctypes.c_void_p(), ctypes.c_void_p()
        lengths = (ctypes.c_uint64 * MESSAGES)(*[LENGTH] * MESSAGES)
        offsets = (ctypes.c_uint64 * MESSAGES)(*range(0, MESSAGES * LENGTH, LENGTH))
        shape = AeadShape(
            struct_size=ctypes.sizeof(AeadShape), n=MESSAGES, len=lengths, in_offset=offsets, nonce_step=step
        )
        if step != 0:
            shape.nonce = nonces_of(0)
        status = self.library.parseal_keys_create(
            ctypes.byref(self.keys), parseal.ctx, AES256GCM, bytes(range(32)), 1, None
        )
        if status == 0:
            status = self.library.parseal_plan_create(ctypes.byref(self.plan), self.keys, ctypes.byref(shape))
        if status != 0:
            sys.exit("no plan: " + parseal.error())
        if self.library.parseal_plan_workspace_size(self.plan) > PLACES["workspace"][1]:
            sys.exit("a plan wants more workspace than there is")

    def run(self, call, source, target, address, kind, stream):
        """None, or what went wrong."""
        places = {"in": source, "out": target}
        io = AeadIo(struct_size=ctypes.sizeof(AeadIo))
        for name in ("in", "out", "nonce", "tag", "verdict", "workspace"):
            offset, size = PLACES[places.get(name, name)]
            setattr(io, name, Buf(kind, 0, address, offset, size))
        status = call(self.plan, ctypes.byref(io), stream)
        return None if status == 0 else "status %d: %s" % (status, self.parseal.error())

    def seal(self, address, kind, stream):
        return self.run(self.library.parseal_plan_seal, "text", "sealed", address, kind, stream)

    def open(self, address, kind, stream):
        return self.run(self.library.parseal_plan_open, "sealed", "opened", address, kind, stream)

    def destroy(self):
        self.library.parseal_plan_destroy(self.plan)
        self.library.parseal_keys_destroy(self.keys)


class TorchGraph:
    """A block of the device's memory and a graph, both of PyTorch's."""

    def __init__(self, torch):
        self.torch, self.graph = torch, torch.cuda.CUDAGraph()
        self.tensor = torch.zeros(BLOCK, dtype=torch.uint8, device="cuda")
        self.address = self.tensor.data_ptr()

    def capture(self, work):
        self.torch.cuda.synchronize()
        with self.torch.cuda.graph(self.graph):
            return work(self.torch.cuda.current_stream().cuda_stream)

    def replay(self, block):
        """Writes the block to the memory, launches the graph, and returns what is there then."""
        self.tensor.copy_(self.torch.frombuffer(bytearray(block), dtype=self.torch.uint8))
        self.graph.replay()
        self.torch.cuda.synchronize()
        return bytearray(self.tensor.cpu().tolist())


class DriverGraph:
    """The same, of the driver alone."""

    def __init__(self, cuda):
        self.cuda = cuda
        context, self.stream, self.graph = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        memory = ctypes.c_uint64()
        self.call("cuInit", ctypes.c_uint(0))
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), ctypes.c_int(0))
        self.call("cuCtxPushCurrent_v2", context)
        self.call("cuStreamCreate", ctypes.byref(self.stream), ctypes.c_uint(1))
        self.call("cuMemAlloc_v2", ctypes.byref(memory), ctypes.c_size_t(BLOCK))
        self.address = memory.value

    def call(self, name, *arguments):
        status = getattr(self.cuda, name)(*arguments)
        if status != 0:
            sys.exit("%s: error %d" % (name, status))

    def capture(self, work):
        captured = ctypes.c_void_p()
        self.call("cuStreamBeginCapture_v2", self.stream, ctypes.c_int(0))
        failure = work(self.stream.value)
        self.call("cuStreamEndCapture", self.stream, ctypes.byref(captured))
        self.call("cuGraphInstantiateWithFlags", ctypes.byref(self.graph), captured, ctypes.c_ulonglong(0))
        return failure

    def replay(self, block):
        memory, size = ctypes.c_uint64(self.address), ctypes.c_size_t(BLOCK)
        there = ctypes.create_string_buffer(bytes(block), BLOCK)
        self.call("cuMemcpyHtoDAsync_v2", memory, there, size, self.stream)
        self.call("cuGraphLaunch", self.graph, self.stream)
        self.call("cuMemcpyDtoHAsync_v2", there, memory, size, self.stream)
        self.call("cuStreamSynchronize", self.stream)
        return bytearray(there.raw)


class Report:
    """Prints a line for each thing that is tried."""

    def __init__(self):
        self.fine = True

    def line(self, name, failure, right, wrong_is_expected=False):
        """`failure` is what a call said, or None; `right`: whether the result was."""
        outcome = "right" if right else "WRONG"
        if wrong_is_expected:
            outcome += ", where WRONG is expected"
        elif failure is not None or not right:
            self.fine = False
        print("%-28s %s, %s" % (name, failure or "fine", outcome), flush=True)


def try_host(library, report):
    a, b = (ctypes.c_uint32 * 5)(1, 2, 3, 4, 2**32 - 1), (ctypes.c_uint32 * 5)(10, 20, 30, 40, 2)
    failure = Parseal(library, BACKEND_CPU).add(
        ctypes.addressof(a), ctypes.addressof(b), len(a), BUF_HOST, None
    )
    report.line("host", failure, list(a) == [11, 22, 33, 44, 1])


def new_tensor(torch, value):
    return torch.full((ELEMENTS,), value, dtype=torch.int32, device="cuda")


def try_memory(torch, parseal, report):
    a, b = new_tensor(torch, 1), new_tensor(torch, 2)
    torch.cuda.synchronize()
    failure = parseal.add(a.data_ptr(), b.data_ptr(), ELEMENTS, BUF_CUDA, STREAM_LEGACY)
    torch.cuda.synchronize()
    print("memory at 512 k + %d, %s" % (a.data_ptr() % 512, os.environ.get("PYTORCH_ALLOC_CONF") or "default"))
    report.line("memory", failure, bool((a == 3).all()))


def try_allocators(bundle, report):
    for how in ("", "expandable_segments:True", "backend:cudaMallocAsync"):
        environment = dict(os.environ, PYTORCH_CUDA_ALLOC_CONF=how, PYTORCH_ALLOC_CONF=how)
        command = [sys.executable, os.path.abspath(__file__), bundle, "--memory"]
        try:
            status = subprocess.run(command, env=environment, timeout=60).returncode
        except subprocess.TimeoutExpired:
            status = 124
        if status != 0:
            report.line("memory, " + (how or "default"), "status %d" % status, False)


def try_stream(torch, parseal, report, name, stream, wrong_is_expected=False):
    """The addend is written on PyTorch's current stream, after other work; then parseal adds it."""
    a, b = new_tensor(torch, 0), new_tensor(torch, 0)
    torch.cuda.synchronize()
    torch.cuda._sleep(LATE_CYCLES)
    b.fill_(7)
    failure = parseal.add(a.data_ptr(), b.data_ptr(), ELEMENTS, BUF_CUDA, stream)
    after = a + 0  # a reader on PyTorch's stream
    torch.cuda.synchronize()
    report.line(name, failure, bool((after == 7).all()), wrong_is_expected)


def try_graph(torch, parseal, report):
    a, b, graph = new_tensor(torch, 0), new_tensor(torch, 1), torch.cuda.CUDAGraph()
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        stream = torch.cuda.current_stream().cuda_stream
        failure = parseal.add(a.data_ptr(), b.data_ptr(), ELEMENTS, BUF_CUDA, stream)
    for value in (1, 5):
        b.fill_(value)
        graph.replay()
    torch.cuda.synchronize()
    report.line("graph", failure, bool((a == 6).all()))


def part(block, name):
    offset, size = PLACES[name]
    return bytes(block[offset : offset + size])


def try_counting(library, parseal, graph, report):
    """Each replay of a seal that counts has nonces of its own, and the CPU opens what it has sealed."""
    counting, plain = Plan(parseal, STEP), Plan(Parseal(library, BACKEND_CPU), 0)
    seen, right = set(), True
    failure = graph.capture(lambda stream: counting.seal(graph.address, BUF_CUDA, stream))
    for run in range(REPLAYS if failure is None else 0):
        text = bytes((i * 7 + run) & 255 for i in range(MESSAGES * LENGTH))
        block = graph.replay(text + bytes(BLOCK - len(text)))
        nonces = part(block, "nonce")
        seen.update(nonces[i : i + NONCE_BYTES] for i in range(0, len(nonces), NONCE_BYTES))
        right = right and nonces == nonces_of(run) and part(block, "sealed") != text
        host = (ctypes.c_uint8 * BLOCK).from_buffer(block)
        failure = failure or plain.open(ctypes.addressof(host), BUF_HOST, None)
        verdicts = part(block, "verdict")
        right = right and verdicts == ITEM_OK.to_bytes(4, sys.byteorder) * MESSAGES and part(block, "opened") == text
    counting.destroy()
    plain.destroy()
    report.line("a graph that counts", failure, right and len(seen) == REPLAYS * MESSAGES)


def try_driver(library, report):
    lack = None
    try:
        parseal, cuda = Parseal(library, BACKEND_CUDA), ctypes.CDLL("libcuda.so.1")
        if not hasattr(cuda, "cuGraphInstantiateWithFlags"):
            lack = "the driver has no cuGraphInstantiateWithFlags (CUDA 12.0)"
    except NoDevice as error:
        lack = error
    if lack is None:
        try_counting(library, parseal, DriverGraph(cuda), report)
    else:
        print("%-28s not tried, %s" % ("a graph that counts", lack), flush=True)


def try_destroy_in_capture(torch, library, report):
    """As when the garbage collector runs in a capture."""
    other, a = Parseal(library, BACKEND_CUDA), new_tensor(torch, 0)
    failure = None
    try:
        with torch.cuda.graph(torch.cuda.CUDAGraph()):
            a.add_(1)
            other.destroy()
            a.add_(1)
    except RuntimeError as error:
        failure = "it spoils the capture: %.200s" % str(error).replace("\n", " ")
    report.line("a destroy in a capture", failure, failure is None)


def main(arguments):
    options = [word for word in arguments if word.startswith("--")]
    bundles = [word for word in arguments if not word.startswith("--")]
    if len(bundles) != 1 or options not in ([], ["--host"], ["--memory"]):
        print(__doc__, file=sys.stderr)
        return 2
    bundle, report = os.path.abspath(bundles[0]), Report()
    library = load_library(bundle)
    if options == ["--host"]:
        try_host(library, report)
        try_driver(library, report)
        return 0 if report.fine else 1
    try:
        import torch
    except ImportError:
        print("no PyTorch here")
        return EXIT_SKIPPED
    if not torch.cuda.is_available():
        print("PyTorch finds no GPU")
        return EXIT_SKIPPED
    if options == ["--memory"]:
        try_memory(torch, Parseal(library, BACKEND_CUDA), report)
        return 0 if report.fine else 1

    try_allocators(bundle, report)
    parseal, current = Parseal(library, BACKEND_CUDA), torch.cuda.current_stream().cuda_stream
    # On the default stream PyTorch says 0, which is parseal's NULL.
    try_stream(torch, parseal, report, "stream %d, as PyTorch says" % current, current or None)
    try_stream(torch, parseal, report, "stream 1, legacy", STREAM_LEGACY)
    # PyTorch's work is on the legacy stream: no other one waits for it.
    try_stream(torch, parseal, report, "stream 2, per thread", STREAM_PER_THREAD, wrong_is_expected=True)
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        try_stream(torch, parseal, report, "a stream of its own", side.cuda_stream)
    try_graph(torch, parseal, report)
    try_counting(library, parseal, TorchGraph(torch), report)
    try_destroy_in_capture(torch, library, report)
    return 0 if report.fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
