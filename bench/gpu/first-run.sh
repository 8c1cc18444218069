#!/usr/bin/env bash
# What is done first on a GPU that parseal has never met, on a machine that has little more than its driver: every
# kernel at its smallest, known answers, sanitizers, all tests, all rows of the bench, profiles of the kernels that
# decide, PyTorch's streams, and what is left of the time.
#   OUT=FOLDER BUDGET=SECONDS bench/gpu/first-run.sh [options] BUNDLE
#     BUNDLE             what `bench/gpu.sh --bundle` made, as a folder or a .tar.gz; a build folder will do, too
#     --tests REGEX      only tests whose name matches (default: all)
#     --filter TEXT      only rows of parseal-bench-device whose name contains TEXT
#     --size-divisor N   all sizes of the bench divided by N: to see that it runs
#     --patience N       all limits times N, for a device that is emulated
#   OUT (default: parseal-first-run) gets 8 files at most, each as it comes; it must have none of another run.
#   BUDGET (default: 400) bounds the whole; each step has a limit of its own besides.
#   PARSEAL_CUDA_DEVICE chooses the device. No setting of the card is touched.
#
# BUNDLE may also have:
#   alt/ROWS-NAME/       parseal-bench-device and libparseal.so.0 of another build: the rows whose names contain ROWS
#                        are run with each
#   bench/gpu/rates      measures the rates of the device's pipes (target parseal_gpu_rates, nvcc 13.3 or later)
#
# Needs bash, coreutils, findutils, grep, sed, awk and the driver. What it uses if it is there, and otherwise reports
# as skipped: nvidia-smi, nvcc, compute-sanitizer, ncu, python3, PyTorch.
#
# Test, row and kernel names are the bundle's own: tests/gpu-tests.txt, `parseal-bench-device --list`, and the kernels
# that the bench's rows turn out to spend their time in.
#
# Exit status: 0 every step was fine, or skipped as something is not there; 1 a step failed, or had no time left:
# summary.txt has a line for each; 2 a wrong command line; 77 there is no NVIDIA driver or no GPU.
set -u
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=bench/gpu/places.sh
. "$scripts/places.sh"

usage() {
    echo "first-run.sh: $1; see the head of $0" >&2
    exit 2
}

number() {
    [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || usage "$1: \"$2\" is not a whole number from 1 to 999999"
}

# ---------------------------------------------------------------------------------------------- what was asked for --

bundle='' tests='' filter='' divisor=1 patience=1
out=${OUT:-parseal-first-run}
budget=${BUDGET:-400}
while [ $# -gt 0 ]; do
    case $1 in
    --tests | --filter | --size-divisor | --patience)
        [ $# -gt 1 ] || usage "$1 needs a value"
        ;;&
    --tests) tests=$2 && shift 2 ;;
    --filter) filter=$2 && shift 2 ;;
    --size-divisor) number "$1" "$2" && divisor=$2 && shift 2 ;;
    --patience) number "$1" "$2" && patience=$2 && shift 2 ;;
    -*) usage "$1: no option like this" ;;
    *)
        [ -z "$bundle" ] || usage "more than one bundle"
        bundle=$1 && shift
        ;;
    esac
done
[ -e "$bundle" ] || usage "there is no bundle \"$bundle\""
number BUDGET "$budget"
[ ! -e "$out/summary.txt" ] || usage "$out has the files of another run"
budget=$((budget * patience))

work=$(mktemp -d)
logger=''
clean_up() {
    [ -z "$logger" ] || kill "$logger" 2>/dev/null
    rm -rf "$work"
}
trap clean_up EXIT
SECONDS=0

if [ ! -d "$bundle" ]; then
    mkdir "$work/bundle"
    tar xf "$bundle" -C "$work/bundle" || usage "$bundle cannot be unpacked"
    found=$(find "$work/bundle" -path '*/tests/gpu-tests.txt' | head -n 1)
    bundle=${found%/tests/gpu-tests.txt}
fi
bench=$bundle/bench/parseal-bench-device
for needed in bench/parseal-bench-device tests/gpu-tests.txt; do
    [ -e "$bundle/$needed" ] || usage "the bundle has no $needed"
done
mkdir -p "$out/report" "$work/tests" || usage "$out: no folder for what is found"
bundle=$(cd "$bundle" && pwd)
out=$(cd "$out" && pwd)
bench=$bundle/bench/parseal-bench-device
cli=$bundle/host/cli/parseal

