#!/usr/bin/env bash
# run.sh FOLDER PROGRAM [KERNEL...]: PROGRAM on the device that Oclgrind simulates, with its checks for races,
# uninitialised memory and wrong calls. FOLDER holds the libOpenCL.so.1 around Oclgrind's. Its report must be empty, or
# blame just the KERNELs. Exits with 77, "skipped", where there is no Oclgrind.
set -euo pipefail
folder=$1 program=$2
shift 2

runtime=
for candidate in /usr/lib/oclgrind /usr/lib/*/oclgrind /usr/lib /usr/lib64 /usr/local/lib; do
    if [ -e "$candidate/liboclgrind-rt.so" ]; then
        runtime=$candidate/liboclgrind-rt.so
        break
    fi
done
if [ -z "$runtime" ]; then
    echo "skipped: no Oclgrind (liboclgrind-rt.so)"
    exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH=$folder PARSEAL_TEST_LIBOPENCL=$runtime XDG_CACHE_HOME=$work
export OCLGRIND_DATA_RACES=1 OCLGRIND_UNINITIALIZED=1 OCLGRIND_CHECK_API=1 OCLGRIND_LOG=$work/report
# Its optimiser makes intrinsics that it does not know.
export OCLGRIND_BUILD_OPTIONS=-cl-opt-disable

status=0
"$program" || status=$?
touch "$work/report"
sed -n 's/^[[:space:]]*Kernel: *//p' "$work/report" | sort -u >"$work/blamed"
printf '%s\n' "$@" | sed '/^$/d' | sort -u >"$work/expected"
if [ "$status" != 0 ]; then exit 1; fi
if ! diff "$work/expected" "$work/blamed" || { [ $# = 0 ] && grep -q '[^[:space:]]' "$work/report"; }; then
    echo "Oclgrind reports:"
    head -n 100 "$work/report"
    exit 1
fi
