#!/usr/bin/env python3
"""PyTorch's streams, graphs and memory with parseal's device calls.

    frameworks.py BUNDLE            the folder that bench/gpu.sh --bundle made, or a build folder
    frameworks.py BUNDLE --host     one call on host memory, without PyTorch and without a GPU: it shows
                                    that the structures below are those of the library
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


RING = Ring(1 << 32, 4, 0)


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
    return library


class Parseal:
    """A context, and the one call that everything here is tried with."""

    def __init__(self, library, backend):
        self.library = library
        self.ctx = ctypes.c_void_p()
        options = Options(ctypes.sizeof(Options), backend, 0, None, 0, 0, 0, None)
        if library.parseal_ctx_create(ctypes.byref(self.ctx), ctypes.byref(options)) != 0:
            sys.exit("no context: " + self.error())

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
    try_destroy_in_capture(torch, library, report)
    return 0 if report.fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