# What is not parseal's gets the folders of drivers alone: libraries of the bundle are not for it.
plain=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$driver_folders
export LD_LIBRARY_PATH=$bundle:$bundle/bench/needs:$plain
export XDG_CACHE_HOME=$work/cache OMP_WAIT_POLICY=passive
unset PARSEAL_BACKEND PARSEAL_CPU

# ------------------------------------------------------------------------------------- the build's own names, tools --

# The tests are those that know the answers, those of memory that does not fit, which come last, and all others.
names=$(cut -f 1 "$bundle/tests/gpu-tests.txt" | grep -E -- "$tests")
[ -n "$names" ] || usage "no test's name matches $tests"
mapfile -t answers < <(grep '\.kat\.' <<<"$names")
mapfile -t budgets < <(grep 'budget' <<<"$names")
mapfile -t others < <(grep -v -e '\.kat\.' -e budget <<<"$names" | grep .)
# A context's own known answers run every kernel; tests of GCM come to the kernels for long messages besides.
long=$(printf '%s\n' "${answers[@]}" | grep -m 1 gcm)
short=${answers[0]:-${others[0]:-}}
long=${long:-$short}

# Rows go by families: the words before the first dot.
mapfile -t rows < <("$bench" --list --filter "$filter")
[ "${#rows[@]}" -gt 0 ] || usage "parseal-bench-device lists no row whose name contains \"$filter\""
mapfile -t families < <(printf '%s\n' "${rows[@]}" | cut -d . -f 1 | awk '!seen[$0]++')

# tool NAME PLACE...: prints where the tool is, or nothing
tool() {
    local place
    command -v "$1" && return
    for place in "${@:2}"; do
        [ ! -x "$place" ] || { echo "$place" && return; }
    done
}
sanitizer=$(tool compute-sanitizer /usr/local/cuda/bin/compute-sanitizer)
profiler=$(tool ncu /usr/local/cuda/bin/ncu /opt/nvidia/nsight-compute/*/ncu)
smi=$(tool nvidia-smi)
python=$(tool python3)
[ -z "$python" ] || "$python" -c 'import ctypes' 2>/dev/null || python=''

# ------------------------------------------------------------------------------------------------------------ steps --

NOT_RUN=125
reserve=$((budget * 2 / 5)) # seconds that nothing before the bench may take
failed=0

say() {
    echo "$*" | tee -a "$out/summary.txt"
}

skip() {
    say "skipped $1: $2"
}

# step NAME LIMIT FILE command...: a line in the summary, its output in FILE; its status, or NOT_RUN.
step() {
    local name=$1 limit=$(($2 * patience)) file=$out/$3 left=$((budget - reserve - SECONDS)) begin=$SECONDS rc=0
    local outcome=fine last before
    shift 3
    if [ "$left" -lt 8 ]; then
        failed=$((failed + 1))
        say "not run $name: no time left"
        return "$NOT_RUN"
    fi
    echo "==== $name: $*" >>"$file"
    before=$(wc -c <"$file")
    timeout -k 3 $((limit < left ? limit : left)) "$@" >>"$file" 2>&1 || rc=$?
    case $rc in
    0) ;;
    77) outcome=skipped ;;
    124 | 137) outcome=FAILED,\ too\ long && failed=$((failed + 1)) ;;
    *) outcome=FAILED && failed=$((failed + 1)) ;;
    esac
    last=$(tail -c +$((before + 1)) "$file" | tail -n 3 | tr -d '\r' | grep -v '^ *$' | tail -n 1)
    say "$(printf '%3d s + %3d s  rc %-3s %-8s %-22s %.110s' "$begin" $((SECONDS - begin)) "$rc" "$outcome" "$name" \
        "$last")"
    return "$rc"
}

# test_step NAME LIMIT: runs a test of the list as a step
test_step() {
    local rc=0
    step "${1#cuda.}" "$2" tests.txt "$scripts/run-test.sh" "$bundle" "$1" || rc=$?
    echo "$1 rc $rc" >>"$work/results"
}

# Shows this machine. The status is that of the library: 77 where it finds no GPU.
probe() {
    uname -a
    nproc
    grep -E 'MemTotal|MemAvailable' /proc/meminfo
    ldd --version | head -n 1
    if [ -n "$smi" ]; then
        "$smi"
        "$smi" -q -d CLOCK,POWER,PERFORMANCE,ECC,MEMORY | grep -vE '^ *$|N/A'
    fi
    ! command -v nvcc >/dev/null || nvcc --version | tail -n 2
    ls -d /usr/local/nvidia/lib*/libcuda.so.1 /usr/lib64-nvidia/libcuda.so.1 /usr/lib/wsl/lib/libcuda.so.1 2>/dev/null
    { ldconfig -p || /sbin/ldconfig -p; } | grep libcuda.so.1
    "$bench" --probe
}

