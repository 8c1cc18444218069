#!/usr/bin/env bash
# Installs what is missing, builds Release into build/, runs one federated round and a short benchmark.
# Arguments go to `parseal round`.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=host/pkg/debian-setup.sh
. "$top/host/pkg/debian-setup.sh"

parseal_setup
build_release "$top" "$top/build" --target parseal_command parseal-bench
"$top/build/host/cli/parseal" round "$@"
echo
"$top/build/bench/parseal-bench" --quick --peers
say_left_out
