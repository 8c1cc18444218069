#!/usr/bin/env bash
# Unpacks the OpenSSL 3.5 of Debian 13 below a folder, without installing it, to be measured beside the system's own:
#   bench/peers/openssl-3.5.sh FOLDER
#   FOLDER/run build/bench/parseal-bench --peers --libcrypto FOLDER/libcrypto.so.3
# It needs glibc 2.38: where the system's is older, Debian 13's is unpacked too, and FOLDER/run starts programs with it.
# apt-get checks what it downloads with the system's keys of Debian. Its lists are kept in FOLDER; the system's packages
# and lists stay as they are.
set -euo pipefail

[ $# = 1 ] || {
    echo "usage: $0 FOLDER" >&2
    exit 2
}
mkdir -p "$1"
folder=$(cd "$1" && pwd)

# apt_there COMMAND...: apt-get with a state of its own and Debian 13 as its only source.
apt_there() {
    apt-get -qq -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State="$folder/state" -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=20 "$@" >&2
}

# unpack PACKAGE FILE: prints the path of the package's FILE. Each package is in a folder of its own, so that programs
# which are started with that C library still find the system's OpenSSL.
unpack() {
    local to="$folder/$1"
    if [ ! -d "$to" ]; then
        (cd "$folder" && apt_there download "$1")
        rm -rf "$to.part"
        dpkg-deb -x "$folder/$1"_*.deb "$to.part"
        mv "$to.part" "$to"
    fi
    find "$to" -name "$2" -type f | head -n 1
}

# older VERSION THAN
older() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

mkdir -p "$folder"/{state/lists/partial,cache/archives/partial}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
    >"$folder/sources.list"
[ -d "$folder/libssl3t64" ] || apt_there update
ln -sf "$(unpack libssl3t64 libcrypto.so.3)" "$folder/libcrypto.so.3"
glibc=$(getconf GNU_LIBC_VERSION)
start=
if older "${glibc##* }" 2.38; then
    loader=$(unpack libc6 'ld-linux*.so.*')
    start="'$loader' --library-path '$(dirname "$(unpack libc6 libc.so.6)")' "
fi
printf '#!/bin/sh\nexec %s"$@"\n' "$start" >"$folder/run"
chmod +x "$folder/run"
