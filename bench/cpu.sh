#!/usr/bin/env bash
# Records what a machine's CPU does, beside its peers, in bench/results/:
#   bench/cpu.sh NAME [parseal-bench options]
#     NAME            every operation, with the best that the machine has
#     NAME-vaes256, NAME-aesni, NAME-avx2, NAME-portable
#                     the same machine with fewer instruction sets. OpenSSL is held to the same: its
#                     AES-GCM uses no more than AES-NI before 3.1, and for avx2 AVX-512 is hidden from it.
#                     ipsec-mb and libsodium choose by themselves: their rows are no measure there.
#     NAME-threads    what is bound by computing, on all cores
#     NAME-server     a server's part of secure aggregation
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

# record SUFFIX FILTER arguments: one run, whose environment the caller has set.
record() {
    local to="$top/bench/results/$name$1" filter=$2
    shift 2
    "$top/build/bench/parseal-bench" --filter "$filter" --json "$to.json" "$@" | tee "$to.txt"
}

# AVX-512 F, DQ, IFMA, BW and VL: bits of CPUID leaf 7's EBX, the low half of OPENSSL_ia32cap's second word.
no_avx512=':~0xc0230000'

record "" "" --peers "$@"
record -threads mask. --threads 0 --peers "$@"
if [ "$(uname -m)" = x86_64 ]; then
    PARSEAL_CPU=vaes256 record -vaes256 aead. --peers "$@"
    PARSEAL_CPU=aesni record -aesni aead. --peers "$@"
    PARSEAL_CPU=avx2 OPENSSL_ia32cap=$no_avx512 record -avx2 mask. --peers "$@"
fi
PARSEAL_CPU=portable record -portable "" --quick "$@"
"$top/build/bench/parseal-bench" server | tee "$top/bench/results/$name-server.txt"
