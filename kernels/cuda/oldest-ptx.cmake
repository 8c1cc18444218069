# cmake -DPTX=x.ptx -DPTXAS=ptxas -DARCH=80 -P oldest-ptx.cmake
# Writes into a file of PTX the oldest version of the instruction set that its code and its target allow. nvcc writes
# its own version, which only drivers as new as itself take: PTX is for GPUs that are newer than this nvcc or have no
# machine code, and for drivers that are older.
cmake_minimum_required(VERSION 3.22)

set(versions 6.3 6.4 6.5 7.0 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 8.0 8.1 8.2 8.3 8.4 8.5 8.6 8.7 8.8)
file(READ "${PTX}" text)
string(REGEX MATCH "\n\\.version ([0-9.]+)\n" line "${text}")
if(NOT line)
  message(FATAL_ERROR "${PTX}: no .version")
endif()
set(own ${CMAKE_MATCH_1})
foreach(version IN LISTS versions)
  if(version VERSION_GREATER_EQUAL own)
    break()
  endif()
  string(REPLACE "${line}" "\n.version ${version}\n" older "${text}")
  file(WRITE "${PTX}.older" "${older}")
  execute_process(COMMAND ${PTXAS} -arch=sm_${ARCH} -O0 -o "${PTX}.cubin" "${PTX}.older"
    RESULT_VARIABLE refused OUTPUT_QUIET ERROR_QUIET)
  if(NOT refused)
    file(RENAME "${PTX}.older" "${PTX}")
    break()
  endif()
endforeach()
file(REMOVE "${PTX}.older" "${PTX}.cubin")