# one_test NAME: its result, and its log if it failed, of a very long one the end. What it runs stays in the group of
# processes that the step's own limit ends.
one_test() {
    local rc=0
    timeout --foreground -k 3 $((60 * patience)) "$scripts/run-test.sh" "$bundle" "$1" >"$work/tests/$1" 2>&1 || rc=$?
    echo "$1 rc $rc" >>"$work/results"
    if [ "$rc" = 0 ] || [ "$rc" = 77 ]; then
        echo "$1 rc $rc"
        return
    fi
    # It is printed in one piece, as others print, too.
    printf '%s rc %s\n%s\n' "$1" "$rc" "$(tail -c 65536 "$work/tests/$1")"
    return 1
}

# Runs eight at once. The status is not 0 if any failed.
all_tests() {
    # shellcheck disable=SC2016 # the inner shell is what expands it
    printf '%s\0' "$@" | xargs -0 -P 8 -I{} bash -c 'one_test "$1"' one_test {}
}

# profile ROW KERNEL: every launch configuration of it once; the widest is the row's. Metrics differ between devices:
# without those of shared memory if need be.
profile() {
    local how=(--clock-control none --cache-control none --filter-mode per-launch-config --launch-count 1 -k "$2")
    local run=("$bench" --quick --size-divisor $((16 * divisor)) --filter "$1") section
    local conflicts=l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum,l1tex__data_pipe_lsu_wavefronts.sum
    for section in SpeedOfLight ComputeWorkloadAnalysis WarpStateStats LaunchStats; do
        how+=(--section "$section")
    done
    "$profiler" "${how[@]}" --metrics "$conflicts" "${run[@]}" || "$profiler" "${how[@]}" "${run[@]}"
}

# The kernel that takes the most time of each row in FILE, the bench's table, as "ROW KERNEL": the first row of each
# family, and each kernel once.
deciding_kernels() {
    printf '%s\n' "${rows[@]}" | awk '
        NR == FNR { known[$1] = 1; next }
        !($1 in known) { next }
        {
            most = 0
            for (i = 2; i + 2 <= NF; i++)
                if ($(i + 2) == "ms" && $(i + 1) + 0 > most) { most = $(i + 1) + 0; kernel = $i }
            split($1, word, ".")
            if (most > 0 && !(word[1] in families) && !(kernel in kernels)) print $1, kernel
            if (most > 0) { families[word[1]] = 1; kernels[kernel] = 1 }
        }' - "$1"
}

# The tests so far as the bench's report wants them: "passed|skipped|failed NAME [reason]"
results_as_lines() {
    sed -E "s/^(.*) rc 0$/passed \1/; s/^(.*) rc 77$/skipped \1/; s/^(.*) rc $NOT_RUN$/failed \1 no time was left/
        s/^([^ ]*) rc ([0-9]+)$/failed \1 status \2/" "$work/results"
}

export -f probe one_test all_tests profile
export bundle bench work scripts patience divisor smi profiler
touch "$work/results" "$work/clocks"

# 1 This machine, and the smallest work of each kernel: a failure here names the kernel.
rc=0
step probe 25 log.txt bash -c probe || rc=$?
if [ "$rc" = 77 ]; then
    say "no NVIDIA driver, or no GPU"
    exit 77
fi
if [ -x "$cli" ]; then
    # Asked for by name: nothing else may be picked in its place.
    step primitives 45 log.txt env PARSEAL_BACKEND=cuda "$cli" devices
else
    skip primitives "the bundle has no command"
fi
small=fine
for family in "${families[@]}"; do
    step "small $family" 15 log.txt "$bench" --quick --size-divisor $((divisor > 4000 ? divisor : 4000)) \
        --filter "$family" || small=failed
done
for name in "${answers[@]}"; do
    test_step "$name" 20
done
if [ -x "$bundle/bench/gpu/rates" ]; then
    step rates 20 log.txt "$bundle/bench/gpu/rates"
