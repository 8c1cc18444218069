# public_archive(TARGET NAME OBJECTS...): a static library libNAME.a of the object libraries OBJECTS, in which nothing
# but the public functions can be seen. An archive of many objects would show each function that one of them has for
# the others; a program with a function of such a name would not link, or would replace the library's. So the objects
# are linked into one, and the hidden symbols, which are all but those marked PARSEAL_API, become local to it.
include(CheckLinkerFlag)

set(parseal_archive_hides ON)
if(APPLE OR WIN32 OR NOT CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")
  set(parseal_archive_hides OFF)
  message(STATUS "The static libraries show internal names: only ELF objects can be joined to hide them")
elseif(NOT CMAKE_OBJCOPY)
  set(parseal_archive_hides OFF)
  message(STATUS "The static libraries show internal names: objcopy was not found (CMAKE_OBJCOPY)")
endif()

# The compiler's flags decide what kind of object is made, and name the linker; what would add run-time libraries to
# the object is left out.
function(archive_flags out)
  separate_arguments(flags NATIVE_COMMAND "${CMAKE_C_COMPILER_ARG1} ${CMAKE_C_FLAGS}")
  list(FILTER flags EXCLUDE REGEX "^(-fsanitize|--coverage|-fprofile|-pg)")
  separate_arguments(linker NATIVE_COMMAND "${CMAKE_EXE_LINKER_FLAGS}")
  list(FILTER linker INCLUDE REGEX "^(-fuse-ld=|--ld-path=)")
  if(CMAKE_C_COMPILER_TARGET)
    list(APPEND flags ${CMAKE_C_COMPILE_OPTIONS_TARGET}${CMAKE_C_COMPILER_TARGET})
  endif()
  # Groups are named by symbols: one that is local now must not be taken for another object's of the same name.
  check_linker_flag(C LINKER:--force-group-allocation PARSEAL_LINKER_DISSOLVES_GROUPS)
  if(PARSEAL_LINKER_DISSOLVES_GROUPS)
    list(APPEND linker -Wl,--force-group-allocation)
  endif()
  # With link-time optimisation the objects hold no machine code yet, and names in it cannot be hidden: make it now.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_C_COMPILER_VERSION VERSION_GREATER_EQUAL 9)
    list(APPEND linker -flinker-output=nolto-rel)
  elseif(CMAKE_INTERPROCEDURAL_OPTIMIZATION)
    list(APPEND linker ${CMAKE_C_COMPILE_OPTIONS_IPO})
  endif()
  set(${out} ${flags} ${linker} PARENT_SCOPE)
endfunction()

if(parseal_archive_hides)
  archive_flags(parseal_archive_flags)
endif()

function(public_archive target name)
  list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  if(parseal_archive_hides)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}.dir/$<CONFIG>)
    add_custom_command(OUTPUT ${folder}/${name}.o
      COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
      COMMAND ${CMAKE_C_COMPILER} ${parseal_archive_flags} -r -nostdlib -o ${folder}/joined.o ${objects}
      COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${folder}/joined.o ${folder}/${name}.o
      COMMAND ${CMAKE_COMMAND} -E rm ${folder}/joined.o
      DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Joining the objects of lib${name}.a")
    add_library(${target} STATIC ${folder}/${name}.o)
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
    add_dependencies(${target} ${ARGN})
  else()
    add_library(${target} STATIC ${objects})
  endif()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name})
endfunction()
