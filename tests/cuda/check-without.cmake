# cmake -DTOP=... -DFOLDER=... -P check-without.cmake
# kernels/cuda with an nvcc that fails: its own words, whatever is in them, are told and, on one line, noted, and nothing
# is built.
cmake_minimum_required(VERSION 3.22)

set(words [[C:\new\Users has no "cl.exe"; ${TOP} and $ENV{HOME} are no help, @TOP@ is none]])
file(REMOVE_RECURSE ${FOLDER})
file(WRITE ${FOLDER}/nvcc "#!/bin/sh\ncat '${FOLDER}/words.txt' >&2\nexit 1\n")
file(CHMOD ${FOLDER}/nvcc PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
file(WRITE ${FOLDER}/words.txt "${words}\nand says more\n")
file(WRITE ${FOLDER}/CMakeLists.txt "cmake_minimum_required(VERSION 3.22)
project(without LANGUAGES NONE)
set(CMAKE_SIZEOF_VOID_P 8)
set(PROJECT_SOURCE_DIR ${TOP})
add_subdirectory(${TOP}/kernels/cuda kernels)
if(TARGET parseal_kernels_cuda)
  message(FATAL_ERROR \"there are kernels\")
endif()
")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${FOLDER} -B ${FOLDER}/build -DPARSEAL_NVCC=${FOLDER}/nvcc
  OUTPUT_VARIABLE said ERROR_VARIABLE errors RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "configuring fails:\n${errors}")
endif()

# expect(TEXT LINE): the text has this line
function(expect text line)
  string(FIND "\n${text}\n" "\n${line}\n" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "there is no line\n${line}\nin\n${text}")
  endif()
endfunction()

file(READ ${FOLDER}/build/CMakeCache.txt cache)
expect("${said}" "-- Without CUDA kernels: ${FOLDER}/nvcc does not work: ${words}\nand says more")
expect("${cache}" "PARSEAL_WITHOUT_KERNELS:INTERNAL=${FOLDER}/nvcc does not work: ${words} and says more")
file(REMOVE_RECURSE ${FOLDER})
