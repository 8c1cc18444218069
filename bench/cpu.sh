#!/usr/bin/env bash
# Records what a machine's CPU does, beside its peers, in bench/results/:
#   bench/cpu.sh NAME [parseal-bench options of the runs with peers]
#     NAME            every operation and single calls, with the best that the machine has
#     NAME-avx2, NAME-vaes256, NAME-aesni, NAME-portable
#                     the same machine with fewer instruction sets. OpenSSL is held to the same: its
#                     AES-GCM uses no more than AES-NI before 3.1, and for avx2 AVX-512 is hidden from it.
#                     ipsec-mb and libsodium choose by themselves: their rows are no measure there.
#     NAME-threads    masks, which computing bounds, on all cores
#     NAME-load       all threads beside one, on a machine that is busy besides
#     NAME-server     a server's part of secure aggregation
# Where the system's OpenSSL is older than 3.5, that of Debian 13 is unpacked in build/ and measured beside it.
# Builds Release into build/ first. Let nothing else run: it takes some ten minutes.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=host/pkg/debian-setup.sh
. "$top/host/pkg/debian-setup.sh"

[ $# -gt 0 ] || {
    echo "usage: $0 NAME [parseal-bench options]" >&2
    exit 2
}
name=$1
shift
parseal_setup
build_release "$top" "$top/build" --target parseal-bench
results="$top/bench/results" bench=("$top/build/bench/parseal-bench") newer=()

# OpenSSL 3.5, where it can be had: `newer` is the option that names it, and `bench` starts with what it needs.
add_openssl() {
    local folder="$top/build/openssl-3.5"
    if pkg-config --exists 'libcrypto >= 3.5'; then
        return
    elif "$top/bench/peers/openssl-3.5.sh" "$folder"; then
        bench=("$folder/run" "${bench[@]}")
        newer=(--libcrypto "$folder/libcrypto.so.3")
    else
        left_out+=("OpenSSL 3.5 (Debian 13's package could not be unpacked)")
    fi
}

# record SUFFIX FILTER arguments: one run, whose environment the caller has set.
record() {
    local to="$results/$name$1" filter=$2
    shift 2
    "${bench[@]}" --backend cpu --filter "$filter" --json "$to.json" "$@" | tee "$to.txt"
}

# AVX-512 F, DQ, IFMA, BW and VL: bits of CPUID leaf 7's EBX, the low half of OPENSSL_ia32cap's second word.
no_avx512=':~0xc0230000'

add_openssl
record "" "" --min-runs 5 --peers "${newer[@]}" "$@"
record -threads mask. --min-runs 3 --threads 0 --peers "$@"
if [ "$(uname -m)" = x86_64 ]; then
    PARSEAL_CPU=avx2 OPENSSL_ia32cap=$no_avx512 record -avx2 mask. --min-runs 5 --peers "${newer[@]}" "$@"
    PARSEAL_CPU=vaes256 record -vaes256 aead. --min-runs 3 --max-seconds 8 --peers "$@"
    PARSEAL_CPU=aesni record -aesni aead. --min-runs 3 --max-seconds 8 --peers "$@"
fi
PARSEAL_CPU=portable record -portable "" --quick --min-runs 3 --max-seconds 8
"${bench[@]}" load --json "$results/$name-load.json" | tee "$results/$name-load.txt"
"${bench[@]}" server --seconds 1 | tee "$results/$name-server.txt"
say_left_out
