"""The communication hook: exact under masks that never come twice, and loud where it fails."""

import copy
import hashlib
import os
import pickle
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
if not torch.distributed.is_available():
    pytest.skip("torch has no distributed package", allow_module_level=True)

import parseal  # noqa: E402
import parseal.torch as pt  # noqa: E402
import torch.distributed as dist  # noqa: E402
from parseal import secagg  # noqa: E402
from parseal.torch import _ddp  # noqa: E402
from processes import run_ranks  # noqa: E402
from torch.nn.parallel import DistributedDataParallel as DDP  # noqa: E402

NEAREST = parseal.Quant(0.5, 16, "nearest")


def keys_of(rank: int, world: int) -> tuple[bytes, list[bytes]]:
    """Keys that every test knows, in place of long-term ones."""
    secrets = [hashlib.sha256(b"rank %d" % i).digest() for i in range(world)]
    return secrets[rank], [secagg.public_key(s) for s in secrets]


def model_of(rank: int, **kwargs: Any) -> DDP:
    """Three layers in several buckets."""
    torch.manual_seed(1)
    layers = [torch.nn.Linear(40, 301), torch.nn.ReLU(), torch.nn.Linear(301, 33)]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(33, 1))
    return DDP(model, bucket_cap_mb=0.01, **kwargs)


def data_of(rank: int, step: int) -> torch.Tensor:
    return torch.randn(16, 40, generator=torch.Generator().manual_seed(100 * step + rank))


def backward(ddp: DDP, rank: int, step: int, scale: float = 1.0) -> None:
    (ddp(data_of(rank, step)).pow(2).mean() * scale).backward()


class Recorder:
    """A hook around the hook: keeps each bucket's own gradients and their mean."""

    def __init__(self, state: pt.SecureState) -> None:
        self.state = state
        self.buckets: list[list[Any]] = []  # in the order of calls: futures end in any

    @staticmethod
    def hook(
        self: "Recorder", bucket: dist.GradBucket
    ) -> torch.futures.Future[torch.Tensor]:
        both = [bucket.buffer().float().clone().numpy()]
        self.buckets.append(both)
        future = pt.secure_allreduce_hook(self.state, bucket)

        def keep(done: Any) -> Any:
            both.append(done.value().float().clone().numpy())
            return done.value()

        return future.then(keep)


class Stretches:
    """Keeps what a state takes of its keystreams: (epoch, first, end)."""

    def __init__(self, state: pt.SecureState) -> None:
        self.masks = self._watch(state._masks)
        self.roundings = self._watch(state._roundings)

    @staticmethod
    def _watch(keystream: Any) -> list[tuple[int, int, int]]:
        taken: list[tuple[int, int, int]] = []
        take = keystream.take

        def watched(n: int, device: Any) -> Any:
            seeds, epoch, first = take(n, device)
            taken.append((epoch, first, first + n))
            return seeds, epoch, first

        keystream.take = watched
        return taken


def assert_disjoint(taken: list[tuple[int, int, int]]) -> None:
    ordered = sorted(taken)
    for (epoch, _, end), (next_epoch, first, _) in zip(ordered, ordered[1:]):
        assert epoch < next_epoch or end <= first
    assert all(end <= _ddp._KEYSTREAM for _, _, end in taken)


def plain_mean(updates: list[Any], quant: parseal.Quant) -> Any:
    """The mean of quantised updates by the formulas of parseal/vector.h, in NumPy."""
    c, top = np.float32(quant.clip), np.float32(2**quant.bits - 1)
    scale = np.float32((2**quant.bits - 1) / (2 * float(c)))
    total = np.zeros(updates[0].shape, np.uint64)
    for x in updates:
        clipped = np.minimum(np.maximum(x, -c), c)
        u = np.minimum((clipped + c) * scale, top)
        k = np.floor(u)
        total += np.minimum(k + (u - k >= 0.5), top).astype(np.uint64)
    step = 2 * float(c) / (2**quant.bits - 1)
    return (total.astype(np.float64) * step / len(updates) - float(c)).astype(np.float32)


def gather(values: Any) -> list[Any]:
    mine = torch.from_numpy(values)
    all_ = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(all_, mine)
    return [t.numpy() for t in all_]


def scenarios(rank: int, world: int) -> dict[str, Any]:
    """All that two ranks do; new processes for each would take most of the tests' time."""
    all_ = (
        exact,
        same_without_masks,
        never_twice,
        sessions,
        not_finite,
        disagree,
        lost_step,
        foreign_key,
    )
    return {scenario.__name__: scenario(rank, world) for scenario in all_}


Results = Callable[[str], list[Any]]


@pytest.fixture(scope="module")
def two_ranks() -> Results:
    """What both ranks return of a scenario."""
    results = run_ranks(scenarios)
    return lambda name: [r[name] for r in results]


# --------------------------------------------------------------------------------------- results --


