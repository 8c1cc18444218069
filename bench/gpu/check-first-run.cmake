# cmake -DTOP=... -DBUILD=... -DFOLDER=... -P check-first-run.cmake, where a driver of an emulated GPU is the first in
# LD_LIBRARY_PATH: bench/gpu/first-run.sh to its end at small sizes, on a bundle of the build folder, and what it says
# of failures. Tests and rows are those of the build's own tables. The tools that need a GPU are scripts here, which
# note what they were asked to do.
cmake_minimum_required(VERSION 3.22)

file(REMOVE_RECURSE ${FOLDER})
set(bundle ${FOLDER}/bundle)
set(list ${bundle}/tests/gpu-tests.txt)
execute_process(COMMAND ${TOP}/bench/gpu.sh --bundle ${bundle} ${BUILD} COMMAND_ERROR_IS_FATAL ANY)

# It is small enough to be sent around, as kernels are in the library alone.
file(GLOB_RECURSE files ${bundle}/*)
set(all 0)
foreach(file IN LISTS files)
  if(IS_SYMLINK ${file})
    continue()
  endif()
  file(SIZE ${file} size)
  math(EXPR all "${all} + ${size}")
  if(size GREATER 2097152 AND NOT file MATCHES "/bench/needs/|/libparseal\\.so")
    message(FATAL_ERROR "${file}: ${size} bytes: is all of the library in it?")
  endif()
endforeach()
if(all GREATER 41943040)
  message(FATAL_ERROR "the bundle has ${all} bytes, more than 40 MiB")
endif()

# script(PATH TEXT): writes a script
function(script path text)
  file(WRITE ${path} "#!/bin/sh\n${text}\n")
  file(CHMOD ${path} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
endfunction()

set(note "echo \"\${0##*/} $*\" >>'${FOLDER}/asked.txt'")
script(${FOLDER}/tools/compute-sanitizer "${note}; case \" $* \" in *\" $BROKEN_TOOL \"*) exit 9;; esac")
script(${FOLDER}/tools/ncu "${note}")
script(${FOLDER}/tools/nvidia-smi "echo clocks of a GPU")
script(${bundle}/bench/gpu/rates "echo a rate")
script(${bundle}/alt/ctr-other/parseal-bench-device
  "case $LD_LIBRARY_PATH in '${bundle}/alt/ctr-other/:'*) echo another build, \"$@\" ;; *) exit 1 ;; esac")
set(ENV{PATH} "${FOLDER}/tools:$ENV{PATH}")
# A user's choices must not disturb it.
set(ENV{PARSEAL_BACKEND} cpu)
set(ENV{PARSEAL_CPU} portable)

# One test of the build's list that knows the answers, and tests of each kind that cost nothing.
file(STRINGS ${list} lines REGEX "^cuda\\.kat\\.")
if(NOT lines)
  message(FATAL_ERROR "the build's list has no known-answer test of CUDA devices")
endif()
list(GET lines 0 line)
string(REGEX REPLACE "\t.*" "" answers "${line}")
set(free "@BUILD@/tests\t--\t/bin/sh\t-c")
file(APPEND ${list}
  "cuda.kat.free.gcm\t${free}\ttest -z \"$BROKEN_TOOL\"\n"
  "cuda.free.good\t@BUILD@/tests\tFREE_WORD+=first\t--\t/bin/sh\t-c\ttest \"$FREE_WORD\" = first:second\n"
  "cuda.free.absent\t${free}\techo not here; exit 77\n"
  "cuda.free.broken\t${free}\tseq 1 100; echo all is broken; test -z \"$BROKEN_TOOL\"\n"
  "cuda.free.budget\t${free}\texit 0\n")
set(ENV{FREE_WORD} second)
string(REPLACE "." "\\." pattern "${answers}")
set(small --tests "^${pattern}$|\\.free\\." --patience 20)

# run(NAME EXPECTED argument...): a run whose files go to FOLDER/NAME; gives `summary`
function(run name expected)
  set(ENV{OUT} ${FOLDER}/${name})
  execute_process(COMMAND ${bundle}/bench/gpu/first-run.sh ${ARGN}
    RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE said)
  if(NOT status EQUAL expected)
    message(FATAL_ERROR "${name}: first-run.sh ended with ${status}, not with ${expected}:\n${said}")
  endif()
  set(summary "${said}")
  if(EXISTS ${FOLDER}/${name}/summary.txt)
    file(READ ${FOLDER}/${name}/summary.txt summary)
  endif()
  set(summary "${summary}" PARENT_SCOPE)
endfunction()

# expect(REGEX...): checks that the summary has a line for each
function(expect)
  foreach(regex IN LISTS ARGN)
    if(NOT "\n${summary}" MATCHES "\n[^\n]*${regex}")
      message(FATAL_ERROR "the summary has no \"${regex}\":\n${summary}")
    endif()
  endforeach()
endfunction()

# of(OUTCOME STEP...): checks that each of these steps had this outcome
function(of outcome)
  foreach(step IN LISTS ARGN)
    string(REPLACE "." "\\." regex "${step}")
    expect("rc [0-9]+ +${outcome} +${regex} ")
  endforeach()
endfunction()

# ------------------------------------------------------------------------------------------- a run where all is fine --

