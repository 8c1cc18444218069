# cmake "-DFILES=x.75.ptx|x.80.ptx" -P check-ptx.cmake
# PTX for 7.5 and 8.0 is of versions of the instruction set that drivers have had for years, and of the target that its
# name says. nvcc writes the version that it has itself.
cmake_minimum_required(VERSION 3.22)

# The newest version that the project's code may need for a target: 6.3 is the first with sm_75, 7.1 has products of
# bits, and 7.8 is the first with sm_89 and sm_90, 8.6 with sm_100, 8.7 with sm_120.
set(newest_75 6.3)
set(newest_80 7.1)
set(newest_86 7.1)
set(newest_89 7.8)
set(newest_90 7.8)
set(newest_100 8.6)
set(newest_120 8.7)

set(seen 0)
string(REPLACE "|" ";" FILES "${FILES}")
foreach(file IN LISTS FILES)
  file(READ "${file}" text)
  string(REGEX MATCH "\\.([0-9]+)\\.ptx$" ignored "${file}")
  set(arch ${CMAKE_MATCH_1})
  string(REGEX MATCH "\n\\.version ([0-9.]+)\n" ignored "${text}")
  set(version ${CMAKE_MATCH_1})
  string(REGEX MATCH "\n\\.target sm_([0-9]+)\n" ignored "${text}")
  if(NOT CMAKE_MATCH_1 STREQUAL arch)
    message(SEND_ERROR "${file}: for sm_${CMAKE_MATCH_1}")
  elseif(NOT DEFINED newest_${arch} OR version VERSION_GREATER newest_${arch})
    message(SEND_ERROR "${file}: of version ${version}, ${newest_${arch}} would do")
  endif()
  math(EXPR seen "${seen} + 1")
endforeach()
if(seen EQUAL 0)
  message(FATAL_ERROR "no PTX to look at")
endif()
message(STATUS "${seen} files")