def exact(rank: int, world: int) -> dict[str, int]:
    seen = {}
    for name, keys in (("keys", keys_of(rank, world)), ("group", "group")):
        for dtype in (torch.float32, torch.bfloat16):
            state = pt.SecureState(None, NEAREST, keys=keys)
            recorder = Recorder(state)
            ddp = model_of(rank)
            if dtype != torch.float32:
                ddp = DDP(ddp.module.to(dtype))
            ddp.register_comm_hook(recorder, Recorder.hook)
            for step in range(3):
                ddp.zero_grad()
                ddp(data_of(rank, step).to(dtype)).pow(2).mean().backward()
            for own, mean in recorder.buckets:
                expected = plain_mean(gather(own), NEAREST)
                if dtype != torch.float32:
                    expected = torch.from_numpy(expected).to(dtype).float().numpy()
                assert (mean == expected).all()
                assert np.abs(mean).max() > 0
            seen[f"{name} {dtype}"] = len(recorder.buckets)
            state.close()
    return seen


def test_the_mean_is_that_of_plain_quantised_averaging(two_ranks: Results) -> None:
    for results in (two_ranks("exact"), run_ranks(exact, 3)):
        assert all(r == results[0] for r in results)
        assert results[0]["keys torch.float32"] > 3


def same_without_masks(rank: int, world: int) -> list[Any]:
    """Stochastic rounding, with the rounding's key known, with and without masks."""
    means = []
    mask_ = parseal.mask_
    for masked in (True, False):
        state = pt.SecureState(None, parseal.Quant(0.5, 16), keys="group")
        state._roundings._make = lambda _, device: parseal.Seeds([bytes([rank + 1]) * 32])
        recorder = Recorder(state)
        ddp = model_of(rank)
        ddp.register_comm_hook(recorder, Recorder.hook)
        parseal.mask_ = mask_ if masked else lambda acc, *args: acc
        for step in range(2):
            backward(ddp, rank, step)
        parseal.mask_ = mask_
        means.append([mean for _, mean in recorder.buckets])
    assert all((a == b).all() for a, b in zip(*means, strict=True))
    return [m.tobytes() for m in means[0]]


def test_stochastic_means_are_the_same_without_masks(two_ranks: Results) -> None:
    first, second = two_ranks("same_without_masks")
    assert first == second


# ----------------------------------------------------------------------------------------- masks --