else
    skip rates "the bundle has none (target parseal_gpu_rates)"
fi

# 2 Races and bad addresses, only on known answers.
checked() { # NAME LIMIT TEST option...
    local options=(--tool "$1" --print-limit 10 --error-exitcode 9 "${@:4}")
    if [ -z "$sanitizer" ]; then
        skip "$1" "no compute-sanitizer"
    elif [ -z "$3" ]; then
        skip "$1" "no test was asked for"
    else
        step "$1" "$2" sanitizer.txt "$scripts/run-test.sh" "$bundle" "$3" "$sanitizer" "${options[@]}"
    fi
}
checked memcheck 45 "$long" --report-api-errors no
checked racecheck 45 "$long"
checked synccheck 45 "$long"
checked initcheck 25 "$short"

# 3 The tests that the emulator runs, side by side.
if [ "${#others[@]}" -gt 0 ]; then
    step tests 75 tests.txt bash -c 'all_tests "$@"' all_tests "${others[@]}"
else
    skip tests "none was asked for"
fi
# Tests that the step had no time for are noted as not run.
for name in "${others[@]}"; do
    grep -q "^${name//./\\.} rc " "$work/results" || echo "$name rc $NOT_RUN" >>"$work/results"
done
results_as_lines >"$work/tests.lines"

# 4 The rows, in the table's order: copies, AES, GHASH, whole messages, masks, sums; the report grows with each.
reserve=0
if [ -n "$smi" ]; then
    columns=timestamp,name,driver_version,pstate,clocks.sm,clocks.max.sm,clocks.mem,clocks.max.mem,power.draw
    columns+=,temperature.gpu,pcie.link.gen.current,pcie.link.width.current
    "$smi" --query-gpu="$columns" --format=csv -l 2 >"$work/clocks" 2>/dev/null &
    logger=$!
fi
quick=()
[ "$divisor" = 1 ] || quick=(--quick --size-divisor "$divisor")
step bench 150 bench.txt "$bench" "${quick[@]}" --filter "$filter" --folder "$out/report" \
    --commit "$(cat "$bundle/bench/commit.txt")" --tests "$work/tests.lines" --clocks "$work/clocks"
for other in "$bundle"/alt/*/; do
    name=$(basename "$other")
    [ -x "$other/parseal-bench-device" ] || continue
    step "alt $name" 20 bench.txt env LD_LIBRARY_PATH="$other:$LD_LIBRARY_PATH" "$other/parseal-bench-device" \
        "${quick[@]}" --filter "${name%%-*}"
done
[ -z "$logger" ] || kill "$logger" 2>/dev/null
logger=''
cat "$work/clocks" >>"$out/log.txt"

# 5 Profiles of the four kernels that decide, which say what they wait for.
touch "$out/bench.txt"
mapfile -t deciding < <(deciding_kernels "$out/bench.txt" | head -n 4)
if [ -z "$profiler" ]; then
    skip "profiles of ${deciding[*]:-kernels}" "no ncu"
elif [ "${#deciding[@]}" = 0 ]; then
    failed=$((failed + 1))
    say "not run profiles: no row of the bench has told the time of a kernel"
else
    for pair in "${deciding[@]}"; do
        step "ncu ${pair#* }" 25 ncu.txt bash -c 'profile "$@"' profile "${pair% *}" "${pair#* }"
    done
fi

if [ -n "$python" ]; then
    step frameworks.host 20 log.txt env LD_LIBRARY_PATH="$plain" "$python" "$scripts/frameworks.py" "$bundle" --host
    step frameworks 45 log.txt env LD_LIBRARY_PATH="$plain" "$python" "$scripts/frameworks.py" "$bundle"
else
    skip frameworks "no python3 with ctypes"
fi

# 6 What is left: no machine code for this device, as if the driver had to compile the PTX; and tests of memory that
# does not fit.
step jit 40 log.txt env CUDA_FORCE_PTX_JIT=1 CUDA_CACHE_DISABLE=1 "$bench" --probe
for name in "${budgets[@]}"; do
    test_step "$name" 40
done

wrong=$(grep -cvE ' rc (0|77)$' "$work/results")
say "== $SECONDS s; small rows $small; $wrong tests failed or not run; $failed steps failed or not run"
printf '%s\n' "${rows[@]}" | awk 'NR == FNR { known[$1]; next } $1 in known' - "$out/bench.txt" | cut -c 1-170
[ "$failed" = 0 ] || exit 1
