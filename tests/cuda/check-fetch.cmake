# cmake -DTOP=... -DFOLDER=... -P check-fetch.cmake
# fetch_nvcc() of kernels/cuda with a pip that fails, one that has what is asked for, and none. Nothing is fetched here.
cmake_minimum_required(VERSION 3.22)

include(${TOP}/kernels/cuda/fetch-nvcc.cmake)
file(REMOVE_RECURSE ${FOLDER})
set(to ${FOLDER}/nvcc)
set(ENV{PATH} "${FOLDER}/bin:$ENV{PATH}")

# pip(SCRIPT): what `python3 -m pip download ... --dest folder` does, with that folder as $folder
function(pip script)
  file(WRITE ${FOLDER}/bin/python3 "#!/bin/sh
echo \"$*\" >>'${FOLDER}/asked.txt'
case $3 in --version) exit 0 ;; esac
for folder; do :; done
mkdir -p \"$folder\"
${script}
")
  file(CHMOD ${FOLDER}/bin/python3 PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  file(WRITE ${FOLDER}/asked.txt "")
endfunction()

# expect(REGEX): fetches, and checks the reason; where there is one, nothing is left behind.
function(expect regex)
  fetch_nvcc(${to} why)
  if(NOT why MATCHES "^${regex}$")
    message(FATAL_ERROR "the reason is \"${why}\", not \"${regex}\"")
  endif()
  file(GLOB left ${to}*)
  if(why AND left)
    message(FATAL_ERROR "${left} is left behind")
  endif()
endfunction()

# package(NAME PROGRAM TEXT): a package with an executable
function(package name program text)
  file(WRITE ${FOLDER}/package/${program} "${text}")
  file(CHMOD ${FOLDER}/package/${program} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  file(MAKE_DIRECTORY ${FOLDER}/packages)
  execute_process(COMMAND ${CMAKE_COMMAND} -E tar cf ${FOLDER}/packages/${name}.whl --format=zip nvidia
    WORKING_DIRECTORY ${FOLDER}/package COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE_RECURSE ${FOLDER}/package)
endfunction()

pip("")
file(WRITE ${FOLDER}/bin/python3 "#!/bin/sh\nexit 1\n")
expect("there is no nvcc, and no pip .*")

set(unreachable "there is no nvcc, and pip could not fetch it from PyPI")
pip("echo 'WARNING: Retrying, as the connection was broken' >&2\necho 'ERROR: no version found' >&2\nexit 1")
expect("${unreachable}")

set(another "there is no nvcc, and what pip found is not what nvcc-packages.txt names")
pip("echo half >\"$folder/half.whl\"\necho 'ERROR: these do not match the hashes' >&2\nexit 1")
expect("${another}")

# A file that is no package, and packages without the program
pip("echo half >\"$folder/half.whl\"")
expect("${another}")
package(other nvidia/other "")
pip("cp '${FOLDER}/packages/other.whl' \"$folder\"")
expect("${another}")

package(nvcc ${fetch_nvcc_program} "#!/bin/sh\necho this is nvcc\n")
pip("cp '${FOLDER}/packages/nvcc.whl' '${FOLDER}/packages/other.whl' \"$folder\"")
expect("")
execute_process(COMMAND ${to}/${fetch_nvcc_program} OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
file(GLOB left RELATIVE ${FOLDER} ${to}* ${to}/*)
file(READ ${FOLDER}/asked.txt asked)
if(NOT said STREQUAL "this is nvcc\n" OR NOT left STREQUAL "nvcc;nvcc/nvcc-packages.txt;nvcc/nvidia" OR NOT EXISTS ${to}/nvidia/other)
  message(FATAL_ERROR "fetched: ${left}, which says \"${said}\"")
elseif(NOT asked MATCHES "pip download [^\n]*--only-binary :all: --require-hashes [^\n]*--requirement ([^ ]*)")
  message(FATAL_ERROR "pip was not asked to check hashes:\n${asked}")
elseif(NOT CMAKE_MATCH_1 STREQUAL fetch_nvcc_packages)
  message(FATAL_ERROR "pip was asked for ${CMAKE_MATCH_1}")
endif()

# What is there is not fetched again.
pip("exit 1")
expect("")

# Of another list it is.
file(APPEND ${to}/nvcc-packages.txt "another one\n")
expect("${another}")

# Every package has its one version and a hash for each of two processors.
file(READ ${fetch_nvcc_packages} text)
string(REGEX MATCHALL "\n[a-z-]+==[0-9.]+ " packages "${text}")
string(REGEX MATCHALL "--hash=sha256:[0-9a-f]+" hashes "${text}")
list(REMOVE_DUPLICATES hashes)
list(LENGTH packages count)
list(LENGTH hashes files)
list(TRANSFORM packages REPLACE ".*==([0-9.]+) " "\\1" OUTPUT_VARIABLE versions)
list(REMOVE_DUPLICATES versions)
math(EXPR of_two "${count} * 2")
if(count LESS 4 OR NOT files EQUAL of_two OR NOT versions VERSION_GREATER_EQUAL 13.3)
  message(FATAL_ERROR "${count} packages of ${versions} with ${files} hashes")
endif()
file(REMOVE_RECURSE ${FOLDER})
