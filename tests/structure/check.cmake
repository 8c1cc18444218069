# Who may include whom, that nobody includes in a circle, and how long and wide a file may grow.
#   cmake -DTOP=<source folder> -P check.cmake
#
# The table has one row for each room, the lowest floor first: its folder, then the rooms and files below it that a
# quoted include of its files may name besides the room's own. A row may name only rooms of rows before it, so no
# circle of rooms can be written down. `include` stands for the public headers, which are named parseal/*.h.
cmake_minimum_required(VERSION 3.22)

set(rooms
  "include"
  "host/support include"
  "host/backend host/support include"
  "kernels"
  "kernels/common kernels"
  "kernels/cuda kernels kernels/common tests/emu/emulated_device.h"
  "kernels/opencl kernels/common"
  "fallback include"
  "fallback/math fallback"
  "fallback/template fallback fallback/math include"
  "fallback/portable fallback fallback/math fallback/template host/support include"
  "fallback/x86 fallback fallback/math fallback/template"
  "fallback/arm fallback fallback/math fallback/template"
  "fallback/batch fallback fallback/math fallback/portable host/support include"
  "fallback/backend fallback fallback/batch host/backend host/support include"
  "host/gpu host/backend host/support include kernels kernels/common/launch.h"
  "host/cuda host/gpu host/backend host/support include kernels kernels/common/launch.h"
  "host/opencl host/gpu host/backend host/support include kernels kernels/common/launch.h"
  "host/choose/selftest host/backend host/support include"
  "host/choose host/choose/selftest host/backend host/support include"
  "host/api host/choose host/backend host/support include"
  "host/secagg host/api host/backend host/support include"
  "host/sealed host/api host/backend host/support include"
  "host/aggregate host/api host/choose host/backend host/support include"
  "host/nccl host/api host/backend host/support include"
  "host/mpi host/aggregate/format.h host/support/bytes.h include"
  "host/cli include"
  "host/python/src include"
  "host/cli/show host/cli include"
  "host/cli/sealed host/cli include"
  "host/cli/round host/cli host/cli/sealed include"
  "bench/cpu include"
  "bench/python include"
  "bench/peers bench/cpu include"
  "bench/device bench/cpu include host/backend/objects.h host/cuda/device.h")
set(lines_max 620)
set(columns_max 100) # clang-format keeps code to them, where it can, and leaves comments alone

set(wrong 0)
# breach(TEXT): one line for a person, and the check fails at its end.
function(breach text)
  message(NOTICE "${text}")
  math(EXPR wrong "${wrong} + 1")
  set(wrong ${wrong} PARENT_SCOPE)
endfunction()

# ---------------------------------------------------------------------------------------- the table

set(folders "")
foreach(row IN LISTS rooms)
  string(REPLACE " " ";" below "${row}")
  list(POP_FRONT below room)
  foreach(other IN LISTS below)
    if(NOT other MATCHES "\\.h$" AND NOT other IN_LIST folders)
      message(FATAL_ERROR "the row of ${room} names ${other}, which is on no floor below it")
    endif()
  endforeach()
  list(APPEND folders ${room})
  set(below_${room} ${below})
endforeach()

# ---------------------------------------------------------------------------------------- the files

file(GLOB_RECURSE files RELATIVE "${TOP}" "${TOP}/include/*.h" "${TOP}/host/*.[ch]" "${TOP}/fallback/*.[ch]"
     "${TOP}/kernels/*.h" "${TOP}/kernels/*.c[ul]" "${TOP}/bench/*.[ch]" "${TOP}/tests/*.[ch]")
list(FILTER files EXCLUDE REGEX "^(include/parseal|host/python)/vendor/") # others' headers, which stay as they came
list(LENGTH files count)
if(count LESS 20)
  message(FATAL_ERROR "only ${count} files under '${TOP}': is TOP the source folder?")
endif()

# room_of(PATH OUT): the folder as the table knows it
function(room_of path out)
  get_filename_component(room "${path}" DIRECTORY)
  if(room MATCHES "^include(/|$)")
    set(room include)
  endif()
  set(${out} "${room}" PARENT_SCOPE)