def never_twice(rank: int, world: int) -> dict[str, Any]:
    """Rebuilt buckets, accumulated gradients, repeated steps, and keystreams that end."""
    sent: list[bytes] = []
    all_reduce = dist.all_reduce
    state = pt.SecureState(None, parseal.Quant(0.5, 16), keys=keys_of(rank, world))
    stretches = Stretches(state)
    recorder = Recorder(state)
    ddp = model_of(rank)
    ddp.register_comm_hook(recorder, Recorder.hook)

    def watched(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if tensor.dtype == torch.int32:
            sent.append(tensor.numpy().tobytes())
        return all_reduce(tensor, *args, **kwargs)

    dist.all_reduce = watched
    _ddp.dist.all_reduce = watched
    shapes = []
    for step in (0, 0, 1):  # buckets are rebuilt after the first
        before = len(recorder.buckets)
        ddp.zero_grad()
        backward(ddp, rank, step)
        shapes.append([own.size for own, _ in recorder.buckets[before:]])
    with ddp.no_sync():
        backward(ddp, rank, 2)
    assert len(recorder.buckets) == sum(len(s) for s in shapes)
    backward(ddp, rank, 3)
    _ddp._KEYSTREAM = max(own.size for own, _ in recorder.buckets) + 16
    for step in (4, 4, 5):
        backward(ddp, rank, step)
    dist.all_reduce = _ddp.dist.all_reduce = all_reduce
    assert_disjoint([s for s in stretches.masks if s[0] > 0])
    _ddp._KEYSTREAM = 1 << 36
    assert_disjoint(stretches.masks)
    assert_disjoint(stretches.roundings)
    blocks = [s[i : i + 64] for s in sent for i in range(0, len(s) - 63, 64)]
    assert len(set(blocks)) == len(blocks)
    for own, mean in recorder.buckets:
        total = sum(np.clip(x, -0.5, 0.5).astype(np.float64) for x in gather(own))
        assert np.abs(mean - total / world).max() < 1 / 65535 + 1e-6
    return {"masks": stretches.masks, "shapes": shapes, "roundings": stretches.roundings}


def test_no_part_of_a_mask_comes_twice(two_ranks: Results) -> None:
    first, second = two_ranks("never_twice")
    assert first == second
    assert first["shapes"][0] != first["shapes"][1], "the buckets were not rebuilt"
    assert max(epoch for epoch, _, _ in first["masks"]) > 2


def sessions(rank: int, world: int) -> list[bytes]:
    """What is sent of the same gradients in three states with the same long-term keys."""
    sent = []
    for _ in range(3):
        state = pt.SecureState(None, NEAREST, keys=keys_of(rank, world))
        buffer, _ = state._begin(torch.zeros(1000))
        sent.append(bytes(buffer.all.numpy().tobytes()))
    return sent


def test_every_state_has_masks_of_its_own(two_ranks: Results) -> None:
    for sent in two_ranks("sessions"):
        assert len(set(sent)) == 3


# -------------------------------------------------------------------------------------- failures --


def fails(function: Any, *args: Any) -> str:
    try:
        function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def lost_step(rank: int, world: int) -> list[str]:
    state = pt.SecureState(None, NEAREST, keys=keys_of(rank, world))
    ddp = model_of(rank)
    ddp.register_comm_hook(state, pt.secure_allreduce_hook)
    backward(ddp, rank, 0)
    if rank == 0:
        state._masks.take(1, torch.device("cpu"))
    failures = [fails(backward, ddp, rank, 1)]
    again = model_of(rank)
    again.register_comm_hook(state, pt.secure_allreduce_hook)
    return failures + [fails(backward, again, rank, 1)]


def test_ranks_that_lose_step_fail_for_ever(two_ranks: Results) -> None:
    for failures in two_ranks("lost_step"):
        assert all("lost step" in f for f in failures), failures


def foreign_key(rank: int, world: int) -> str:
    secret, public_keys = keys_of(rank, world)
    if rank == 1:  # the same public keys, but a secret of someone else
        secagg.public_key = lambda _: public_keys[1]  # type: ignore[assignment]
        secret = bytes(32)
    state = pt.SecureState(None, NEAREST, keys=(secret, public_keys))
    ddp = model_of(rank)
    ddp.register_comm_hook(state, pt.secure_allreduce_hook)
    return fails(backward, ddp, rank, 0)


def test_foreign_keys_fail(two_ranks: Results) -> None:
    assert all("each other's keys" in f for f in two_ranks("foreign_key"))


def not_finite(rank: int, world: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for policy in ("raise", "nan", "zero"):
        state = pt.SecureState(None, NEAREST, keys="group", nonfinite=policy)
        ddp = model_of(rank)
        ddp.register_comm_hook(state, pt.secure_allreduce_hook)
        scale = float("nan") if rank == 1 else 1.0
        failure = fails(backward, ddp, rank, 0, scale)
        gradients = torch.cat([p.grad.flatten() for p in ddp.parameters() if p.grad is not None])
        found[policy] = (failure, bool(gradients.isfinite().all()), state.nonfinite > 0)
    return found


def test_gradients_that_are_not_finite(two_ranks: Results) -> None:
    for rank, found in enumerate(two_ranks("not_finite")):
        assert "were not finite" in found["raise"][0]
        assert found["nan"] == ("", False, rank == 1)
        assert found["zero"] == ("", True, rank == 1)


def disagree(rank: int, world: int) -> list[str]:
    quant = parseal.Quant(0.5 + rank, 16)
    secret, public_keys = keys_of(rank, world)
    other = [public_keys[0], secagg.keypair()[0]] if rank == 0 else public_keys

    def make(quant: parseal.Quant, keys: Any) -> pt.SecureState:
        return pt.SecureState(None, quant, keys=keys)

    return [fails(make, quant, "group"), fails(make, NEAREST, (secret, other))]


def test_ranks_that_disagree(two_ranks: Results) -> None:
    for failures in two_ranks("disagree"):
        assert all(f.startswith("ValueError: the ranks differ") for f in failures), failures


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A group of one rank in this process."""
    store = dist.HashStore()
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_bad_arguments(alone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, public_keys = keys_of(0, 2)
    with pytest.raises(parseal.SizeError, match="2 public ones for 1 ranks"):
        pt.SecureState(None, NEAREST, keys=(secret, public_keys))
    with pytest.raises(parseal.ArgError, match="does not belong"):
        pt.SecureState(None, NEAREST, keys=(secret, public_keys[1:]))
    with pytest.raises(ValueError, match="group") as caught:
        pt.SecureState(None, NEAREST, keys="a key in hex")  # type: ignore[arg-type]
    assert "hex" not in str(caught.value)
    with pytest.raises(ValueError, match="nonfinite"):
        pt.SecureState(None, NEAREST, keys="group", nonfinite="no")  # type: ignore[arg-type]
    monkeypatch.setattr(dist, "get_world_size", lambda group=None: 258)
    with pytest.raises(parseal.OverflowError_):
        pt.SecureState(None, parseal.Quant(0.5, 24), keys="group")


def test_a_state_is_neither_saved_nor_shared(alone: Any) -> None:
    state = pt.SecureState(None, NEAREST, keys="group")
    mean = state._end(torch.ones(3), *state._begin(torch.full((3,), 0.25)))
    assert float((mean - 0.25).abs().max()) < 1e-5
    for save in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="make a new one"):
            save(state)
    child = os.fork()
    if child == 0:
        try:
            state._begin(torch.ones(3))
        except RuntimeError as error:
            os._exit(0 if "forked" in str(error) else 1)
        os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    state.close()
    with pytest.raises(RuntimeError, match="closed"):
        state._begin(torch.ones(3))
    assert not any(state._secret)
