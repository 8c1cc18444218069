"""Graphs, pairs and shares: against their definitions, written down plainly here."""

import hmac
import itertools
import random
import threading
from typing import Any

import numpy as np
import pytest
import reference

import parseal
from parseal import secagg

# ------------------------------------------------------------------------------------------ graph


def order_of(n: int, seed: bytes) -> list[int]:
    """The circle of Graph.harary, by the text of parseal/secagg.h."""
    order = list(range(n))
    stream = reference.chacha20(seed, b"parsealgraph", 4096)
    words = (int.from_bytes(stream[i : i + 4], "little") for i in range(0, 4096, 4))
    for i in range(n - 1, 0, -1):
        limit = 2**32 // (i + 1) * (i + 1)
        word = next(w for w in words if w < limit)
        order[i], order[word % (i + 1)] = order[word % (i + 1)], order[i]
    return order


@pytest.mark.parametrize("n, k", [(2, 1), (3, 2), (8, 3), (9, 4), (100, 10), (101, 100)])
@pytest.mark.parametrize("seed", [None, bytes(32), b"an order on the circle, 32 bytes"])
def test_harary_graphs(n: int, k: int, seed: bytes | None) -> None:
    graph = secagg.Graph.harary(n, k, seed)
    assert (len(graph), graph.degree) == (n, k)
    order = list(range(n)) if seed is None else order_of(n, seed)
    steps = [*range(1, k // 2 + 1), *range(-(k // 2), 0)] + ([n // 2] if k % 2 else [])
    for place, client in enumerate(order):
        expected = sorted(order[(place + step) % n] for step in steps)
        assert graph.neighbours(client) == expected


def test_complete_graphs() -> None:
    graph = secagg.Graph.complete(5)
    assert (len(graph), graph.degree) == (5, 4)
    assert graph.neighbours(2) == [0, 1, 3, 4]


@pytest.mark.parametrize("graph", [secagg.Graph.complete(7), secagg.Graph.harary(9, 4)])
def test_needs_take_all_masks_off(graph: secagg.Graph) -> None:
    """Of numbers that stand for masks: what survivors have added, and the needs, give nothing."""
    drawn = random.Random(len(graph))
    own = [drawn.getrandbits(64) for _ in range(len(graph))]
    pair = {frozenset(p): drawn.getrandbits(64)
            for p in itertools.combinations(range(len(graph)), 2)}
    for dropped in ([], [3], [0, 6], [5, 2, 4]):
        survivors = [i for i in range(len(graph)) if i not in dropped]
        total = 0
        for i in survivors:
            total += own[i]
            for j in graph.neighbours(i):
                total += pair[frozenset((i, j))] * (1 if j < i else -1)
        needs = graph.needs(survivors, dropped)
        for need in needs:
            mask = own[need.client] if need.client == need.peer else pair[frozenset(need[:2])]
            total += need.sign * mask
            assert need.client in survivors
        assert total == 0
        assert [n.client for n in needs[: len(survivors)]] == survivors
        assert len(needs) == len(survivors) + sum(
            j in survivors for i in dropped for j in graph.neighbours(i))


def test_graphs_take_any_integers() -> None:
    graph = secagg.Graph.complete(4)
    assert graph.needs(np.arange(3), {3}) == graph.needs([0, 1, 2], (3,))
    need = graph.needs([1], [])[0]
    assert need == (1, 1, -1) and isinstance(need, secagg.Need)


@pytest.mark.parametrize("use, error, text", [
    (lambda: secagg.Graph.harary(5, 3), parseal.SizeError, "odd"),
    (lambda: secagg.Graph.harary(5, 5), parseal.SizeError, "k: 5"),
    (lambda: secagg.Graph.harary(5, 2, bytes(31)), parseal.SizeError, "seed: 31 bytes"),
    (lambda: secagg.Graph.complete(1), parseal.SizeError, "n: 1"),
    (lambda: secagg.Graph.complete(2.0), TypeError, "n: an integer"),
    (lambda: secagg.Graph.complete(5).neighbours(5), parseal.SizeError, "5"),
    (lambda: secagg.Graph.complete(5).needs([0, 0], []), parseal.ArgError, "0"),
    (lambda: secagg.Graph.complete(5).needs([1], [None]), TypeError, r"dropped\[0\]: an integer"),
    (lambda: secagg.Graph.complete(5).needs([0, 9], []), parseal.SizeError, "9"),
    (lambda: secagg.Graph.complete(5).needs([0, "1"], []), TypeError, r"survivors\[1\]: an int"),
    (lambda: secagg.Graph.complete(5).needs([0], 1), TypeError, "dropped: a sequence"),
    (lambda: secagg.Graph.complete(5).needs(None, []), TypeError, "survivors: a sequence"),
    (lambda: secagg.Graph(), TypeError, "cannot create"),
])
def test_graphs_refuse(use: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        use()


def test_closed_graphs() -> None:
    with secagg.Graph.complete(3) as graph:
        pass
    for use in (lambda: len(graph), lambda: graph.degree, lambda: graph.neighbours(0)):
        with pytest.raises(ValueError, match="closed"):
            use()


# ------------------------------------------------------------------------------------------ pairs


def x25519(scalar: bytes, point: bytes) -> bytes:
    """RFC 7748, section 5, in Python's integers."""
    p = 2**255 - 19
    k = int.from_bytes(scalar, "little") & ~7 & (2**255 - 1) | 2**254
    u = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        x3, z3 = (da + cb) ** 2 % p, u * (da - cb) ** 2 % p
        e = aa - bb
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
    if swap:
        x2, x3, z2, z3 = x3, x2, z3, z2
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


# The keys of RFC 7748, section 6.1.
ALICE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
ALICE_PUBLIC = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
BOB = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
BOB_PUBLIC = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
SHARED = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
BASE = (9).to_bytes(32, "little")


def hkdf(secret: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt, 32 bytes."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, info + b"\1", "sha256")


def seed_key(secret: bytes, a: tuple[int, bytes], b: tuple[int, bytes], round: bytes) -> bytes:
    """parseal_pair_seed's key, by the text of parseal/secagg.h."""
    low, high = sorted((a, b))
    info = b"parseal pair seed v1" + len(round).to_bytes(4, "little") + round
    for party, public in (low, high):
        info += party.to_bytes(8, "little") + public
    return hkdf(x25519(secret, (b if a[1] == x25519(secret, BASE) else a)[1]), info)


def test_the_reference_is_rfc_7748() -> None:
    assert x25519(ALICE, BASE) == ALICE_PUBLIC and x25519(BOB, BASE) == BOB_PUBLIC
    assert x25519(ALICE, BOB_PUBLIC) == x25519(BOB, ALICE_PUBLIC) == SHARED


def test_key_pairs() -> None:
    assert secagg.public_key(ALICE) == ALICE_PUBLIC
    assert secagg.public_key(bytearray(BOB)) == BOB_PUBLIC
    seen = set()
    for _ in range(5):
        public, secret = secagg.keypair()
        assert (type(public), type(secret), len(public), len(secret)) == (bytes, bytearray, 32, 32)
        assert x25519(secret, BASE) == public == secagg.public_key(np.frombuffer(secret, np.uint8))
        seen.add(public)
    assert len(seen) == 5


@pytest.mark.parametrize("round", [b"", b"7", bytes(1024)])
@pytest.mark.parametrize("ids", [(1, 2), (2, 1), (0, 2**64 - 1)])
def test_pair_seeds(ids: tuple[int, int], round: bytes) -> None:
    alice, bob = (ids[0], ALICE_PUBLIC), (ids[1], BOB_PUBLIC)
    key, sign = secagg.pair_seed(ALICE, alice, bob, round)
    other, opposite = secagg.pair_seed(memoryview(BOB), bob, alice, round)
    assert isinstance(key, bytearray)
    assert key == other == seed_key(ALICE, alice, bob, round)
    assert sign == -opposite == (1 if bob[0] < alice[0] else -1)
    assert secagg.pair_seed(ALICE, alice, bob, b"another")[0] != key


def test_seeds_of_many_pairs() -> None:
    peers = [(i, secagg.keypair()[0]) for i in (3, 9, 1)]
    seeds = secagg.pair_seeds(ALICE, (5, ALICE_PUBLIC), peers, b"round")
    keys = [secagg.pair_seed(ALICE, (5, ALICE_PUBLIC), peer, b"round") for peer in peers]
    assert [sign for _, sign in keys] == [1, -1, 1] and len(seeds) == 3
    expected = parseal.mask(parseal.Seeds(*map(list, zip(*keys))), 100)
    assert (parseal.mask(seeds, 100) == expected).all()
    assert len(secagg.pair_seeds(ALICE, (5, ALICE_PUBLIC), [])) == 0
    ctx = parseal.Context("cpu")
    assert secagg.pair_seeds(ALICE, (5, ALICE_PUBLIC), tuple(peers), ctx=ctx).ctx is ctx


OWN, PEER = (1, ALICE_PUBLIC), (2, BOB_PUBLIC)


@pytest.mark.parametrize("arguments, error, text", [
    ((ALICE[:31], OWN, PEER), parseal.SizeError, "secret: 31 bytes"),
    (("secret", OWN, PEER), TypeError, "secret: an array"),
    ((ALICE, ALICE_PUBLIC, PEER), TypeError, r"own: a tuple \(id, public_key\)"),
    ((ALICE, OWN, (2,)), TypeError, r"peer: a tuple \(id, public_key\)"),
    ((ALICE, OWN, ("2", BOB_PUBLIC)), TypeError, r"peer: a tuple \(id, public_key\)"),
    ((ALICE, OWN, (-2, BOB_PUBLIC)), ValueError, "peer's id: -2"),
    ((ALICE, OWN, (2, BOB_PUBLIC + b"0")), parseal.SizeError, "peer's public_key: 33 bytes"),
    ((ALICE, OWN, (2, None)), TypeError, "peer's public_key: an array"),
    ((ALICE, OWN, (1, BOB_PUBLIC)), parseal.ArgError, "id"),
    ((ALICE, OWN, (2, bytes(32))), parseal.ArgError, "small order"),
    ((ALICE, OWN, PEER, bytes(1025)), parseal.SizeError, "round_len: 1025"),
    ((ALICE, OWN, PEER, 7), TypeError, "round: an array"),
])
def test_pairs_refuse(arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        secagg.pair_seed(*arguments)
    with pytest.raises(error, match=text.replace("peer", r"peers\[0\]")):
        secagg.pair_seeds(*arguments[:2], [arguments[2]], *arguments[3:])
    with pytest.raises(TypeError, match="peers: a list or a tuple"):
        secagg.pair_seeds(ALICE, OWN, {2: BOB_PUBLIC})


# ----------------------------------------------------------------------------------------- shares


def times(a: int, b: int) -> int:
    """In GF(2^16) modulo x^16 + x^5 + x^3 + x^2 + 1, bit by bit."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x10000:
            a ^= 0x1002D
        b >>= 1
    return product


def inverse(a: int) -> int:
    result, power = 1, a
    for _ in range(15):  # a^(2^16 - 2)
        power = times(power, power)
        result = times(result, power)
    return result


def at(points: dict[int, int], x: int) -> int:
    """The polynomial through these points, at x: Lagrange's formula."""
    total = 0
    for i, y in points.items():
        factor = y
        for j in points:
            if j != i:
                factor = times(factor, times(x ^ j, inverse(i ^ j)))
        total ^= factor
    return total


def words(data: bytes) -> list[int]:
    return np.frombuffer(data, "<u2").tolist()


def test_the_reference_is_a_field() -> None:
    drawn = random.Random(1)
    for _ in range(50):
        a, b, c = (drawn.randrange(1, 2**16) for _ in range(3))
        assert times(a, inverse(a)) == 1 and times(a, b ^ c) == times(a, b) ^ times(a, c)


@pytest.mark.parametrize("threshold, n", [(1, 1), (1, 3), (2, 2), (2, 3), (3, 5), (5, 5), (4, 9)])
@pytest.mark.parametrize("count", [1, 3])
def test_shares_lie_on_a_polynomial(threshold: int, n: int, count: int) -> None:
    drawn = random.Random(n)
    secrets = [drawn.randbytes(32) for _ in range(count)]
    shares = secagg.share(secrets, threshold, n)
    assert [type(s) for s in shares] == [bytearray] * n
    assert [len(s) for s in shares] == [32 * count] * n
    values = [words(s) for s in shares]
    for w, secret in enumerate(words(b"".join(secrets))):
        points = {x + 1: values[x][w] for x in range(threshold)}
        assert at(points, 0) == secret
        for x in range(threshold, n):
            assert at(points, x + 1) == values[x][w]
    some = drawn.sample(range(1, n + 1), threshold)
    assert secagg.combine({x: shares[x - 1] for x in some}, threshold, count) == b"".join(secrets)
    again = secagg.share(b"".join(secrets), threshold, n)
    assert threshold == 1 or again != shares


def test_combining_the_references_shares() -> None:
    drawn = random.Random(4)
    secret = drawn.randbytes(32)
    holders = [1, 7, 300, 65535]
    shares = {x: bytearray() for x in holders}
    for word in words(secret):
        points = {0: word} | {x: drawn.randrange(2**16) for x in holders[:2]}
        for x in holders:
            shares[x] += at(points, x).to_bytes(2, "little")
    for some in itertools.combinations(holders, 3):
        recovered = secagg.combine([(x, shares[x]) for x in some], 3)
        assert isinstance(recovered, bytearray) and recovered == secret
    assert secagg.combine(shares, threshold=3) == secret
    shares[300][5] ^= 1
    with pytest.raises(parseal.AuthError, match="0"):
        secagg.combine(shares, 3)
    assert secagg.combine([(x, shares[x]) for x in (1, 7, 300)], 3) != secret


@pytest.mark.parametrize("use, error, text", [
    (lambda: secagg.share([bytes(31)], 1, 1), parseal.SizeError, r"secrets\[0\]: 31 bytes"),
    (lambda: secagg.share(bytes(33), 1, 1), parseal.SizeError, "secrets: 33 bytes"),
    (lambda: secagg.share(5, 1, 1), TypeError, "secrets: an array"),
    (lambda: secagg.share([bytes(32)], 3, 2), parseal.SizeError, "n: 2, from the threshold 3"),
    (lambda: secagg.share([bytes(32)], 0, 2), parseal.SizeError, "threshold: 0"),
    (lambda: secagg.share([bytes(32)], 1, 65536), parseal.SizeError, "n: 65536"),
    (lambda: secagg.share([bytes(32)], 1.0, 2), TypeError, "threshold: an integer"),
    (lambda: secagg.combine({1: bytes(32)}, 2), parseal.SizeError, "1"),
    (lambda: secagg.combine({1: bytes(31)}, 1), parseal.SizeError, r"shares\[0\]: 31 bytes"),
    (lambda: secagg.combine({0: bytes(32)}, 1), parseal.SizeError, "0"),
    (lambda: secagg.combine([(1, bytes(32))] * 2, 1), parseal.ArgError, "1"),
    (lambda: secagg.combine([bytes(32)], 1), TypeError, r"shares\[0\]: a tuple"),
    (lambda: secagg.combine({"1": bytes(32)}, 1), TypeError, r"shares\[0\]: a tuple"),
    (lambda: secagg.combine(None, 1), TypeError, "shares: "),
    (lambda: secagg.combine(5, 1), TypeError, "shares: a sequence"),
    (lambda: secagg.combine({1: bytes(32)}, 1, 2**62), parseal.SizeError, "count: "),
])
def test_shares_refuse(use: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        use()


def test_threads_share_a_graph_and_shares() -> None:
    graph = secagg.Graph.harary(1000, 20, bytes(32))
    expected = graph.neighbours(7), graph.needs(range(10, 1000), range(10))
    wrong = []

    def work() -> None:
        for _ in range(20):
            shares = secagg.share([bytes(range(32))] * 10, 30, 50)
            if secagg.combine(dict(enumerate(shares, 1)), 30, 10) != bytes(range(32)) * 10:
                wrong.append("shares")
            if (graph.neighbours(7), graph.needs(range(10, 1000), range(10))) != expected:
                wrong.append("graph")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
