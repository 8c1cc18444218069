#!/usr/bin/env bash
# One check of an installed parseal. tests/install/CMakeLists.txt gives, in the environment: PREFIX (where
# it was installed), CC, CXX ("" where there is none), SANITIZE (the flags of the sanitizers it was built with),
# MPI_FLAGS (where mpi.h is, or ""), WORK (a folder for this check alone), CMAKE. Exit status 77: skipped.
#   check.sh install BUILD CONFIG  installs a build into PREFIX, emptied before
#   check.sh cmake c|cxx TARGET    an outside project through find_package
#   check.sh pkg-config c|cxx      the same source through pkg-config
#   check.sh names c|cxx TARGET    a program with functions called like some inside the library
#   check.sh exports LIBRARY       what the shared and the static library show (libparseal, libparseal_mpi)
#   check.sh header LIBRARY        its headers alone
#   check.sh mpi TARGET|pkg-config an outside project that uses the component mpi
#   check.sh mpi-cxx               one that knows no C
#   check.sh static-program        a program that loads nothing when it runs
#   check.sh protection CONFIG     what keeps mistakes in the code from being used
#   check.sh no-mpi                the same where the component was not built
#   check.sh commands              the installed commands start
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "failed: $*" >&2; exit 1; }

# The one file under PREFIX that has this name: distributions put it in lib, lib64 or lib/<triplet>.
installed() {
    local found
    found=$(find "$PREFIX" -name "$1" -print -quit)
    [ -n "$found" ] || fail "no $1 under the prefix"
    echo "$found"
}

# compiler c|cxx
compiler() {
    if [ "$1" = c ]; then echo "$CC"; else echo "$CXX"; fi
}

needs_compiler() { [ -n "$(compiler "$1")" ] || skip "no C++ compiler beside the C compiler"; }

expect_version() {
    local said version
    said=$("$@")
    version=$(sed -n 's/^Version: *//p' "$(installed parseal.pc)")
    [ "$said" = "parseal $version" ] || fail "$1 said \"$said\", not \"parseal $version\""
    echo "$said"
}

install_build() {
    rm -rf "$PREFIX"
    "$CMAKE" --install "$1" --prefix "$PREFIX" --config "$2"
}

check_cmake() {
    local language=$1 target=$2 upper=C
    needs_compiler "$language"
    [ "$language" = c ] || upper=CXX
    rm -rf "$WORK"
    "$CMAKE" -S "$here/outside-$language" -B "$WORK" -DTARGET="$target" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_PREFIX_PATH="$PREFIX" \
        "-DCMAKE_${upper}_COMPILER=$(compiler "$language")" "-DCMAKE_${upper}_FLAGS=$SANITIZE"
    "$CMAKE" --build "$WORK" --verbose
    expect_version "$WORK/outside"
}

check_pkg_config() {
    local language=$1 source pc flags
    needs_compiler "$language"
    pc=$(installed parseal.pc)
    source=$here/outside-c/main.c
    [ "$language" = c ] || source=$here/outside-cxx/main.cpp
    mkdir -p "$WORK"
    flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --cflags --libs parseal)
    echo "pkg-config: $flags"
    # shellcheck disable=SC2086 # the flags are words
    "$(compiler "$language")" $SANITIZE "$source" -o "$WORK/outside" $flags
    LD_LIBRARY_PATH=$(dirname "$(installed libparseal.so.0)") expect_version "$WORK/outside"
}

