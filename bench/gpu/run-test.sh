#!/usr/bin/env bash
# Runs one test of CUDA devices as ctest would, where there is no ctest:
#   bench/gpu/run-test.sh BUILD_FOLDER NAME [command...]
#     BUILD_FOLDER   a build, or what bench/gpu.sh --bundle made of one
#     NAME           of a line of its tests/gpu-tests.txt, which bench/gpu/tests.cmake describes
#     command...     what the test's program is run under, such as a sanitizer with its options
#
# Needs bash and coreutils. Exit status: the program's own (77: the test was skipped); 2 there is no such test.
set -euo pipefail
if [ $# -lt 2 ] || [ ! -r "$1/tests/gpu-tests.txt" ]; then
    echo "run-test.sh: needs a build folder with tests/gpu-tests.txt, and a test's name" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
name=$2
shift 2

found=no
while IFS=$'\t' read -ra fields; do
    if [ "${fields[0]}" = "$name" ]; then
        found=yes
        break
    fi
done <"$build/tests/gpu-tests.txt"
if [ "$found" = no ]; then
    echo "run-test.sh: $build/tests/gpu-tests.txt has no test $name" >&2
    exit 2
fi
fields=("${fields[@]//@BUILD@/$build}")
folder=${fields[1]}

# NAME=value sets, and NAME+=value is put before what is there, as an entry of a list of folders.
word=2
while [ "${fields[word]}" != -- ]; do
    change=${fields[word]}
    variable=${change%%=*}
    if [[ $variable = *+ ]]; then
        variable=${variable%+}
        change=$variable=${change#*=}${!variable:+:${!variable}}
    fi
    export "${change?}"
    word=$((word + 1))
done

mkdir -p "$folder"
cd "$folder"
exec "$@" "${fields[@]:word+1}"
