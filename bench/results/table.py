#!/usr/bin/env python3
"""Writes the table of all CPUs in README.md here, from the reports beside it.

  bench/results/table.py           writes the table anew
  bench/results/table.py --check   says whether it is the reports', by its exit status

A CPU's column comes from NAME.json, NAME-fcp.json and NAME-packed.json (where those rows were recorded apart),
NAME-avx2.json and NAME-load.json, as bench/cpu.sh leaves them.
"""
import json
import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
README = FOLDER / "README.md"
BEGIN, END = "<!-- table.py -->\n", "<!-- table.py ends -->\n"
PARTS = ("avx2", "load", "fcp", "packed", "threads", "vaes256", "aesni", "portable")
KIB, MIB = 1024, 1024 * 1024
LARGE = None  # the largest size, or number of messages, that the report has

# What a row shows: its text, the operation, the size, n, and which report has it.
ROWS = (
    ("AES-256-GCM seal, 1 KiB messages", "aead.seal.aes256gcm", KIB, None, ""),
    ("AES-256-GCM seal, 1 KiB messages, a key each", "aead.seal.aes256gcm.keys", KIB, None, ""),
    ("AES-256-GCM seal, 16 KiB messages", "aead.seal.aes256gcm", 16 * KIB, None, ""),
    ("AES-256-GCM seal, 4 MiB", "aead.seal.aes256gcm", 4 * MIB, 1, ""),
    ("AES-256-GCM seal, 64 KiB messages from memory", "aead.seal.aes256gcm", 64 * KIB, None, ""),
    ("AES-256-GCM open, 1 KiB messages", "aead.open.aes256gcm", KIB, None, ""),
    ("AES-256-GCM open, 16 KiB messages", "aead.open.aes256gcm", 16 * KIB, None, ""),
    ("AES-256-GCM open, 4 MiB", "aead.open.aes256gcm", 4 * MIB, 1, ""),
    ("AES-256-GCM open, 64 KiB messages from memory", "aead.open.aes256gcm", 64 * KIB, None, ""),
    ("AES-128-GCM seal, 16 KiB messages", "aead.seal.aes128gcm", 16 * KIB, None, ""),
    ("mask, one seed, 16 KiB", "mask.write", 16 * KIB, 1, ""),
    ("mask, one seed, 4 MiB", "mask.write", 4 * MIB, 1, ""),
    ("mask, one seed, to memory", "mask.write", LARGE, 1, ""),
    ("mask, one seed, 16 KiB, AVX2", "mask.write", 16 * KIB, 1, "avx2"),
    ("mask, one seed, 4 MiB, AVX2", "mask.write", 4 * MIB, 1, "avx2"),
    ("mask, one seed, to memory, AVX2", "mask.write", LARGE, 1, "avx2"),
    ("masks of 100 seeds added to 4 MiB", "mask.add", 4 * MIB, 100, ""),
    ("masks mod 2^32 - 5 of 8 seeds added to 4 MiB", "mask.add.prime", 4 * MIB, 8, ""),
    ("masks mod 2^31 + 11 of 8 seeds added to 4 MiB", "mask.add.rejecting", 4 * MIB, 8, ""),
    ("masks of fcp of 10 keys, mod 2^32, added to 4 MiB", "mask.fcp.b32", 4 * MIB, 10, ""),
    ("sum of 16 vectors of ten million, mod 2^32", "vec.sum.u32.pow2", 39063 * KIB, 16, ""),
    ("sum of 16 vectors of ten million, mod 2^32 - 5", "vec.sum.u32.prime", 39063 * KIB, 16, ""),
    ("sum of 100 vectors of five million, mod 2^64 - 59", "vec.sum.u64.prime", 39063 * KIB, 100, ""),
    ("packed sum of 16 vectors of 20 bits, 4 MiB", "packed.sum.b20", 4 * MIB, 16, ""),
    ("quantise, stochastic, 4 MiB", "quantize", 4 * MIB, 1, ""),
    ("dequantise, 4 MiB", "dequantize", 4 * MIB, 1, ""),
    ("pack 16-bit elements, 4 MiB", "pack", 4 * MIB, 1, ""),
    ("unpack 16-bit elements, 4 MiB", "unpack", 4 * MIB, 1, ""),
    ("seal one message a call: 16 B", "call.seal.aes256gcm", 16, 1, ""),
    ("seal one message a call: 1 KiB", "call.seal.aes256gcm", KIB, 1, ""),
    ("seal one message a call: 16 KiB", "call.seal.aes256gcm", 16 * KIB, 1, ""),
    ("seal one message a call: 64 KiB from memory", "call.seal.aes256gcm", 64 * KIB, 1, ""),
    ("open one message a call: 16 B", "call.open.aes256gcm", 16, 1, ""),
    ("open one message a call: 1 KiB", "call.open.aes256gcm", KIB, 1, ""),
    ("open one message a call: 16 KiB", "call.open.aes256gcm", 16 * KIB, 1, ""),
    ("open one message a call: 64 KiB from memory", "call.open.aes256gcm", 64 * KIB, 1, ""),
    ("a key set of one key, made and destroyed", "call.keys.aes256gcm", 32, 1, ""),
    ("a key set of 1,000 keys", "call.keys.aes256gcm", 32, 1000, ""),
    ("a seed set of one seed", "call.seeds", 32, 1, ""),
    ("a second context", "call.context", 1, 1, ""),
)


