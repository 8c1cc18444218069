#!/usr/bin/env bash
# Installs what is missing, builds Release into build/, and runs all tests. Arguments go to ctest.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=host/pkg/debian-setup.sh
. "$top/host/pkg/debian-setup.sh"

parseal_setup
parseal_setup_tests
build_release "$top"
status=0
ctest --test-dir "$top/build" --output-on-failure "$@" || status=$?
say_left_out
exit "$status"