execute_process(COMMAND ${bundle}/bench/parseal-bench-device --list --filter ctr OUTPUT_VARIABLE rows
  COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" rows "${rows}")
run(good 0 ${small} --filter ctr --size-divisor 30000 ${bundle})
of(fine probe primitives rates memcheck racecheck synccheck initcheck tests bench "alt ctr-other" jit free.budget)
of(fine kat.free.gcm)
string(REGEX REPLACE "^cuda\\." "" answers "${answers}")
of(fine ${answers})
foreach(row IN LISTS rows)
  string(REGEX REPLACE "\\..*" "" family "${row}")
  of(fine "small ${family}")
endforeach()
expect("== [0-9]+ s; small rows fine; 0 tests failed or not run; 0 steps failed or not run")
if(summary MATCHES "FAILED|not run [a-z]")
  message(FATAL_ERROR "a step of a run that ended well was not fine:\n${summary}")
endif()

find_program(python python3)
if(python)
  execute_process(COMMAND ${python} -c "import ctypes" RESULT_VARIABLE without ERROR_QUIET)
endif()
if(python AND NOT without)
  of(fine frameworks.host)
  of(skipped frameworks)
  file(READ ${FOLDER}/good/log.txt log)
  if(NOT log MATCHES "\na graph that counts +fine, right\n")
    message(FATAL_ERROR "frameworks.py --host has not tried a graph that counts:\n${log}")
  endif()
else()
  message(STATUS "skipped: frameworks.py, as there is no python3 with ctypes")
  expect("skipped frameworks: ")
endif()

file(GLOB_RECURSE files ${FOLDER}/good/*)
list(LENGTH files count)
if(count GREATER 8)
  message(FATAL_ERROR "more than 8 files: ${files}")
endif()
file(GLOB json ${FOLDER}/good/report/*.json)
file(READ ${json} report)
string(JSON complete GET "${report}" complete)
string(JSON passed GET "${report}" tests passed)
string(JSON failures LENGTH "${report}" tests failed)
if(NOT complete OR NOT passed EQUAL 4 OR NOT failures EQUAL 0)
  message(FATAL_ERROR "complete: ${complete}, ${passed} tests passed, ${failures} failed:\n${report}")
endif()

# The sanitizers ran a program of the list, and the profiler a kernel that the report's first row names.
file(READ ${FOLDER}/asked.txt asked)
foreach(tool IN ITEMS memcheck racecheck synccheck)
  if(NOT asked MATCHES "compute-sanitizer --tool ${tool} [^\n]*--error-exitcode 9 [^\n]*/bin/sh -c test -z")
    message(FATAL_ERROR "${tool} was not asked to run the known answers of GCM:\n${asked}")
  endif()
endforeach()
if(NOT asked MATCHES "ncu [^\n]* -k ([a-z0-9_]+) [^\n]*/bench/parseal-bench-device [^\n]*--filter ([^ \n]+)")
  message(FATAL_ERROR "the profiler was not asked for a kernel:\n${asked}")
endif()
set(kernel ${CMAKE_MATCH_1})
string(JSON seconds GET "${report}" rows 0 kernel_seconds ${kernel})
of(fine "ncu ${kernel}")
list(GET rows 0 row)
if(NOT CMAKE_MATCH_2 STREQUAL row)
  message(FATAL_ERROR "the profiler was given the row ${CMAKE_MATCH_2}, not ${row}")
endif()

# ------------------------------------------------------------------------------------------------ runs that are not --

# Wrong bytes, a test that fails, a race, no command; and the same as a packed bundle.
file(REMOVE ${bundle}/host/cli/parseal)
execute_process(COMMAND ${CMAKE_COMMAND} -E tar cf ${FOLDER}/bundle.tar bundle WORKING_DIRECTORY ${FOLDER}
  COMMAND_ERROR_IS_FATAL ANY)
set(ENV{PARSEAL_EMU_WRONG_COPIES} 1)
set(ENV{BROKEN_TOOL} racecheck)
run(failing 1 --tests "\\.free\\." --patience 20 --filter ctr --size-divisor 4000 ${FOLDER}/bundle.tar)
unset(ENV{PARSEAL_EMU_WRONG_COPIES})
unset(ENV{BROKEN_TOOL})
of(FAILED kat.free.gcm racecheck tests bench "small aes256ctr")
of(fine probe memcheck synccheck jit free.budget)
expect("skipped primitives: "
  "== [0-9]+ s; small rows failed; 2 tests failed or not run; [1-9][0-9]* steps failed or not run")
file(READ ${FOLDER}/failing/tests.txt said)
if(NOT said MATCHES "cuda\\.free\\.broken rc 1\n1\n2\n.*\n100\nall is broken\n" OR NOT said MATCHES "cuda\\.free\\.absent rc 77\n")
  message(FATAL_ERROR "the log does not say how tests have failed:\n${said}")
endif()
file(GLOB json ${FOLDER}/failing/report/*.json)
file(READ ${json} report)
string(JSON failures LENGTH "${report}" tests failed)
if(NOT failures EQUAL 2)
  message(FATAL_ERROR "the report has ${failures} failed tests, not 2:\n${report}")
endif()

set(ENV{BUDGET} 1)
run(hurried 1 ${bundle})
expect("not run probe: no time left" "not run bench: no time left" "not run free.budget: no time left")
unset(ENV{BUDGET})

set(ENV{PARSEAL_EMU_DEVICES} 0)
run(absent 77 ${bundle})
expect("no NVIDIA driver, or no GPU")

run(good 2 ${bundle})
run(usage 2 --patience 0 ${bundle})
run(usage 2 --filter no.such.row ${bundle})
run(usage 2 --tests no.such.test ${bundle})
run(usage 2 ${FOLDER}/nowhere)
run(usage 2 ${FOLDER}/tools)

file(REMOVE_RECURSE ${bundle} ${FOLDER}/bundle.tar)
