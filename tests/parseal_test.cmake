# parseal_test(): the one way in which a test comes to be. A cmocka suite is a program; ctest runs it once or more.
#
#   parseal_test(NAME FOLDER.NAME
#     [SOURCES file...]        relative to tests/FOLDER; without it NAME.c
#     [SEES api | internals | linked]   the library as users have it, all of its functions, or just what LINK names;
#                              api if nothing is said. What runs on this machine's CUDA device sees the api: each
#                              program with the library in it would have all kernels once more (bench/gpu.sh --bundle)
#     [LINK target...]         what the program needs besides
#     [DEPENDS target...]      what has to be built for its runs: libraries of LIBRARIES, programs that it starts
#     [RUNS kind...]           cpu if nothing is said; none: the program alone
#     [AS name]                the run's name after that of its kind; without it FOLDER.NAME
#     [ARGS argument...]       of the program
#     [RUNNER word...]         a command that takes the program and its arguments
#     [COMMAND word...]        a test that is no program of its own: neither SOURCES nor SEES nor LINK
#     [LABELS label...]        besides FOLDER, of the runs on the CPU
#     [ENVIRONMENT name=value...] [CHANGES name=operation:value...]   of every run (ENVIRONMENT_MODIFICATION of ctest)
#     [LIBRARIES folder...]    where the run finds shared libraries first, the last of them before all
#     [SUPPRESSIONS file]      leaks that are not ours; without it runs on a device look for no leaks
#     [PROPERTIES name value...]    other properties of ctest's tests
#     [LONG]                   label long: left out by tests/run.sh without --long
#     [ROTATION n])            which of CI's rotations takes its runs (README.md), 1 to 4; without it the name decides
#
# The program is the target test_FOLDER_NAME. A second call with the same NAME adds runs of it and names no SOURCES.
# Kinds of RUNS, each left out where this build has nothing for it:
#
#   cpu       FOLDER.NAME           label FOLDER        the CPU backend, on seven threads
#   opencl    opencl.FOLDER.NAME    labels opencl, gpu  the first GPU, or else whatever device there is
#   cuda      cuda.FOLDER.NAME      labels cuda, gpu    this machine's device
#   emulated  emu.FOLDER.NAME       label emu           the CUDA kernels in the emulator, behind a driver of its own
#   devices   opencl, cuda and emulated
#   ptx       ptx.FOLDER.NAME       label emu           the PTX that nvcc made of the kernels, in an interpreter behind
#                                                       that driver; ENVIRONMENT says which PTX
#
# A run that lacks something exits with 77, which ctest shows as skipped. Every run has the label rotationN, and
# tests/needs.txt of the build folder says which targets it needs, so that a part of the tests is built for a part of
# the runs (needs.sh).

set(PARSEAL_TEST_CACHE ${PROJECT_BINARY_DIR}/cache CACHE PATH "Where tests on devices keep compiled kernels")
mark_as_advanced(PARSEAL_TEST_CACHE)
set(parseal_test_needs ${PROJECT_BINARY_DIR}/tests/needs.txt)
file(WRITE ${parseal_test_needs} "# run: the targets that it needs\n")
set(parseal_test_options SEES AS SUPPRESSIONS ROTATION)
set(parseal_test_lists SOURCES LINK DEPENDS RUNS ARGS RUNNER COMMAND LABELS ENVIRONMENT CHANGES LIBRARIES PROPERTIES)

function(parseal_test)
  cmake_parse_arguments(arg "LONG" "NAME;${parseal_test_options}" "${parseal_test_lists}" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME MATCHES "^([a-z_]+)(\\.(.+))?$")
    message(FATAL_ERROR "parseal_test: NAME \"${arg_NAME}\", not understood: \"${arg_UNPARSED_ARGUMENTS}\"")
  endif()
  set(folder ${CMAKE_MATCH_1})
  set(name "${CMAKE_MATCH_3}")
  set(command ${arg_COMMAND})
  if(NOT command)
    set(program test_${folder}_${name})
    parseal_test_program(${program} ${folder} ${name})
    set(command ${program} ${arg_ARGS}) # by its name, which has CMAKE_CROSSCOMPILING_EMULATOR before it
    if(DEFINED arg_RUNNER)
      set(command ${arg_RUNNER} $<TARGET_FILE:${program}> ${arg_ARGS})
    endif()
    list(APPEND arg_DEPENDS ${program})
  endif()
  if(NOT DEFINED arg_RUNS)
    set(arg_RUNS cpu)
  endif()
  if(NOT DEFINED arg_ROTATION)
    string(MD5 digest ${arg_NAME}) # the same for all runs of a program, so that few are built
    string(SUBSTRING ${digest} 0 4 digest)
    math(EXPR arg_ROTATION "0x${digest} % 4 + 1")
  endif()
  list(TRANSFORM arg_RUNS REPLACE "^devices$" "opencl;cuda;emulated")
  foreach(kind IN LISTS arg_RUNS)
    parseal_test_run(${kind})
  endforeach()
endfunction()

# The functions below see the arguments of parseal_test, whose arg_NAMEs they read.

