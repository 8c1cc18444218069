#!/usr/bin/env bash
# check-chroot.sh BUILD DRIVER FOLDER [first-run.sh's arguments]
# Makes a bundle, and runs both scripts of it on a machine that has nothing but what they say that they need: a root
# folder with the C library, bash, a few small programs and Python, and the driver DRIVER, of an emulated GPU, where
# containers have it. Without further arguments it takes few tests and small rows. Exit status 77: skipped.
set -euo pipefail
build=$(cd "$1" && pwd) driver=$2 folder=$3
shift 3
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
[ $# -gt 0 ] ||
    set -- --tests '^cuda\.kat\.(chacha20|fcp_packed)$' --filter aes256ctr --size-divisor 30000 --patience 20

skip() { echo "skipped: $*" && exit 77; }
fail() { echo "failed: $*" >&2 && exit 1; }

# In a name space of its own, so that nothing stays mounted.
if [ "$(id -u)" != 0 ] || ! unshare --mount true 2>/dev/null; then
    skip "chroot needs root and a name space for mounts"
fi

rm -rf "$folder"
mkdir -p "$folder/root"/{proc,dev,tmp,etc}
root=$(cd "$folder/root" && pwd)

# put FILE...: the files, at the same places in the root folder, with the libraries that they need.
put() {
    local file library
    for file in "$@"; do
        mkdir -p "$root/${file%/*}"
        cp -L "$file" "$root/$file"
        while read -r library; do
            [ -e "$root/$library" ] || { mkdir -p "$root/${library%/*}" && cp -L "$library" "$root/$library"; }
        done < <(ldd "$file" 2>/dev/null | grep -o '/[^ ]*')
    done
}

# put_python: the interpreter, and the modules that frameworks.py takes.
put_python() {
    local files
    mapfile -t files < <(python3 -c '
import ctypes, glob, os, re, subprocess, sys, sysconfig
files = {getattr(module, "__file__", None) for module in sys.modules.values()} - {None}
print(os.path.realpath(sys.executable), os.__file__, *files, sep="\n")')
    [ "${#files[@]}" -gt 2 ] || skip "there is no python3 with ctypes"
    put "${files[@]}"
    mkdir -p "$root/$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')/lib-dynload" "$root/usr/bin"
    ln -s "${files[0]}" "$root/usr/bin/python3"
}

programs=(bash sh awk basename cat cp cut date dirname env find getconf grep gzip head ldd ls mkdir mktemp nproc rm sed
    seq sort tail tar tee timeout touch tr uname wc xargs)
for program in "${programs[@]}"; do
    put "$(type -P "$program")"
done
put_python
# The driver's own needs are beside it, and nothing else is there that the bundle could lean on.
mkdir -p "$root/usr/local/nvidia/lib64"
cp -L "$driver" "$root/usr/local/nvidia/lib64/libcuda.so.1"
ldd "$driver" | grep -o '/[^ ]*\(stdc++\|gcc_s\)[^ ]*' | xargs cp -L -t "$root/usr/local/nvidia/lib64"

"$top/bench/gpu.sh" --bundle "$folder/bundle" "$build"
tar czf "$root/bundle.tar.gz" -C "$folder" bundle
rm -rf "$folder/bundle"
echo "packed: $(wc -c <"$root/bundle.tar.gz") bytes"

# there COMMAND...: runs it in the root folder.
there() {
    # shellcheck disable=SC2016 # the inner shell is what expands it
    unshare --mount sh -c 'root=$1 && shift && mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" &&
        exec chroot "$root" "$@"' there "$root" \
        "$(type -P env)" -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/tmp PARSEAL_TEST_EMULATED=1 "$@"
}

there tar xzf /bundle.tar.gz
there OUT=/found BUDGET=2000 /bundle/bench/gpu/first-run.sh "$@" /bundle.tar.gz || fail "first-run.sh"
for step in probe primitives frameworks.host bench jit; do
    grep -q "rc 0 *fine *$step " "$root/found/summary.txt" || fail "$step was not fine"
done
# Without a build folder the bundle takes itself.
there /bundle/bench/gpu.sh --folder /report --tests '^cuda\.kat\.chacha20$' --size-divisor 30000 --filter aes256ctr ||
    fail "gpu.sh"
compgen -G "$root/report/emulated-gpu-0-*.json" >/dev/null || fail "gpu.sh wrote no report"
rm -rf "$root"