endfunction()

# named_file(INCLUDED BY OUT): the path in the source folder of what a file includes, or "" where it is not there
function(named_file included by out)
  get_filename_component(beside "${by}" DIRECTORY)
  set(${out} "" PARENT_SCOPE)
  foreach(path IN ITEMS "${included}" "include/${included}" "${beside}/${included}" "tests/${included}"
          "tests/support/${included}" "tests/api/${included}" "tests/ct/${included}" "tests/device/${included}"
          "tests/opencl/${included}" "tests/emu/${included}" "tests/mpi/${included}" "tests/pairs/${included}")
    if(EXISTS "${TOP}/${path}")
      set(${out} "${path}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

foreach(file IN LISTS files)
  file(STRINGS "${TOP}/${file}" lines)
  list(LENGTH lines n)
  if(n GREATER lines_max)
    breach("${file}: about ${n} lines, at most ${lines_max} are allowed")
  endif()
  room_of(${file} room)
  if(NOT room IN_LIST folders AND NOT file MATCHES "^tests/")
    breach("${file}: its folder has no row in the table of rooms")
  endif()
  set(includes_${file} "")
  file(STRINGS "${TOP}/${file}" lines REGEX "^#[ ]*include \"")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^#[ ]*include \"([^\"]*)\".*" "\\1" included "${line}")
    named_file(${included} ${file} path)
    if(path)
      list(APPEND includes_${file} ${path})
    endif()
    if(file MATCHES "^tests/")
      continue() # tests may see everything
    endif()
    if(NOT path AND NOT included IN_LIST below_${room})
      breach("${file}: includes \"${included}\", which is nowhere")
      continue()
    endif()
    room_of("${path}" from)
    if(path AND NOT from STREQUAL room AND NOT from IN_LIST below_${room} AND NOT path IN_LIST below_${room})
      breach("${file}: may not include \"${included}\"")
    endif()
  endforeach()
endforeach()

# ---------------------------------------------------------------------------------------- the width

file(GLOB_RECURSE sources RELATIVE "${TOP}" "${TOP}/bench/*.cu" "${TOP}/tests/*.cu" "${TOP}/tests/*.cpp")
string(REPEAT "." ${columns_max} full)
foreach(file IN LISTS files sources)
  file(STRINGS "${TOP}/${file}" lines REGEX "^${full}." ENCODING UTF-8)
  foreach(line IN LISTS lines)
    breach("${file}: wider than ${columns_max} columns: ${line}")
  endforeach()
endforeach()

# -------------------------------------------------------------------------------------- the circles

# What includes nothing that is left cannot be in a circle and goes, and so does what nothing that is left includes.
set(left ${files})
set(gone yes)
while(gone)
  set(gone "")
  set(included "")
  foreach(file IN LISTS left)
    set(waits FALSE)
    foreach(path IN LISTS includes_${file})
      if(path IN_LIST left)
        set(waits TRUE)
        list(APPEND included ${path})
      endif()
    endforeach()
    if(NOT waits)
      list(APPEND gone ${file})
    endif()
  endforeach()
  foreach(file IN LISTS left)
    if(NOT file IN_LIST included)
      list(APPEND gone ${file})
    endif()
  endforeach()
  list(REMOVE_ITEM left ${gone} "")
endwhile()
if(left)
  list(JOIN left " " left)
  breach("a circle of includes among: ${left}")
endif()

# README.md stays a page for newcomers: what is long goes to the folder that it is about.
file(READ "${TOP}/README.md" text)
string(REGEX MATCHALL "\n" line_ends "${text}")
list(LENGTH line_ends n)
if(n GREATER 130)
  breach("README.md: ${n} lines, at most 130 are allowed")
endif()

if(wrong GREATER 0)
  message(FATAL_ERROR "${wrong} breaches of the rules in ${CMAKE_CURRENT_LIST_FILE}")
endif()
message(STATUS "${count} files keep the rules")
