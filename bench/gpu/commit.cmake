# cmake -DTOP=... -DTO=... -P commit.cmake: which commit is built, for the report of bench/gpu.sh.
cmake_minimum_required(VERSION 3.22)

set(commit "")
find_program(git git)
if(git)
  execute_process(COMMAND ${git} -C ${TOP} rev-parse --short=12 HEAD OUTPUT_VARIABLE commit ERROR_QUIET
    OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND ${git} -C ${TOP} status --porcelain --untracked-files=no OUTPUT_VARIABLE changes ERROR_QUIET)
  if(commit AND changes)
    string(APPEND commit " with changes")
  endif()
endif()
file(WRITE ${TO} "${commit}\n")
