#!/usr/bin/env bash
# A virtual environment of this machine's Python for the tests here, made once and kept.
#   tests/frameworks/venv.sh FOLDER GROUP...      core: NumPy, pytest, mypy and the like; jax; torch
# Only what is missing is fetched, and what it comes to is said before. What PyPI does not have, or does not answer, is
# left out: its tests then say that they are skipped.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$1
shift

fetch() {
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --only-binary :all: "$@"
}
has_module() { "$folder/bin/python" -c "import $1" 2>/dev/null; }

# group NAME MODULE SIZE COMMAND...: MODULE is what comes last.
group() {
    local name=$1 module=$2 size=$3
    shift 3
    ! has_module "$module" || return 0
    echo "frameworks: $name: fetching $size into $folder"
    "$@" || echo "frameworks: $name: PyPI has not given all of it; its tests will be skipped" >&2
}

fetch_core() {
    fetch numpy ml_dtypes mypy safetensors && { fetch tink || true; } && fetch pytest
}

# torch without triton and cusolver, which nothing here calls and which are a quarter of it.
fetch_torch() {
    local needs
    fetch --no-deps torch || return 1
    mapfile -t needs < <("$folder/bin/python" "$here/torch_needs.py")
    fetch "${needs[@]}" scikit-learn expecttest
}

[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
for name in "$@"; do
    case $name in
        core) group core pytest "42 MB (170 MB of disk)" fetch_core ;;
        jax) group jax jax "125 MB (470 MB of disk)" fetch jax ;;
        torch) group torch torch "2.4 GB (4.3 GB of disk)" fetch_torch ;;
        *) echo "usage: $0 FOLDER core|jax|torch..." >&2; exit 2 ;;
    esac
done
