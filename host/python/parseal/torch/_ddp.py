"""A communication hook for DistributedDataParallel: gradients are summed under masks.

Each bucket is quantised, masked mod 2**32 by the seeds that each pair of ranks shares, and
all-reduced as int32, whose sums wrap (gloo and NCCL have no uint32). In the sum the masks cancel
exactly, and its mean is that of plain quantised averaging, bit for bit.
"""

# No `from __future__ import annotations` here: DDP compares the hook's annotations with types.
import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
import torch.distributed as dist

import parseal
from parseal import Quant, Ring, Seeds, secagg

from ._ops import context

# Elements of 4 bytes that the keystream of one seed has: 2**38 bytes.
_KEYSTREAM = 1 << 36
_BLOCK = 16  # elements of a block of keystream: buckets begin at whole ones
_TAIL = 4  # elements behind a bucket's: two of the tag, one of the flag, one unused

_KEY_BYTES = 32
_NONFINITE = ("raise", "nan", "zero")


class _Keystream:
    """Gives out stretches of the masks of seeds, each once; of new seeds where they end.

    `make` makes the seeds of an epoch on a device. Which stretch comes next depends on the lengths
    alone that were taken before, so that ranks that take the same ones stay together.
    """

    def __init__(self, make: Callable[[int, torch.device], Seeds]) -> None:
        self._make = make
        self._epoch = 0
        self._next = 0
        self._seeds: dict[torch.device, Seeds] = {}
        self._lock = threading.Lock()

    def take(self, n: int, device: torch.device) -> tuple[Seeds, int, int]:
        """The seeds of a stretch of n elements, their epoch, and the stretch's first element."""
        with self._lock:
            if self._next + n > _KEYSTREAM:
                self._epoch, self._next = self._epoch + 1, 0
                self._seeds = {}
            epoch, first = self._epoch, self._next
            self._next += -(-n // _BLOCK) * _BLOCK  # used up, whatever comes of it
            seeds = self._seeds.get(device)
            if seeds is None:
                seeds = self._seeds[device] = self._make(epoch, device)
        return seeds, epoch, first


class _Buffer:
    """The integers of a bucket of n gradients, and behind them what the ranks check."""

    def __init__(self, n: int, device: torch.device) -> None:
        even = n + n % 2  # the tag is read as one integer of 64 bits
        self.n = n
        self.all = torch.empty(even + _TAIL, dtype=torch.int32, device=device)
        self.data = self.all[:n]
        self.tag = self.all[even : even + 2].view(torch.int64)
        self.flag = self.all[even + 2 : even + 3]
        self.all[n:].zero_()  # what is left of other data there would come out in the sum


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()


def _gather(own: bytes, group: dist.ProcessGroup) -> list[bytes]:
    """What each rank has, in the order of ranks."""
    device = "cuda" if dist.get_backend(group) == "nccl" else "cpu"
    mine = torch.tensor(list(own), dtype=torch.uint8, device=device)
    all_ = [torch.empty_like(mine) for _ in range(dist.get_world_size(group))]
    dist.all_gather(all_, mine, group=group)
    return [bytes(t.tolist()) for t in all_]


class SecureState:
    """What `secure_allreduce_hook` knows: keys, how gradients are quantised, what was used.

        state = pt.SecureState(None, parseal.Quant(1.0, 16), keys=(secret, public_keys))
        ddp.register_comm_hook(state, pt.secure_allreduce_hook)

    All ranks of the group make theirs at the same time: it is a collective call. One state serves
    one model.

    group: of torch.distributed; None: the default one. quant: gradients are clipped to its `clip`;
    the sum of all ranks must fit 32 bits. It must be the same on all ranks.

    keys: (secret, public_keys): the rank's own X25519 secret key of 32 bytes (bytes-like), and the
      public keys of all ranks, in their order, which the caller knows to be theirs, from a
      certificate or the like. Long-term keys may be used for any number of states: each agrees on
      a session to which every rank contributes 32 random bytes, so that no mask ever comes twice.
    keys: "group": the ranks draw keys and tell each other the public ones through the process
      group. That is secure against honest-but-curious observers alone, who read what is sent:
      whoever can change messages between ranks can put keys of his own in the place of theirs.

    nonfinite: what happens, on all ranks alike, where some rank's bucket has a gradient that is
      not finite. "raise": RuntimeError (on CUDA a device-side assertion, as nothing waits for the
      device). "nan": all gradients of the bucket become NaN, which torch.amp.GradScaler sees.
      "zero": such gradients count as 0. `state.nonfinite` counts the rank's own.

    Who sees what: of a rank's gradients others see the sum of all ranks alone, which the rank
    learns as well. All ranks but one together see that one's, by subtraction: with two ranks,
    each sees the other's quantised gradients. DDP's other messages (parameters and buffers that
    are broadcast) go in the clear.

    Masks: a position in the seeds' keystream grows with each bucket that is reduced, whatever
    bucket it is, and is never used twice: buckets may be rebuilt, gradients accumulated, steps
    repeated. A state cannot be saved, copied or used after fork(), which would go back to
    positions that were used: after loading a checkpoint make a new one, which agrees on a new
    session. If the ranks lose step (one of them has reduced a bucket more than another), each
    bucket's tag is wrong, and the backward pass raises RuntimeError on every rank; so does every
    later one. Stochastic rounding has a random key of each rank's own.

    The secret key is kept, in memory that may be swapped out, until close(): new pair seeds are
    derived every 2**36 gradients.

    Raises OverflowError_ (the sum may not fit), SizeError and ArgError (keys), ValueError (the
    ranks do not agree on quant, nonfinite or keys).
    """

    def __init__(
        self,
        group: dist.ProcessGroup | None,
        quant: Quant,
        *,
        keys: tuple[Any, Sequence[Any]] | Literal["group"],
        nonfinite: Literal["raise", "nan", "zero"] = "raise",
    ) -> None:
        self.group: dist.ProcessGroup = dist.group.WORLD if group is None else group
        self.quant = quant
        self.rank = dist.get_rank(self.group)
        self.world_size = dist.get_world_size(self.group)
        quant.check(self.world_size, Ring(1 << 32))
        if nonfinite not in _NONFINITE:
            raise ValueError(f"nonfinite: {nonfinite!r} is none of {', '.join(_NONFINITE)}")
        self._policy = nonfinite
        self._pid = os.getpid()
        self._lost_step = False
        self._nonfinite: dict[torch.device, int | torch.Tensor] = {}
        self._free: dict[int, list[_Buffer]] = {}
        self._agree(*self._take_keys(keys))
        self._masks = _Keystream(self._make_masks)
        self._roundings = _Keystream(
            lambda _, device: Seeds([secrets.token_bytes(_KEY_BYTES)], ctx=context(device))
        )

    # ------------------------------------------------------------------------------------- keys --

    def _take_keys(
        self, keys: tuple[Any, Sequence[Any]] | Literal["group"]
    ) -> tuple[bytes, list[bytes]]:
        """The own public key, and those of all ranks where the caller has given them."""
        if isinstance(keys, str):
            if keys != "group":
                raise ValueError('keys: a string, but not "group"')  # it may be a key
            public, secret = secagg.keypair()
            self._secret = secret
            return public, []
        secret, public_keys = keys
        given = [bytes(memoryview(k)) for k in public_keys]
        if len(given) != self.world_size:
            raise parseal.SizeError(f"keys: {len(given)} public ones for {self.world_size} ranks")
        self._secret = bytearray(memoryview(secret))
        if secagg.public_key(self._secret) != given[self.rank]:
            raise parseal.ArgError(f"keys: number {self.rank} does not belong to the secret key")
        return given[self.rank], given

    def _agree(self, own: bytes, public_keys: list[bytes]) -> None:
        """Agrees with the other ranks on a session, and on what must be alike."""
        alike = _digest(
            "parseal secure allreduce v1",
            self.quant.clip.hex(),
            self.quant.bits,
            self.quant.rounding,
            self._policy,
            public_keys,
        )
        told = _gather(secrets.token_bytes(_KEY_BYTES) + own + alike, self.group)
        if any(t[2 * _KEY_BYTES :] != alike for t in told):
            raise ValueError("the ranks differ in quant, in nonfinite or in the keys they know")
        self._session = hashlib.sha256(b"".join(t[:_KEY_BYTES] for t in told)).digest()
        known = public_keys or [t[_KEY_BYTES : 2 * _KEY_BYTES] for t in told]
        self._parties = list(enumerate(known))

    def _make_masks(self, epoch: int, device: torch.device) -> Seeds:
        """The seeds of all pairs; the higher rank of each adds the mask, the lower subtracts it."""
        others = [p for p in self._parties if p[0] != self.rank]
        round_ = self._session + epoch.to_bytes(8, "little")
        own = self._parties[self.rank]
        return secagg.pair_seeds(self._secret, own, others, round_, ctx=context(device))

    def close(self) -> None:
        """Wipes the secret key and the seeds; later calls of the hook raise RuntimeError."""
        self._secret[:] = bytes(len(self._secret))
        self._masks, self._roundings = _Keystream(_no_seeds), _Keystream(_no_seeds)

    def __reduce__(self) -> str:
        raise TypeError(
            "a SecureState is neither saved nor copied, as the copy would use masks again: make a "
            "new one, which agrees with the other ranks on new masks"
        )

    # ---------------------------------------------------------------------------------- buckets --

    @property
    def nonfinite(self) -> int:
        """How many gradients of this rank were not finite so far. On CUDA it waits for them."""
        return sum(int(count) for count in self._nonfinite.values())

    def _buffer(self, n: int, device: torch.device) -> _Buffer:
        """On CUDA a new one, as only the allocator knows when all streams are done with it."""
        free = self._free.setdefault(n, [])
        try:
            return free.pop() if device.type == "cpu" else _Buffer(n, device)
        except IndexError:
            return _Buffer(n, device)

    def _quantize(self, gradients: torch.Tensor, buffer: _Buffer) -> None:
        device = gradients.device
        seed: Seeds | None = None
        first = 0
        if self.quant.rounding == "stochastic":
            seed, _, first = self._roundings.take(buffer.n, device)
        count = None if device.type == "cpu" else torch.empty((), dtype=torch.int64, device=device)
        _, nonfinite = parseal.quantize(
            gradients,
            self.quant,
            seed=seed,
            first=first,
            out=buffer.data,
            nonfinite=count,
            ctx=context(device),
        )
        self._nonfinite[device] = self._nonfinite.get(device, 0) + nonfinite
        if isinstance(nonfinite, torch.Tensor):
            buffer.flag.copy_((nonfinite != 0).reshape(1))
        else:
            buffer.flag.fill_(nonfinite != 0)

    def _begin(self, gradients: torch.Tensor) -> tuple[_Buffer, int]:
        """Quantises and masks a bucket. Returns it with what its tag must become in the sum."""
        if self._pid != os.getpid():
            raise RuntimeError("a SecureState cannot be used in a child: its process has forked")
        buffer = self._buffer(gradients.numel(), gradients.device)
        size = buffer.all.numel()
        seeds, epoch, first = self._masks.take(size, gradients.device)
        self._quantize(gradients, buffer)
        words = _digest(self._session, epoch, first, buffer.n)
        low, high = (int.from_bytes(words[i : i + 4], "little") for i in (0, 4))
        buffer.tag.fill_(_as_int64(low, high))
        parseal.mask_(buffer.all, seeds, None, first)
        return buffer, _as_int64(low * self.world_size, high * self.world_size)

    def _end(self, gradients: torch.Tensor, buffer: _Buffer, tag: int) -> torch.Tensor:
        """Puts the mean of a sum in the gradients' place."""
        if gradients.is_cuda:
            # The callback's stream is neither that which the sum was allocated on nor NCCL's.
            buffer.all.record_stream(torch.cuda.current_stream(gradients.device))
            self._check_later(buffer, tag)
        else:
            self._check(buffer, tag)
        whole = gradients.dtype == torch.float32
        mean = gradients if whole else torch.empty_like(gradients, dtype=torch.float32)
        parseal.dequantize(
            buffer.data, self.quant, self.world_size, out=mean, ctx=context(gradients.device)
        )
        if not whole:
            gradients.copy_(mean)
        if self._policy == "nan":
            gradients.masked_fill_(buffer.flag != 0, float("nan"))
        if not gradients.is_cuda:
            self._free[buffer.n].append(buffer)
        return gradients

    def _check(self, buffer: _Buffer, tag: int) -> None:
        if self._lost_step or buffer.tag.item() != tag:
            # The hook goes on to reduce what it is given, or the other ranks would wait for ever.
            self._lost_step = True
            raise RuntimeError(
                "the ranks have lost step, or do not have each other's keys: a bucket's masks did "
                "not cancel, and no gradients come of it"
            )
        if self._policy == "raise" and buffer.flag.item() != 0:
            ranks = buffer.flag.item()
            raise RuntimeError(f"gradients of {ranks} ranks were not finite, {self.nonfinite} here")

    def _check_later(self, buffer: _Buffer, tag: int) -> None:
        """On the device, which stops there: the host does not wait."""
        torch._assert_async(buffer.tag[0] == tag)
        if self._policy == "raise":
            torch._assert_async(buffer.flag[0] == 0)


def _no_seeds(epoch: int, device: torch.device) -> Seeds:
    raise RuntimeError("this SecureState has been closed")


def _as_int64(low: int, high: int) -> int:
    """Two elements of 32 bits, each mod 2**32, as the integer of 64 that lies in their place."""
    both = (low & 0xFFFFFFFF) | (high & 0xFFFFFFFF) << 32
    return both - (1 << 64) if both >> 63 else both


def secure_allreduce_hook(
    state: SecureState, bucket: dist.GradBucket
) -> torch.futures.Future[torch.Tensor]:
    """The communication hook: the mean of all ranks' gradients, summed under masks.

        ddp.register_comm_hook(state, pt.secure_allreduce_hook)

    bucket: float32, float16 or bfloat16 gradients; the mean is written in their place. Where it
    fails, backward() raises RuntimeError, on all ranks where the cause is known to all (see
    SecureState). Not for what torch.compile traces.
    """
    if torch.compiler.is_compiling():
        raise RuntimeError("secure_allreduce_hook: it is not compiled: masks would be constants")
    gradients = bucket.buffer()
    buffer, tag = state._begin(gradients)
    work = dist.all_reduce(buffer.all, group=state.group, async_op=True)
    future: torch.futures.Future[torch.Tensor] = work.get_future()
    return future.then(lambda done: (done.wait(), state._end(gradients, buffer, tag))[1])
