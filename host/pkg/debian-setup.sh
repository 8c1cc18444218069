#!/usr/bin/env bash
# What building and testing parseal needs, from Debian's or Ubuntu's own packages. Installs only what
# is missing, as root or through sudo; where nothing is missing it touches no network.
#   host/pkg/debian-setup.sh        run: installs, and says what was left out
#   . host/pkg/debian-setup.sh      sourced: gives the functions; call parseal_setup
set -euo pipefail

left_out=()
apt_updated=no

has() { command -v "$1" >/dev/null 2>&1; }
has_library() { has pkg-config && pkg-config --exists "$1"; }

missing_required() {
    { has cc && has c++; } || echo g++
    has cmake || echo cmake
    has ninja || has make || echo ninja-build
    has pkg-config || echo pkg-config
    has_library libsodium || echo libsodium-dev
    has_library jansson || echo libjansson-dev
    has_library cmocka || echo libcmocka-dev
}

# The OpenCL backend is built where OpenCL's headers are.
missing_backends() {
    [ -e /usr/include/CL/cl.h ] || echo opencl-c-headers
}

# An OpenCL device on the CPU, for tests: any machine has one then.
missing_for_tests() {
    compgen -G '/usr/lib/*/libOpenCL.so.1' >/dev/null || echo ocl-icd-libopencl1
    compgen -G '/etc/OpenCL/vendors/*.icd' >/dev/null || echo pocl-opencl-icd
    has oclgrind || echo oclgrind
}

# Where there is no nvcc the build fetches it by pip; it goes on without where that fails, too, and says so.
has_nvcc() { has nvcc || [ -x "${CUDA_PATH:-/usr/local/cuda}/bin/nvcc" ]; }
missing_for_nvcc() {
    [ "${PARSEAL_CUDA:-ON}" = OFF ] || has_nvcc || python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
}

# Peers that the bench and some tests compare with.
missing_optional() {
    has_library libcrypto || echo libssl-dev
    [ "$(uname -m)" != x86_64 ] || [ -e /usr/include/intel-ipsec-mb.h ] || echo libipsec-mb-dev
}

can_install() { has apt-get && { [ "$(id -u)" = 0 ] || has sudo; }; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs apt-get quietly; when it fails, the end of what it said goes to stderr.
apt_quietly() {
    local log status=0
    log=$(mktemp)
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$log" 2>&1 || status=$?
    [ "$status" = 0 ] || tail -n 5 "$log" >&2
    rm -f "$log"
    return "$status"
}

# apt_install PACKAGE...: all of them, or a non-zero status.
apt_install() {
    if [ "$apt_updated" = no ]; then
        apt_updated=yes
        apt_quietly update || echo "setup: apt-get update failed; trying with the lists at hand" >&2
    fi
    apt_quietly install -y --no-install-recommends "$@"
}

install_required() {
    [ $# -gt 0 ] || return 0
    if ! can_install; then
        echo "setup: missing $*: install them (root, sudo or apt-get is not at hand here)" >&2
        return 1
    fi
    echo "setup: installing $*"
    if ! apt_install "$@"; then
        echo "setup: could not install $*" >&2
        return 1
    fi
}

install_optional() {
    local package
    for package in "$@"; do
        if ! can_install; then
            left_out+=("$package (missing, and no root, sudo or apt-get to install it)")
        elif apt_install "$package"; then
            echo "setup: installed $package"
        else
            left_out+=("$package (apt-get could not install it)")
        fi
    done
}

# The Python package is built against the headers of a Python that makes virtual environments.
missing_for_python() {
    has python3 || echo python3
    python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
    python3 -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null ||
        echo python3-dev
}

parseal_setup_python() {
    local required
    mapfile -t required < <(missing_for_python)
    install_required "${required[@]}"
}

parseal_setup() {
    local required optional
    mapfile -t required < <(missing_required)
    install_required "${required[@]}"
    mapfile -t optional < <(missing_backends && missing_optional && missing_for_nvcc)
    install_optional "${optional[@]}"
    # A build folder that exists keeps the generator it was made with.
    if has ninja; then export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}; fi
}

# What ./tests/run.sh adds to parseal_setup.
parseal_setup_tests() {
    local optional
    mapfile -t optional < <(missing_for_tests)
    install_optional "${optional[@]}"
}

say_left_out() {
    local text
    [ ${#left_out[@]} -gt 0 ] || return 0
    text=$(printf '; %s' "${left_out[@]}")
    echo "left out: ${text:2}"
}

# The component parseal_mpi is built where MPI is; nothing installs MPI for it but .ci/run.
mpi_option() {
    if has mpicc && has mpiexec; then echo ON; else echo OFF; fi
}

# cuda_options FOLDER: CUDA kernels for this machine, by an nvcc that is fetched where there is none, unless the build
# folder or a variable of the environment says otherwise: PARSEAL_CUDA=OFF or PARSEAL_CUDA_ARCHITECTURES="80;90".
cuda_options() {
    local default name
    for default in PARSEAL_CUDA= PARSEAL_FETCH_NVCC=ON PARSEAL_CUDA_ARCHITECTURES=native; do
        name=${default%%=*}
        if [ -n "${!name-}" ]; then
            echo "-D$name=${!name}"
        elif [ -n "${default#*=}" ] && ! grep -q "^$name:" "$1/CMakeCache.txt" 2>/dev/null; then
            echo "-D$default"
        fi
    done
}

# configure_release TOP FOLDER [cmake arguments]: Release in FOLDER.
configure_release() {
    local top=$1 folder=$2 options why
    shift 2
    mapfile -t options < <(cuda_options "$folder")
    cmake -S "$top" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DPARSEAL_BUILD_TESTS=ON \
        -DPARSEAL_MPI="$(mpi_option)" "${options[@]}" "$@"
    if grep -q '^PARSEAL_CUDA:BOOL=ON' "$folder/CMakeCache.txt"; then
        why=$(sed -n 's/^PARSEAL_WITHOUT_KERNELS:INTERNAL=//p' "$folder/CMakeCache.txt")
        [ -z "$why" ] || left_out+=("CUDA kernels ($why)")
    fi
}

# build_release TOP FOLDER [cmake --build arguments]
build_release() {
    local top=$1 folder=$2
    shift 2
    configure_release "$top" "$folder"
    cmake --build "$folder" --parallel "$(nproc)" "$@"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    parseal_setup
    say_left_out
fi
