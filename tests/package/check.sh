#!/usr/bin/env bash
# One check of parseal as others build it. tests/package/CMakeLists.txt gives, in the environment: CC, CMAKE, and
# WORK (a folder for this check). Exit status 77: skipped.
#   check.sh runpath BUILD   no binary of a build folder takes libraries from the current directory
#   check.sh subproject      as a part of another project, in a unity build, with whole paths as folders
#   check.sh folders         what that build installs works in those folders
#   check.sh fast-math       flags that break the rules of IEEE 754 are refused
#   check.sh 32-bit          32-bit machines see no warning
#   check.sh nvcc            nvcc is fetched where that is asked for alone, and a build goes on where it fails
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "failed: $*" >&2; exit 1; }

# runpath_of FILE: its RPATH or RUNPATH, as [folders]; nothing where it has none or is no ELF file.
runpath_of() { { readelf -d "$1" 2>/dev/null || true; } | sed -n 's/.*(R[UN]*PATH).*\(\[.*\]\)/\1/p'; }

# binaries_of BUILD: what that build made, each followed by a zero; builds in folders below it are others.
binaries_of() {
    find "$1" -mindepth 1 -type d \( -name CMakeFiles -o -path "$1/tests/install" -o -path "$1/tests/package" \
        -o -exec test -e '{}/CMakeCache.txt' \; \) -prune -o -type f -perm -u+x ! -name '*.sh' -print0
}

check_runpath() {
    local build=$1 file runpath n=0
    while IFS= read -r -d '' file; do
        runpath=$(runpath_of "$file")
        case $runpath in
            '[:'* | *:']' | *::*) fail "$file has an empty element in its RUNPATH: $runpath" ;;
        esac
        n=$((n + 1))
    done < <(binaries_of "$build")
    [ "$n" -ge 2 ] || fail "only $n binaries under $build"
    # What the loader makes of it: a library beside the caller is not run.
    rm -rf "$WORK"
    mkdir -p "$WORK"
    echo '#include <unistd.h>
        __attribute__((constructor)) static void run(void) { _exit(9); }' |
        "$CC" -shared -fPIC -x c -o "$WORK/libjansson.so.4" -
    [ -x "$build/host/cli/parseal" ] || skip "built without the command; $n binaries are fine"
    (cd "$WORK" && "$build/host/cli/parseal" --version) || fail "a library of the current directory was loaded"
}

# configure FOLDER arguments: the project around parseal, without a build type, whose own it is.
configure() {
    local folder=$1
    shift
    "$CMAKE" -S "$here/subproject" -B "$folder" -DPARSEAL_SOURCE="$top" -DPARSEAL_CUDA=OFF -DPARSEAL_OPENCL=OFF \
        "-DCMAKE_C_COMPILER=$CC" "$@"
}

check_subproject() {
    rm -rf "$WORK"
    mkdir -p "$WORK/only-sodium"
    # Of its own accord it needs libsodium alone, and builds the library alone.
    cp "$(pkg-config --variable=pcfiledir libsodium)/libsodium.pc" "$WORK/only-sodium/"
    PKG_CONFIG_LIBDIR=$WORK/only-sodium configure "$WORK/plain"
    grep -q '^PARSEAL_BUILD_CLI:BOOL=OFF' "$WORK/plain/CMakeCache.txt" || fail "it builds its command"
    grep -q '^PARSEAL_BUILD_BENCH:BOOL=OFF' "$WORK/plain/CMakeCache.txt" || fail "it builds its bench"
    grep -q '^PARSEAL_BUILD_TESTS:BOOL=OFF' "$WORK/plain/CMakeCache.txt" || fail "it builds its tests"
    grep -q '^CMAKE_BUILD_TYPE:STRING=$' "$WORK/plain/CMakeCache.txt" || fail "it sets the build type"

    configure "$WORK/build" -DCMAKE_UNITY_BUILD=ON -DPARSEAL_BUILD_CLI=ON -DCMAKE_INSTALL_PREFIX="$WORK/out" \
        -DCMAKE_INSTALL_LIBDIR="$WORK/lib/lib" -DCMAKE_INSTALL_INCLUDEDIR="$WORK/dev/include"
    "$CMAKE" --build "$WORK/build" --parallel "$(nproc)"
    "$WORK/build/app"
    "$WORK/build/app_static"
    # The project's own files are compiled as it says, and not as parseal would.
    if grep '"command".*main\.c"' "$WORK/build/compile_commands.json" | grep subproject/main.c |
        grep -e -Wconversion -e -fstack-protector -e std=c11; then fail "parseal gives its flags to the project"; fi
}

# What Nix and Guix do: libraries, headers and programs in folders that have nothing in common.
check_folders() {
    local flags
    "$CMAKE" --install "$WORK/build"
    flags=$(PKG_CONFIG_PATH=$WORK/lib/lib/pkgconfig pkg-config --cflags --libs parseal)
    echo "pkg-config: $flags"
    # shellcheck disable=SC2086 # the flags are words
    "$CC" "$here/subproject/main.c" $flags -o "$WORK/main"
    LD_LIBRARY_PATH=$WORK/lib/lib "$WORK/main"
    "$WORK/out/bin/parseal" --version
    [ "$(runpath_of "$WORK/out/bin/parseal")" = "[$WORK/lib/lib]" ] || fail "RUNPATH of the command"
    ! grep -rqF -e "$WORK/build" -e "$top/host" -e "$top/fallback" "$WORK/out/bin" "$WORK/lib/lib" ||
        fail "installed files name the folder of the source or of the build"
}