# The program, unless an earlier call has made it.
function(parseal_test_program program folder name)
  if(TARGET ${program})
    if(DEFINED arg_SOURCES OR DEFINED arg_SEES OR DEFINED arg_LINK)
      message(FATAL_ERROR "parseal_test: ${program} is built already")
    endif()
    return()
  endif()
  if(NOT DEFINED arg_SOURCES)
    set(arg_SOURCES ${name}.c)
  endif()
  list(TRANSFORM arg_SOURCES PREPEND ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/${folder}/ REGEX "^[^/]")
  add_executable(${program} ${arg_SOURCES})
  if(NOT DEFINED arg_SEES OR arg_SEES STREQUAL "api")
    set(library parseal::parseal)
  elseif(arg_SEES STREQUAL "internals")
    if(arg_RUNS MATCHES "(^|;)(cuda|devices)(;|$)")
      message(FATAL_ERROR "parseal_test: ${program} RUNS on cuda, so SEES api; the driver: LINK parseal_test_driver")
    endif()
    set(library parseal_static parseal_internal)
  elseif(arg_SEES STREQUAL "linked")
    set(library "")
  else()
    message(FATAL_ERROR "parseal_test: SEES ${arg_SEES}: api, internals or linked")
  endif()
  target_link_libraries(${program} PRIVATE parseal_test_support ${arg_LINK} ${library})
endfunction()

# One run of `command`.
function(parseal_test_run kind)
  # Only tests of a device meet a device's runtime.
  set(environment "")
  set(changes "CUDA_VISIBLE_DEVICES=set:-1" "OCL_ICD_VENDORS=set:/nonexistent")
  if(NOT kind STREQUAL "cpu")
    list(APPEND environment "XDG_CACHE_HOME=${PARSEAL_TEST_CACHE}")
  endif()
  if(kind STREQUAL "cpu")
    set(prefix "")
    set(labels ${folder} ${arg_LABELS})
    list(APPEND environment "PARSEAL_THREADS=7") # on any machine
  elseif(kind STREQUAL "opencl" AND TARGET parseal_opencl)
    set(prefix opencl.)
    set(labels opencl gpu)
    list(APPEND environment "PARSEAL_TEST_BACKEND=opencl" "POCL_CACHE_DIR=${PARSEAL_TEST_CACHE}/pocl")
    set(changes "CUDA_VISIBLE_DEVICES=set:-1")
  elseif(kind STREQUAL "cuda" AND TARGET parseal_cuda)
    set(prefix cuda.)
    set(labels cuda gpu)
    list(APPEND environment "PARSEAL_TEST_BACKEND=cuda")
    set(changes "OCL_ICD_VENDORS=set:/nonexistent")
  elseif(kind STREQUAL "emulated" AND TARGET parseal_cuda AND parseal_emulates)
    set(prefix emu.)
    set(labels emu)
    list(APPEND environment "PARSEAL_TEST_BACKEND=cuda" "PARSEAL_TEST_EMULATED=1")
    list(PREPEND arg_LIBRARIES ${PROJECT_BINARY_DIR}/tests/emu/driver)
    list(APPEND arg_DEPENDS test_emu_driver)
  elseif(kind STREQUAL "ptx" AND TARGET test_ptx_driver)
    set(prefix ptx.)
    set(labels emu)
    list(APPEND environment "PARSEAL_TEST_BACKEND=cuda" "PARSEAL_TEST_EMULATED=1")
    list(PREPEND arg_LIBRARIES ${PROJECT_BINARY_DIR}/tests/ptx/driver)
    list(APPEND arg_DEPENDS test_ptx_driver)
  elseif(kind MATCHES "^(opencl|cuda|emulated|ptx|none)$")
    return()
  else()
    message(FATAL_ERROR "parseal_test: RUNS ${kind}: cpu, opencl, cuda, emulated, devices, ptx or none")
  endif()

  # What a device's runtime never frees is no leak of ours: opencl.faults counts the objects that we must let go of.
  if(DEFINED arg_SUPPRESSIONS)
    list(APPEND changes "LSAN_OPTIONS=set:print_suppressions=0:suppressions=${arg_SUPPRESSIONS}")
  elseif("gpu" IN_LIST labels)
    list(APPEND changes "ASAN_OPTIONS=set:detect_leaks=0")
  endif()
  list(TRANSFORM arg_LIBRARIES PREPEND "LD_LIBRARY_PATH=path_list_prepend:")

  set(test ${prefix}${arg_NAME})
  if(DEFINED arg_AS)
    set(test ${prefix}${arg_AS})
  endif()
  list(APPEND labels rotation${arg_ROTATION})
  if(arg_LONG)
    list(APPEND labels long)
  endif()
  if("slow" IN_LIST labels) # 10 GiB each
    list(APPEND arg_PROPERTIES RESOURCE_LOCK memory)
  endif()
  list(APPEND environment ${arg_ENVIRONMENT})
  list(APPEND changes ${arg_LIBRARIES} ${arg_CHANGES})
  add_test(NAME ${test} COMMAND ${command})
  set_tests_properties(${test} PROPERTIES LABELS "${labels}" SKIP_RETURN_CODE 77 TIMEOUT 900
    ENVIRONMENT "${environment}" ENVIRONMENT_MODIFICATION "${changes}" ${arg_PROPERTIES})
  list(JOIN arg_DEPENDS " " needs)
  file(APPEND ${parseal_test_needs} "${test}: ${needs}\n")
endfunction()
