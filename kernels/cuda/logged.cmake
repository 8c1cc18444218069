# cmake -DLOG=file -P logged.cmake COMMAND...
# Runs a compiler. What it says goes to a file, and to the screen if it fails or warns.
cmake_minimum_required(VERSION 3.22)

set(command "")
set(at 0)
set(skip TRUE)
while(at LESS CMAKE_ARGC)
  if(NOT skip)
    list(APPEND command "${CMAKE_ARGV${at}}")
  elseif(CMAKE_ARGV${at} MATCHES "logged\\.cmake$")
    set(skip FALSE)
  endif()
  math(EXPR at "${at} + 1")
endwhile()

execute_process(COMMAND ${command} RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
file(WRITE "${LOG}" "${said}")
if(failed)
  message(FATAL_ERROR "${said}")
elseif(said MATCHES "warning")
  message(NOTICE "${said}")
endif()
