# The files of the build folder that bench/gpu.sh needs beside the programs, to run where there is nothing else.

# programs_below(FOLDER OUT): the executables that are built there
function(programs_below folder out)
  set(found "")
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
      list(APPEND found ${target})
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS folders)
    programs_below(${below} more)
    list(APPEND found ${more})
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

programs_below(${PROJECT_SOURCE_DIR}/tests programs)
if(TARGET parseal_command)
  list(APPEND programs parseal_command)
endif()
set(gpu_tests ${PROJECT_BINARY_DIR}/tests/gpu-tests.txt)
set(gpu_needs ${PROJECT_BINARY_DIR}/bench/needs)
set(scripts ${PROJECT_SOURCE_DIR}/bench/gpu)
add_custom_command(OUTPUT ${gpu_tests}
  COMMAND ${CMAKE_COMMAND} -DCTEST=${CMAKE_CTEST_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DTO=${gpu_tests}
          -P ${scripts}/tests.cmake
  COMMAND ${CMAKE_COMMAND} -DLIST=${gpu_tests} -DBUILD=${PROJECT_BINARY_DIR} -DTO=${gpu_needs}
          -P ${scripts}/needs.cmake
  DEPENDS ${programs} parseal-bench parseal-bench-device ${scripts}/tests.cmake ${scripts}/needs.cmake
  VERBATIM COMMENT "Tests and libraries for bench/gpu.sh")
add_custom_target(parseal_gpu_folder ALL
  COMMAND ${CMAKE_COMMAND} -DTOP=${PROJECT_SOURCE_DIR} -DTO=${PROJECT_BINARY_DIR}/bench/commit.txt
          -P ${scripts}/commit.cmake
  DEPENDS ${gpu_tests} VERBATIM)

# Puts all of it into one folder for another machine, bundle/ of the build folder.
add_custom_target(parseal_gpu_bundle
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${PROJECT_BINARY_DIR}/bundle
  COMMAND ${PROJECT_SOURCE_DIR}/bench/gpu.sh --bundle ${PROJECT_BINARY_DIR}/bundle ${PROJECT_BINARY_DIR}
  DEPENDS parseal_gpu_folder VERBATIM)
foreach(target IN ITEMS parseal_command parseal_gpu_rates)
  if(TARGET ${target})
    add_dependencies(parseal_gpu_bundle ${target})
  endif()
endforeach()
