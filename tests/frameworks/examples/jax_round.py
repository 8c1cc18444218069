"""A round of secure aggregation whose clients compute with JAX: each quantises its update and masks
it in one compiled step, so that the server sees nothing but sums. Three rounds compile once."""

import secrets
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import parseal
import parseal.jax as pj

N, DIM, ROUNDS = 4, 10_000, 3
QUANT = parseal.Quant(clip=8.0, bits=16, rounding="nearest")
QUANT.check(N, parseal.Ring(2**32))

# One key for each pair of clients: in a deployment, parseal.secagg agrees on them.
PAIRS = {(i, j): secrets.token_bytes(32) for i in range(N) for j in range(i)}


@jax.jit
def step(weights: Any, target: Any, seeds: Any) -> Any:
    """A client's gradient, quantised and masked."""
    update = jax.grad(lambda w: 0.5 * jnp.sum((w - target) ** 2))(weights)
    q, nonfinite = pj.quantize(update, QUANT)
    return pj.masked(q, seeds), nonfinite


@jax.jit
def server(masked: Any) -> Any:
    return pj.dequantize(pj.summed(masked), QUANT, N)


def seeds_of(client: int, number: int) -> parseal.Seeds:
    """The greater of a pair adds the mask, the other one subtracts it; each round has a stream."""
    mine = {pair: key for pair, key in PAIRS.items() if client in pair}
    return parseal.Seeds(list(mine.values()), [+1 if client == i else -1 for i, _ in mine], number)


def main() -> None:
    targets = np.random.default_rng(1).normal(0, 1, (N, DIM)).astype(np.float32)
    slots = [pj.Slot() for _ in range(N)]
    weights = jnp.zeros(DIM)
    for number in range(ROUNDS):
        sent = []
        for client, slot in enumerate(slots):
            masked, nonfinite = step(weights, targets[client], slot.put(seeds_of(client, number)))
            assert nonfinite == 0  # which waits for the step: then the slot may have the next seeds
            sent.append(masked)
        mean = server(jnp.stack(sent))
        plain = np.asarray(weights) - targets.mean(0)
        assert np.abs(np.asarray(mean) - plain).max() <= 1.01 * QUANT.clip / (2**QUANT.bits - 1)
        weights = weights - 0.5 * mean
    for slot in slots:
        slot.close()
    assert step._cache_size() == 1
    print(f"{ROUNDS} rounds of {N} clients: the mean of what nobody saw, in one compilation")


if __name__ == "__main__":
    main()
