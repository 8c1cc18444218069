# cmake -DLIST=... -DBUILD=... -DTO=... -P needs.cmake: copies the shared libraries that the programs of LIST
# (tests.cmake), the bench and the command need, but for the C library, into the folder TO: another machine may lack
# them.
cmake_minimum_required(VERSION 3.22)

set(programs ${BUILD}/bench/parseal-bench ${BUILD}/bench/parseal-bench-device)
if(EXISTS ${BUILD}/host/cli/parseal)
  list(APPEND programs ${BUILD}/host/cli/parseal)
endif()
file(STRINGS ${LIST} lines)
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^.*\t--\t([^\t]*).*$" "\\1" program "${line}")
  string(REPLACE "@BUILD@" "${BUILD}" program "${program}")
  list(APPEND programs ${program})
endforeach()
list(REMOVE_DUPLICATES programs)
file(GET_RUNTIME_DEPENDENCIES EXECUTABLES ${programs} DIRECTORIES ${BUILD}
  RESOLVED_DEPENDENCIES_VAR found UNRESOLVED_DEPENDENCIES_VAR missing
  PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(c|m|dl|rt|pthread)\\.so" "^libparseal\\.so" "^libcuda\\.so")
if(missing)
  message(FATAL_ERROR "the bench needs ${missing}, which is not found")
endif()
file(REMOVE_RECURSE ${TO})
file(MAKE_DIRECTORY ${TO})
foreach(library IN LISTS found)
  file(COPY ${library} DESTINATION ${TO} FOLLOW_SYMLINK_CHAIN)
endforeach()
