#!/usr/bin/env bash
# clang-tidy (version 14, .clang-tidy) over the C sources of host/, fallback/ and bench/, as they are compiled here.
#   tests/lint.sh [--quarter N | FILE...]      --quarter: every fourth of the files, from the Nth on
# Needs clang-tidy, and what the library, its MPI component and Python's module need. The files for aarch64 need build/aarch64/sysroot,
# which tests/cross/run.sh fills; without it they are left out, and it says so.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$top"
folder=build/lint
sysroot=build/aarch64/sysroot

# A file is compiled for the library, for tests and for programs; one of them is enough.
first_commands() {
    awk '/^{/ { entry = "" } { entry = entry $0 "\n" } /^  "file":/ { file = $2 }
         /^}/ && !seen[file]++ { sub(/},?\n$/, "}", entry); printf "%s\n%s", n++ ? "," : "[", entry }
         END { print "\n]" }' "$1"
}

configure() {
    cmake -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DPARSEAL_MPI=ON -DPARSEAL_PYTHON=ON \
        -DPARSEAL_CUDA_ARCHITECTURES=90 -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >"$folder/configure.txt" || return 1
    first_commands "$folder/compile_commands.json" >"$folder/first/compile_commands.json"
}

# tidy FILE: prints what is found, and nothing where all is well.
tidy() {
    local said arguments=(-p "$folder/first" --quiet)
    case $1 in fallback/arm/*)
        arguments+=(--extra-arg={--target=aarch64-linux-gnu,-march=armv8-a+crypto,--sysroot="$top/$sysroot"})
        ;;
    esac
    said=$(clang-tidy "${arguments[@]}" "$1" 2>&1) && return
    printf '%s: clang-tidy\n%s\n' "$1" "$said"
    return 1
}

# A mistake that must be found: with a configuration that cannot be read, clang-tidy finds nothing.
finds_mistakes() {
    echo 'int f(int n); int f(int n) { int x; if (n > 0) x = 1; else x = 1; return x; }' >"$folder/mistake.c"
    if clang-tidy --quiet "$folder/mistake.c" -- >"$folder/mistake.txt" 2>&1 ||
        ! grep -q bugprone-branch-clone "$folder/mistake.txt"; then
        echo "lint: clang-tidy does not find the mistake of $folder/mistake.c" >&2
        return 1
    fi
}

# selected [--quarter N | FILE...]
selected() {
    case ${1-} in
        --quarter) find host fallback bench -name '*.c' | LC_ALL=C sort | awk -v n="$2" 'NR % 4 == n % 4' ;;
        "") find host fallback bench -name '*.c' | LC_ALL=C sort ;;
        *) printf '%s\n' "$@" ;;
    esac
}

if [ "${1-}" = --one ]; then
    tidy "$2"
    exit
fi
mkdir -p "$folder/first"
configure
finds_mistakes
mapfile -t files < <(selected "$@")
if ! [ -d "$sysroot" ]; then
    mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -v '^fallback/arm/')
    echo "lint: without $sysroot, fallback/arm/ is left out"
fi
[ "${#files[@]}" -gt 0 ] || exit 1
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "${PARSEAL_LINT_JOBS:-$(nproc)}" "$0" --one
echo "lint: ${#files[@]} files, nothing found"