check_fast_math() {
    local flag
    rm -rf "$WORK"
    mkdir -p "$WORK"
    for flag in -Ofast -ffast-math -funsafe-math-optimizations; do
        if "$CMAKE" -S "$top" -B "$WORK/build" -DCMAKE_C_FLAGS="-O2 $flag" "-DCMAKE_C_COMPILER=$CC" \
            >"$WORK/said" 2>&1; then fail "configured with $flag"; fi
        tr -s ' \n' ' ' <"$WORK/said" | grep -q -e "IEEE 754, which $flag lets the compiler break" ||
            fail "$(cat "$WORK/said")"
    done
    # Whoever compiles the files in another way is told by the compiler.
    for flag in -Ofast -ffast-math -ffinite-math-only; do
        if "$CC" -std=c11 $flag -fsyntax-only -I "$top" -I "$top/include" "$top/fallback/portable/quant_portable.c" \
            2>"$WORK/said"; then fail "compiled with $flag"; fi
        grep -q 'error.*IEEE 754' "$WORK/said" || fail "$(cat "$WORK/said")"
    done
    "$CC" -std=c11 -fsyntax-only -I "$top" -I "$top/include" "$top/fallback/portable/quant_portable.c"
}

# The sources that a 32-bit build would compile.
portable_sources() {
    local without=(! -path '*/x86/*' ! -path '*/arm/*' ! -path '*/cuda/*' ! -path '*/mpi/*' ! -path '*/python/*')
    [ -e /usr/include/CL/cl.h ] || without+=(! -path '*/opencl/*')
    find "$top/host" "$top/fallback" "$top/bench/cpu" -name '*.c' "${without[@]}" -print0
}

# Compilers for x86-64 know the 32-bit machine as well, and the C library's headers but for one, which lists nothing
# that is needed here: enough to see every warning, where nothing is linked.
check_32_bit() {
    local flags=(-m32 -std=c11 -fsyntax-only -isystem "$WORK" -isystem /usr/include/x86_64-linux-gnu
        -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 '-DPARSEAL_API=__attribute__((visibility("default")))')
    rm -rf "$WORK"
    mkdir -p "$WORK/gnu"
    : >"$WORK/gnu/stubs-32.h"
    printf '#include <%s.h>\n' stdio sodium jansson | "$CC" "${flags[@]}" -x c - 2>"$WORK/said" ||
        skip "$CC cannot compile for 32 bits here: $(head -n 1 "$WORK/said")"
    portable_sources | xargs -0 "$CC" "${flags[@]}" -I "$top" -I "$top/include" -Wall -Wextra -Wpedantic -Wshadow \
        -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wno-psabi -Werror
}

# configured_with FOLDER WHY arguments: configures, and looks for the reason why there are no kernels of CUDA.
configured_with() {
    local folder=$WORK/$1 why=$2
    shift 2
    rm -f "$WORK/asked"
    PATH=$WORK/bin:$PATH configure "$folder" -DPARSEAL_CUDA=ON -DPARSEAL_NVCC=OFF "$@" >"$WORK/said" 2>&1 ||
        fail "$(cat "$WORK/said")"
    grep -q -e "Without CUDA kernels: $why" "$WORK/said" || fail "not \"$why\": $(cat "$WORK/said")"
}

# A pip that notes that it was asked, and reaches nothing; then what the README's commands ask for.
check_nvcc() {
    rm -rf "$WORK"
    mkdir -p "$WORK/bin"
    cat >"$WORK/bin/python3" <<EOF
#!/bin/sh
[ "\$3" = --version ] || { echo "\$*" >>"$WORK/asked" && echo 'WARNING: nobody answers' >&2 && exit 1; }
EOF
    chmod +x "$WORK/bin/python3"
    configured_with offline "there is no nvcc, and pip could not fetch it" -DPARSEAL_FETCH_NVCC=ON
    [ -e "$WORK/asked" ] || fail "pip was not asked"
    grep -q 'WARNING: nobody answers' "$WORK/said" || fail "it does not say what pip says"
    grep -q 'Fetching nvcc .*PyPI, [0-9]* MB' "$WORK/said" || fail "it does not say what is fetched"
    grep -q licence "$WORK/said" || fail "it does not say under which licence"
    configured_with unasked "there is no nvcc; -DPARSEAL_FETCH_NVCC=ON would fetch it"
    [ ! -e "$WORK/asked" ] || fail "pip was asked, although nobody had asked for it"

    # shellcheck source=host/pkg/debian-setup.sh
    . "$top/host/pkg/debian-setup.sh"
    cmake() { :; } # build_release is to configure and build nothing here
    unset PARSEAL_CUDA PARSEAL_FETCH_NVCC PARSEAL_CUDA_ARCHITECTURES
    [ "$(cuda_options "$WORK" | xargs)" = "-DPARSEAL_FETCH_NVCC=ON -DPARSEAL_CUDA_ARCHITECTURES=native" ] ||
        fail "the commands of the README ask for $(cuda_options "$WORK")"
    [ -z "$(cuda_options "$WORK/unasked")" ] ||
        fail "they change what a build folder has: $(cuda_options "$WORK/unasked")"
    [ "$(PARSEAL_CUDA=OFF cuda_options "$WORK/unasked" | head -n 1)" = -DPARSEAL_CUDA=OFF ] ||
        fail "CUDA cannot be declined"
    build_release "$top" "$WORK/offline"
    say_left_out | grep -q '^left out: CUDA kernels (there is no nvcc, and pip' || fail "it is not said at the end"
}

case ${1-} in
runpath) check_runpath "$2" ;;
subproject) check_subproject ;;
folders) check_folders ;;
fast-math) check_fast_math ;;
32-bit) check_32_bit ;;
nvcc) check_nvcc ;;
*) fail "unknown check \"${1-}\"" ;;
esac
