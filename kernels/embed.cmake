# cmake -DIN=x.cl -DOUT=x.c -DNAME=array -DTOP=<source folder> -P embed.cmake
# One OpenCL source as a C array: its includes of kernels/ are put in its text, each once, and in the order in which
# a compiler would have read them. `#line` keeps a compiler's messages true.
#
# cmake -DIN=x.fatbin -DOUT=x.c -DNAME=array -DBINARY=ON -DASM=<bool> -P embed.cmake
# Any file as it is. With ASM, for compilers that take GNU assembly and make ELF, the assembler reads the file: C
# compilers take long for arrays of megabytes.
cmake_minimum_required(VERSION 3.22)

# The file's bytes as the elements of an array, in `bytes`.
function(read_bytes file)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  set(bytes "${hex}" PARENT_SCOPE)
endfunction()

# write_array(MADE_FROM SIZE): the C file, of `bytes`
function(write_array made_from size)
  file(WRITE "${OUT}" "/* Made from ${made_from} by kernels/embed.cmake. */
#include <stddef.h>

extern const unsigned char ${NAME}[];
extern const size_t ${NAME}_size;

const unsigned char ${NAME}[] = {
${bytes}
};
const size_t ${NAME}_size = ${size};
")
endfunction()

# The same for the assembler, which counts and reads the file itself.
function(write_assembly made_from size)
  file(WRITE "${OUT}" "/* Made from ${made_from} by kernels/embed.cmake. */
#include <stddef.h>

extern const unsigned char ${NAME}[];
extern const size_t ${NAME}_size;

__asm__(\".pushsection .rodata\\n\"
        \".balign 16\\n\"
        \".globl ${NAME}\\n\"
        \".hidden ${NAME}\\n\"
        \".type ${NAME}, %object\\n\"
        \".size ${NAME}, ${size}\\n\"
        \"${NAME}: .incbin \\\"${IN}\\\"\\n\"
        \".popsection\\n\");
const size_t ${NAME}_size = ${size};
")
endfunction()

if(BINARY)
  get_filename_component(made_from "${IN}" NAME)
  file(SIZE "${IN}" size)
  if(ASM)
    write_assembly("${made_from}" ${size})
  else()
    read_bytes("${IN}")
    write_array("${made_from}" ${size})
  endif()
  return()
endif()

set(included "")

# Reads a file of the source tree into `text`, an outer variable.
function(append_file file)
  # Semicolons and brackets mean something in CMake's lists: cut the text by hand.
  file(READ "${TOP}/${file}" rest)
  set(own "#line 1 \"${file}\"\n")
  set(number 1)
  string(REGEX MATCHALL "#include \"[^\"]*\"\n" includes "${rest}")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "#include \"([^\"]*)\"\n" "\\1" other "${line}")
    string(FIND "${rest}" "${line}" at)
    string(LENGTH "${line}" length)
    string(SUBSTRING "${rest}" 0 ${at} before)
    math(EXPR after "${at} + ${length}")
    string(SUBSTRING "${rest}" ${after} -1 rest)
    string(REGEX MATCHALL "\n" newlines "${before}")
    list(LENGTH newlines count)
    math(EXPR number "${number} + ${count} + 1")
    string(APPEND own "${before}")
    if(NOT other IN_LIST included)
      list(APPEND included "${other}")
      set(text "")
      append_file("${other}")
      string(APPEND own "${text}")
    endif()
    string(APPEND own "#line ${number} \"${file}\"\n")
  endforeach()
  set(included "${included}" PARENT_SCOPE)
  set(text "${own}${rest}" PARENT_SCOPE)
endfunction()

file(RELATIVE_PATH first "${TOP}" "${IN}")
append_file("${first}")

file(WRITE "${OUT}.txt" "${text}")
file(SIZE "${OUT}.txt" size)
read_bytes("${OUT}.txt")
file(REMOVE "${OUT}.txt")
write_array("${first}" ${size})
