#!/usr/bin/env bash
# Installs what is missing, builds Release into build/ (or PARSEAL_BUILD_FOLDER), and runs all tests but the longest.
#   tests/run.sh [--long] [ctest arguments]      --long: all tests
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=host/pkg/debian-setup.sh
. "$top/host/pkg/debian-setup.sh"

selection=(-LE '^long$')
if [ "${1-}" = --long ]; then
    selection=()
    shift
fi
folder=${PARSEAL_BUILD_FOLDER:-$top/build}

parseal_setup
parseal_setup_tests
build_release "$top" "$folder"
status=0
ctest --test-dir "$folder" --output-on-failure --parallel "$(nproc)" "${selection[@]}" "$@" || status=$?
say_left_out
exit "$status"
