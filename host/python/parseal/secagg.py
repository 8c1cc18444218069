"""What clients and server of a secure aggregation agree on and recover.

The protocol is that of Bonawitz et al. (CCS 2017) on a complete graph, or of Bell et al. (CCS 2020,
"SecAgg+") on a sparse one. Client i adds to its vector a mask of its own and, for each neighbour, a
mask that both know, which cancel in the sum of all. Each shares its self mask's seed and its secret
key among others; of those whose vectors arrived the server is given the seeds, of those who dropped
out the secret keys, never both of one client.

- ``Graph``, ``Need``: who masks with whom, and which masks a set of dropouts leaves in the sum
- ``keypair``, ``public_key``, ``pair_seed``, ``pair_seeds``: X25519 keys, and the seeds of pairs
- ``share``, ``combine``: Shamir's shares of secrets of 32 bytes

Everything runs on the calling thread. Secrets are returned as bytearrays, which the caller
overwrites (``secret[:] = bytes(len(secret))``), and taken from anything bytes-like.
"""

from ._core import Graph, Need, combine, keypair, pair_seed, pair_seeds, public_key, share

__all__ = [
    "Graph",
    "Need",
    "combine",
    "keypair",
    "pair_seed",
    "pair_seeds",
    "public_key",
    "share",
]
