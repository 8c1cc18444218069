#!/usr/bin/env bash
# check-busy.sh PARSEAL_BENCH: its busy processes are gone when parseal-bench load has ended, and also when it was
# killed while they ran. All of them are in its process group; one that only waits to be collected is gone.
set -euo pipefail

[ -r /proc/self/stat ] || {
    echo "no /proc here to find processes in"
    exit 77
}

# members GROUP: how many processes of the group run
members() {
    local stat line fields n=0
    for stat in /proc/[0-9]*/stat; do
        { IFS= read -r line <"$stat"; } 2>/dev/null || continue
        read -r -a fields <<<"${line##*) }" # state, parent, group
        [ "${fields[2]}" != "$1" ] || [ "${fields[0]}" = Z ] || n=$((n + 1))
    done
    echo "$n"
}

set -m # Each job is a process group of its own.
"$1" load --ms 5 --size-divisor 1000 --processes 3 --filter mask.add >/dev/null &
group=$!
wait "$group"
left=$(members "$group")
[ "$left" = 0 ] || {
    echo "$left processes left after the end"
    exit 1
}

# It has three dozen times when they run, of which one must be seen; ctest's time limit ends the last loop.
"$1" load --ms 600 --size-divisor 1000 --processes 3 >/dev/null &
group=$!
until [ "$(members "$group")" = 4 ]; do
    kill -0 "$group" || exit 1
done
kill -KILL "$group"
wait "$group" 2>/dev/null || true
until [ "$(members "$group")" = 0 ]; do
    sleep 0.05
done
echo "gone after the end, and after a kill"
