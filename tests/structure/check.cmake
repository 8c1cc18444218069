# Who may include whom, and how long a file may grow.   cmake -DTOP=<source folder> -P check.cmake
#
# Each rule: a folder, then the patterns that a quoted include in it must match one of.
# The first rule whose folder matches a file decides.
cmake_minimum_required(VERSION 3.22)

set(rules
  "include/ parseal/[a-z]+\\.h"
  "fallback/cpu_(backend|device|vectors)\\.[ch] fallback/.* host/backend\\.h parseal/parseal\\.h"
  "fallback/ fallback/.* parseal/parseal\\.h"
  "kernels/cuda/device\\.h kernels/.* emulated_device\\.h"
  "kernels/ kernels/.*"
  "host/cli/ [a-z0-9_]+\\.h parseal/[a-z]+\\.h"
  "host/mpi/ host/(aggregator_format|bytes)\\.h host/mpi/.* parseal/(aggregator|mpi)\\.h"
  "host/gpu/ fallback/threads\\.h host/backend\\.h kernels/common/launch\\.h host/gpu/.* parseal/parseal\\.h"
  "host/cuda/ host/(backend|dynlib)\\.h kernels/(common/launch|kernels)\\.h host/(gpu|cuda)/.* parseal/parseal\\.h"
  "host/opencl/ host/(backend|cache|dynlib)\\.h kernels/common/launch\\.h host/(gpu|opencl)/.* parseal/parseal\\.h"
  "host/ host/[a-z0-9_]+\\.h parseal/[a-z]+\\.h"
  "bench/device/kernel_times\\.c kernel_times\\.h host/(objects|cuda/device)\\.h"
  "bench/ [a-z0-9_]+\\.h parseal/[a-z]+\\.h")
set(lines_max 620)

set(wrong 0)
file(GLOB_RECURSE files RELATIVE "${TOP}" "${TOP}/include/*.h" "${TOP}/host/*.[ch]" "${TOP}/fallback/*.[ch]"
     "${TOP}/kernels/*.h" "${TOP}/kernels/*.c[ul]" "${TOP}/bench/*.[ch]" "${TOP}/tests/*.[ch]")
list(LENGTH files count)
if(count LESS 20)
  message(FATAL_ERROR "only ${count} files under '${TOP}': is TOP the source folder?")
endif()

foreach(file IN LISTS files)
  file(STRINGS "${TOP}/${file}" lines)
  list(LENGTH lines n)
  if(n GREATER lines_max)
    message(NOTICE "${file}: about ${n} lines, at most ${lines_max} are allowed")
    math(EXPR wrong "${wrong} + 1")
  endif()
  file(STRINGS "${TOP}/${file}" includes REGEX "^#[ ]*include \"")
  foreach(rule IN LISTS rules)
    string(REPLACE " " ";" patterns "${rule}")
    list(POP_FRONT patterns folder)
    if(NOT file MATCHES "^${folder}")
      continue()
    endif()
    foreach(line IN LISTS includes)
      string(REGEX REPLACE "^#[ ]*include \"([^\"]*)\".*" "\\1" included "${line}")
      set(allowed FALSE)
      foreach(pattern IN LISTS patterns)
        if(included MATCHES "^${pattern}$")
          set(allowed TRUE)
        endif()
      endforeach()
      if(NOT allowed)
        message(NOTICE "${file}: may not include \"${included}\"")
        math(EXPR wrong "${wrong} + 1")
      endif()
    endforeach()
    break()
  endforeach()
endforeach()

if(wrong GREATER 0)
  message(FATAL_ERROR "${wrong} breaches of the rules in ${CMAKE_CURRENT_LIST_FILE}")
endif()
message(STATUS "${count} files keep the rules")