# check_names c|cxx TARGET: such a program links and runs, and the installed command opens what it has sealed.
check_names() {
    local language=$1 target=$2 upper=C opened
    needs_compiler "$language"
    [ "$language" = c ] || upper=CXX
    rm -rf "$WORK"
    "$CMAKE" -S "$here/outside-names" -B "$WORK" -DLANGUAGE=$upper -DTARGET="$target" \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$PREFIX" \
        "-DCMAKE_${upper}_COMPILER=$(compiler "$language")" "-DCMAKE_${upper}_FLAGS=$SANITIZE"
    "$CMAKE" --build "$WORK" --verbose
    "$WORK/outside" "$WORK/hello.sealed"
    printf '%064d\n' 0 >"$WORK/key"
    chmod 600 "$WORK/key"
    opened=$("$PREFIX/bin/parseal" open --key-file "$WORK/key" "$WORK/hello.sealed" -o -)
    [ "$opened" = hello ] || fail "the program sealed hello, and parseal opens \"$opened\""
}

# listed_functions LIBRARY: those that the version script of the source names.
listed_functions() {
    sed -n 's/^ *\([a-z0-9_]*\);$/\1/p' "$here/../../host/pkg/$1.map" | sort
}

# check_exports LIBRARY: its functions all begin with its name.
check_exports() {
    local library others name=${1#lib}
    library=$(installed "$1.so.0")
    readelf -d "$library" | grep -q "SONAME.*\[$1\.so\.0\]" || fail "SONAME is not $1.so.0"
    others=$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' | grep -v "^${name}_" || true)
    [ -z "$others" ] || fail "exported without the prefix:" "$others"
    # Each function of the headers, and nothing that is not in them.
    diff <(nm -D --defined-only "$library" | awk '$2 == "T" { sub("@.*", "", $3); print $3 }' | sort) \
        <(declared_functions "$name" | grep "^${name}_") || fail "header (>) and shared library (<) differ"
    # The static library shows these too, and nothing else that a program could have.
    diff <(nm -g --defined-only "$(installed "$1.a")" | awk 'NF == 3 { print $3 }' | sort) \
        <(listed_functions "$1") || fail "version script (>) and static library (<) differ"
}

# headers parseal|parseal_mpi: those of one library.
headers() {
    if [ "$1" = parseal_mpi ]; then echo mpi.h; return 0; fi
    find "$PREFIX/include/parseal" -name '*.h' ! -name mpi.h -printf '%P\n'
}

# The functions that the library's headers declare for export.
declared_functions() {
    # shellcheck disable=SC2086 # the flags are words
    headers "$1" | sed 's/.*/#include <parseal\/&>/' |
        "$CC" -E -P -DPARSEAL_API=PARSEAL_EXPORTED $MPI_FLAGS -I "$PREFIX/include" -x c - | tr '\n' ' ' |
        grep -o 'PARSEAL_EXPORTED [^(]*(' | sed 's/.*\b\(parseal_[a-z0-9_]*\)(/\1/' | sort
}

# compile_header COMPILER LANGUAGE STANDARD [FLAG...]: for each header a file that includes it and uses its _INITs, and
# nothing else.
compile_header() {
    local compiler=$1 language=$2 standard=$3 header
    shift 3
    for header in $(headers "$LIBRARY"); do
        # shellcheck disable=SC2086 # the flags are words
        {
            echo "#include <parseal/$header>"
            sed -n 's/^#define PARSEAL_\([A-Z_]*\)_INIT\b.*/\1/p' "$PREFIX/include/parseal/$header" |
                while read -r name; do
                    echo "void use_$name(parseal_${name,,} *to); void use_$name(parseal_${name,,} *to)" \
                        "{ const parseal_${name,,} x = PARSEAL_${name}_INIT; *to = x; }"
                done
        } | "$compiler" $MPI_FLAGS -x "$language" -std="$standard" -I "$PREFIX/include" -Wall -Wextra -Wpedantic \
            -Wconversion -Wsign-conversion -Wshadow -Wcast-qual "$@" -Werror -fsyntax-only -
    done
}

# check_header LIBRARY
check_header() {
    LIBRARY=${1#lib}
    compile_header "$CC" c c11
    needs_compiler cxx
    compile_header "$CXX" c++ c++11 -Wold-style-cast -Wzero-as-null-pointer-constant
    compile_header "$CXX" c++ c++17 -Wold-style-cast -Wzero-as-null-pointer-constant
    [ "$LIBRARY" != parseal ] || check_dlpack
}

# What is vendored is installed as it came, and parseal/dlpack.h compiles behind other versions of it, but for those of
# another major version.
check_dlpack() {
    local minor include="#include <$here/../api/stand_in.h>
        #include <parseal/dlpack.h>"
    diff -r -x .clang-format "$here/../../include/parseal/vendor" "$PREFIX/include/parseal/vendor" ||
        fail "the vendored files (<) are not those that are installed (>)"
    for minor in "" -DSTAND_IN_MINOR=0 -DSTAND_IN_MINOR=1; do
        # shellcheck disable=SC2086 # may be no word
        echo "$include" | "$CC" -x c -std=c11 -I "$PREFIX/include" -Wall -Wextra -Wpedantic -Werror $minor \
            -fsyntax-only -
        # shellcheck disable=SC2086
        echo "$include" | "$CXX" -x c++ -std=c++11 -I "$PREFIX/include" -Wall -Wextra -Wpedantic -Werror $minor \
            -fsyntax-only -
    done
    if { echo "#define DLPACK_DLPACK_H_"; echo "#define DLPACK_MAJOR_VERSION 2"; echo "$include"; } |
        "$CC" -x c -std=c11 -I "$PREFIX/include" -fsyntax-only - 2>"$WORK.said"; then
        fail "parseal/dlpack.h is taken behind DLPack 2"
    fi
    grep "of another major version" "$WORK.said" || fail "$(cat "$WORK.said")"
}

# check_mpi TARGET|pkg-config: the main library does not need MPI, and an outside program finds the component.
check_mpi() {
    local flags libraries
    libraries=$(dirname "$(installed libparseal.so.0)")
    if readelf -d "$libraries/libparseal.so.0" | grep 'NEEDED.*libmpi'; then fail "libparseal.so.0 needs MPI"; fi
    if [ "$1" != pkg-config ]; then
        rm -rf "$WORK"
        "$CMAKE" -S "$here/outside-mpi" -B "$WORK" -DTARGET="$1" -DCMAKE_BUILD_TYPE=Release \
            -DCMAKE_PREFIX_PATH="$PREFIX" "-DCMAKE_C_COMPILER=$CC" "-DCMAKE_C_FLAGS=$SANITIZE"
        "$CMAKE" --build "$WORK" --verbose
    else
        command -v mpicc >/dev/null || skip "no mpicc"
        mkdir -p "$WORK"
        flags=$(PKG_CONFIG_PATH=$libraries/pkgconfig pkg-config --cflags --libs parseal_mpi)
        echo "pkg-config: $flags"
        # shellcheck disable=SC2086 # the flags are words
        OMPI_CC=$CC MPICH_CC=$CC mpicc $SANITIZE "$here/outside-mpi/main.c" -o "$WORK/outside" $flags
    fi
    # MPI itself frees less than it takes.
    ASAN_OPTIONS=detect_leaks=0 LD_LIBRARY_PATH=$libraries expect_version "$WORK/outside"
}

check_mpi_cxx() {
    needs_compiler cxx
    rm -rf "$WORK"
    "$CMAKE" -S "$here/outside-mpi-cxx" -B "$WORK" -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$PREFIX" \
        "-DCMAKE_CXX_COMPILER=$CXX" "-DCMAKE_CXX_FLAGS=$SANITIZE"
    "$CMAKE" --build "$WORK" --verbose
    ASAN_OPTIONS=detect_leaks=0 expect_version "$WORK/outside"
}

# A static program has no loader: it must not look for OpenCL's runtime, such as the one that ends it here.
check_static_program() {
    local flags
    [ -z "$SANITIZE" ] || skip "sanitizers need the loader"
    rm -rf "$WORK"
    mkdir -p "$WORK"
    echo '#include <unistd.h>
        __attribute__((constructor)) static void run(void) { _exit(9); }' |
        "$CC" -shared -fPIC -x c -o "$WORK/libOpenCL.so.1" -
    cp "$WORK/libOpenCL.so.1" "$WORK/libcuda.so.1"
    cp "$WORK/libOpenCL.so.1" "$WORK/libnccl.so.2"
    flags=$(PKG_CONFIG_PATH=$(dirname "$(installed parseal.pc)") pkg-config --static --cflags --libs parseal)
    echo 'int main(void) { return 0; }' | "$CC" -static -x c -o "$WORK/nothing" - -x none -lsodium -fopenmp ||
        skip "no static libraries of the system"
    # shellcheck disable=SC2086 # the flags are words
    "$CC" -static "$here/static-program.c" -o "$WORK/program" $flags
    LD_LIBRARY_PATH=$WORK "$WORK/program"
}

# The installed binaries: where a build is not optimised, calls of the C library are not checked.
check_protection() {
    local config=$1 binary library
    library=$(installed libparseal.so.0)
    for binary in "$library" "$PREFIX/bin/parseal" "$PREFIX/bin/parseal-bench"; do
        readelf -dW "$binary" | grep 'BIND_NOW\|Flags:.*NOW' >/dev/null || fail "$binary is bound lazily"
        readelf -lW "$binary" | grep GNU_RELRO >/dev/null || fail "$binary has tables that stay writable"
        readelf -lW "$binary" | grep 'GNU_STACK.* RW ' >/dev/null || fail "the stack of $binary is executable"
        nm -D "$binary" | grep __stack_chk_fail >/dev/null || fail "$binary has no canaries on its stack"
        if [ "$config" = Release ] && [ -z "$SANITIZE" ] && getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
            nm -D "$binary" | grep '__[a-z]*printf_chk' >/dev/null || fail "$binary does not check calls of the C library"
        fi
        if [ "$(uname -m)" = x86_64 ]; then
            objdump -d --section=.text "$binary" | grep endbr64 >/dev/null || fail "$binary does not mark its branches' ends"
        fi
    done
    # Debuggers need that folder, and the reports of sanitizers name it.
    [ "$config" = Debug ] || [ -n "$SANITIZE" ] || for binary in "$library" "$PREFIX"/bin/* "$(installed libparseal.a)"; do
        ! grep -qF "${here%/tests/install}/" "$binary" || fail "$binary names the folder in which it was made"
    done
}

# Nothing of it is installed, and who asks for it is told so.
check_no_mpi() {
    local found
    found=$(find "$PREFIX" -name '*mpi*')
    [ -z "$found" ] || fail "installed:" "$found"
    rm -rf "$WORK"
    mkdir -p "$WORK"
    if "$CMAKE" -S "$here/outside-mpi" -B "$WORK" -DTARGET=parseal::parseal_mpi -DCMAKE_PREFIX_PATH="$PREFIX" \
        "-DCMAKE_C_COMPILER=$CC" >"$WORK/said" 2>&1; then fail "the component mpi was found"; fi
    tr -s ' \n' ' ' <"$WORK/said" | grep -q "built without its component mpi" || fail "$(cat "$WORK/said")"
}

check_commands() {
    "$PREFIX/bin/parseal" --help >/dev/null
    "$PREFIX/bin/parseal-bench" --help >/dev/null
    "$PREFIX/bin/parseal" selftest
}

case ${1-} in
install) install_build "$2" "$3" ;;
cmake) check_cmake "$2" "$3" ;;
pkg-config) check_pkg_config "$2" ;;
names) check_names "$2" "$3" ;;
exports) check_exports "$2" ;;
header) check_header "$2" ;;
mpi) check_mpi "$2" ;;
mpi-cxx) check_mpi_cxx ;;
static-program) check_static_program ;;
protection) check_protection "$2" ;;
no-mpi) check_no_mpi ;;
commands) check_commands ;;
*) fail "unknown check \"${1-}\"" ;;
esac