def load(name, part=""):
    path = FOLDER / f"{name}{'-' + part if part else ''}.json"
    return json.loads(path.read_text()) if path.exists() else None


def is_own(row):
    return row["impl"].startswith("parseal/")


def rows_of(report, operation, size, n):
    """The row of parseal's and those of its peers on the same data."""
    rows = [r for r in report["results"] if r["op"] == operation]
    if size is LARGE and rows:
        size = max(r["size"] for r in rows)
    return [r for r in rows if r["size"] == size and (n is None or r["n"] == n)]


def time_of(row):
    return row["ns"] if "ns" in row else 1 / row["gbps"]


def number(x):
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def in_words(ns):
    return f"{number(ns)} ns" if ns < 1e4 else f"{number(ns / 1e3)} us" if ns < 1e6 else f"{number(ns / 1e6)} ms"


def cell(reports, row):
    _, operation, size, n, part = row
    rows = [r for report in reports[part] for r in rows_of(report, operation, size, n)]
    own = [r for r in rows if is_own(r)]
    if not own:
        return "–"
    text = in_words(own[0]["ns"]) if operation.startswith("call.") else number(own[0]["gbps"])
    peers = [r for r in rows if not is_own(r)]
    if not peers:
        return text
    best = min(peers, key=time_of)
    return f"{text} ({time_of(best) / time_of(own[0]):.2f}, {best['impl']})"


def load_cells(report):
    """The worst of what parseal-bench load says: medians, 95th percentiles, and until the gain is back."""
    if report is None:
        return ["–"] * 3
    rows = report["results"]
    median = max(rows, key=lambda r: r["load"]["ratio"])
    p95 = max(rows, key=lambda r: r["load"]["ratio_p95"])
    back = [ms for r in rows for ms in r["back_ms"]]
    slowest = "–" if not back else "not within 2 s" if None in back else f"{max(back):.0f} ms"
    return [f"{median['load']['ratio']:.2f} ({median['op']})", f"{p95['load']['ratio_p95']:.2f} ({p95['op']})", slowest]


def column(name):
    main = load(name)
    reports = {"": [r for r in (main, load(name, "fcp"), load(name, "packed")) if r is not None]}
    reports["avx2"] = [r for r in (load(name, "avx2"),) if r is not None]
    machine = main["machine"]
    head = f"{name}: {machine['cpu'].strip()}, {machine['date'][:10]}"
    return [head] + [cell(reports, row) for row in ROWS] + load_cells(load(name, "load"))


def table():
    names = sorted(p.stem for p in FOLDER.glob("*.json") if not re.search(f"-({'|'.join(PARTS)})$", p.stem))
    texts = ["one thread, GB/s or time of a call (ratio to the best peer)"] + [row[0] for row in ROWS]
    texts += [f"beside busy processes, all threads over one: {what}" for what in ("median", "95th percentile")]
    texts += ["until the gain of all threads is back"]
    lines = [f"| {' | '.join(cells)} |\n" for cells in zip(texts, *(column(name) for name in names))]
    return lines[0] + "|---" * (len(names) + 1) + "|\n" + "".join(lines[1:])


def main():
    text = README.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    wanted = before + BEGIN + table() + END + after
    if sys.argv[1:] == ["--check"]:
        if text != wanted:
            sys.exit("README.md: the table is not that of the reports: bench/results/table.py writes it")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        README.write_text(wanted)


if __name__ == "__main__":
    main()
