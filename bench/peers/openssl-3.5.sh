#!/usr/bin/env bash
# Unpacks the OpenSSL 3.5 of Debian 13 below a folder, without installing it, and prints the path of its libcrypto:
#   bench/peers/openssl-3.5.sh FOLDER
# parseal-bench --peers --openssl PATH measures it beside the system's own. apt-get checks the packages' signatures with
# the system's keys of Debian; its lists are kept in FOLDER, and the system's packages and lists are left alone.
set -euo pipefail

[ $# = 1 ] || {
    echo "usage: $0 FOLDER" >&2
    exit 2
}
mkdir -p "$1"
folder=$(cd "$1" && pwd)

unpacked() { find "$folder/root" -name libcrypto.so.3 2>/dev/null | head -n 1; }

# apt_there COMMAND...: apt-get with a state of its own and Debian 13 alone as its source.
apt_there() {
    apt-get -qq -o Dir::Etc::SourceList="$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State="$folder/state" -o Dir::Cache="$folder/cache" -o APT::Sandbox::User=root \
        -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o APT::Architecture="$(dpkg --print-architecture)" "$@"
}

if [ -z "$(unpacked)" ]; then
    mkdir -p "$folder"/{state/lists/partial,cache/archives/partial,root}
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
        >"$folder/sources.list"
    apt_there update >&2
    (cd "$folder" && apt_there download libssl3t64 >&2)
    dpkg-deb -x "$folder"/libssl3t64_*.deb "$folder/root"
fi
[ -n "$(unpacked)" ] || {
    echo "$0: no libcrypto.so.3 in the package" >&2
    exit 1
}
unpacked
