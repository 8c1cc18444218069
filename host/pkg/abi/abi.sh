#!/bin/sh
# The binary interface, as abidw of libabigail writes it down, and what has changed of it.
#
#   abi.sh dump LIBRARY HEADERS OUT      writes the interface of LIBRARY to OUT
#   abi.sh compare LIBRARY HEADERS OLD   succeeds where LIBRARY has all of OLD's interface, unchanged
#
# LIBRARY has debugging information (the target parseal_abi), HEADERS is the folder include. What is
# declared elsewhere is nobody's interface, and is left out. A function that is new breaks nobody's
# program: compare mentions it and succeeds.
set -eu

usage()
{
    sed -n '2,8s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

dump()
{
    abidw --headers-dir "$2" --drop-private-types --exported-interfaces-only --no-corpus-path \
        --no-show-locs --no-comp-dir-path --no-elf-needed --no-parameter-names \
        --type-id-style hash --out-file "$3" "$1"
}

[ $# -eq 4 ] || usage
case $1 in
dump)
    dump "$2" "$3" "$4"
    ;;
compare)
    new=$(mktemp)
    trap 'rm -f "$new"' EXIT
    dump "$2" "$3" "$new"
    abidiff --harmless "$4" "$new" || :
    abidiff --harmless --no-added-syms "$4" "$new" >/dev/null || {
        echo "the binary interface has changed: host/pkg/abi/abi.sh says how it is compared" >&2
        exit 1
    }
    ;;
*)
    usage
    ;;
esac
