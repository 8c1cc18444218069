#!/usr/bin/env bash
# Builds parseal for other processors with Debian's cross compilers and runs the tests under qemu-user.
#   tests/cross/run.sh [--configure] ARCH... [ctest arguments]      ARCH: aarch64, s390x (big-endian)
# Installs the cross compiler and qemu-user where they are missing (Debian, as root). The target's libraries go
# into build/ARCH/sysroot, from the packages of the Debian that this is. Builds what the tests need; with --configure
# it builds and tests nothing. Ends with what was left out; fails where a build, the self-test or a test fails.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=host/pkg/debian-setup.sh
. "$top/host/pkg/debian-setup.sh"
# shellcheck source=tests/needs.sh
. "$top/tests/needs.sh"

target_packages=(libc6-dev libsodium-dev libjansson-dev libcmocka-dev libssl-dev)

debian_architecture() {
    case $1 in
        aarch64) echo arm64 ;;
        *) echo "$1" ;;
    esac
}

# What the self-test must have run, as PRIMITIVE IMPLEMENTATION.
implementations() {
    case $1 in aarch64) printf '%s\n' 'aead armv8' 'mask neon' 'vec_sum neon' 'fcp armv8' ;; esac
    printf '%s portable\n' aead mask vec_sum quant pack fcp
}

missing_for() {
    has "$1-linux-gnu-gcc" || echo "gcc-$1-linux-gnu"
    has "qemu-$1" || echo qemu-user
}

# foreign_apt ARCH FOLDER arguments: apt-get for another architecture, with all that it knows and fetches in a
# folder of its own. It changes nothing else on this machine and needs no root.
foreign_apt() {
    local architecture folder=$2
    architecture=$(debian_architecture "$1")
    shift 2
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
    apt-get -qq -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" \
        -o "Dir::State=$folder" -o Dir::State::status=/dev/null -o "Dir::Cache=$folder/cache" \
        -o Debug::NoLocking=1 "$@"
}

# make_sysroot ARCH FOLDER: FOLDER/sysroot, unless it is there.
make_sysroot() {
    local arch=$1 apt=$2/apt sysroot=$2/sysroot package
    [ "$(cat "$sysroot/made-of" 2>/dev/null)" != "${target_packages[*]}" ] || return 0
    echo "cross: fetching the libraries for $arch into $sysroot"
    rm -rf "$apt" "$sysroot"
    if ! foreign_apt "$arch" "$apt" update ||
        ! foreign_apt "$arch" "$apt" install -y --no-install-recommends --download-only "${target_packages[@]}"; then
        echo "cross: could not fetch ${target_packages[*]} for $arch" >&2
        return 1
    fi
    mkdir -p "$sysroot/usr/lib"
    ln -s usr/lib "$sysroot/lib"
    for package in "$apt"/cache/archives/*.deb; do
        dpkg -x "$package" "$sysroot" || return 1
    done
    rm -rf "$apt"
    echo "${target_packages[*]}" >"$sysroot/made-of"
}

configure() {
    local arch=$1 folder=$2
    cmake -S "$top" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DPARSEAL_BUILD_TESTS=ON -DPARSEAL_WERROR=ON \
        -DCMAKE_TOOLCHAIN_FILE="$top/host/pkg/toolchains/$arch-linux-gnu.cmake" \
        -DPARSEAL_SYSROOT="$folder/sysroot"
}

# selftest ARCH FOLDER: it must pass, and must have run every implementation that is built for ARCH.
selftest() {
    local report expected
    report=$("qemu-$1" -L "$2/sysroot" "$2/host/cli/parseal" selftest) || {
        echo "$report"
        echo "cross: parseal selftest failed on $1" >&2
        return 1
    }
    echo "$report"
    while read -r expected; do
        if ! tr -s ' ' <<<"$report" | grep -q "^passed cpu $expected\$"; then
            echo "cross: parseal selftest did not run cpu $expected on $1" >&2
            return 1
        fi
    done < <(implementations "$1")
}

left_out=("the tests that start other programs (parseal, cmake, valgrind) or measure")

# prepare ARCH: all up to a configured build folder
prepare() {
    local arch=$1 folder="$top/build/$1" missing
    mapfile -t missing < <(missing_for "$arch")
    install_required "${missing[@]}" && make_sysroot "$arch" "$folder" && configure "$arch" "$folder"
}

# test_on ARCH [ctest arguments]
test_on() {
    local arch=$1 folder="$top/build/$1"
    shift
    prepare "$arch" && cmake --build "$folder" --parallel "$(nproc)" --target parseal_command &&
        build_for "$folder" "${not_native[@]}" "$@" && selftest "$arch" "$folder" &&
        ctest --test-dir "$folder" --output-on-failure --no-tests=error --parallel "$(nproc)" "${not_native[@]}" "$@"
}

only_configure=no
if [ "${1-}" = --configure ]; then
    only_configure=yes
    shift
fi
archs=()
while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do
    case $1 in
        aarch64 | s390x) archs+=("$1") ;;
        *)
            echo "$0: $1 is none of aarch64, s390x" >&2
            exit 2
            ;;
    esac
    shift
done
if [ ${#archs[@]} = 0 ]; then
    echo "usage: $0 [--configure] ARCH... [ctest arguments]; ARCH: aarch64, s390x" >&2
    exit 2
fi

parseal_setup
status=0
for arch in "${archs[@]}"; do
    if [ "$only_configure" = yes ]; then
        prepare "$arch" || status=1
    else
        test_on "$arch" "$@" || status=1
    fi
done
say_left_out
exit "$status"
