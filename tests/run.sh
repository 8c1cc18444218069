#!/usr/bin/env bash
# Installs what is missing, builds Release into build/ (or PARSEAL_BUILD_FOLDER), and runs all tests but the longest.
#   tests/run.sh [--long] [ctest arguments]      --long: all tests
#   tests/run.sh --frameworks [--without-torch] [ctest arguments]
#                     the tests of the Python package alone, with NumPy, JAX and PyTorch in the build folder's frameworks/
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=host/pkg/debian-setup.sh
. "$top/host/pkg/debian-setup.sh"

selection=(-LE '^long$')
groups=()
case ${1-} in
    --long)
        selection=()
        shift
        ;;
    --frameworks)
        selection=(-L '^framework$')
        groups=(core jax torch)
        shift
        if [ "${1-}" = --without-torch ]; then
            groups=(core jax)
            shift
        fi
        ;;
esac
folder=${PARSEAL_BUILD_FOLDER:-$top/build}

parseal_setup
if [ "${#groups[@]}" -gt 0 ]; then
    # shellcheck source=tests/needs.sh
    . "$top/tests/needs.sh"
    parseal_setup_python
    "$top/tests/frameworks/venv.sh" "$folder/frameworks" "${groups[@]}"
    configure_release "$top" "$folder" -DPARSEAL_PYTHON=ON -DPython_EXECUTABLE="$folder/frameworks/bin/python"
    build_for "$folder" "${selection[@]}"
else
    parseal_setup_tests
    build_release "$top" "$folder"
fi
status=0
ctest --test-dir "$folder" --output-on-failure --parallel "$(nproc)" "${selection[@]}" "$@" || status=$?
say_left_out
exit "$status"
