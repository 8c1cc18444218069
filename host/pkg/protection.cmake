# What compilers and linkers do against a mistake in the code (parseal_build): canaries on stacks, checked calls of the
# C library, branches that land on marked places alone, and tables of functions that are filled and then read-only.
# Added where the tools take it, and where the one who builds has not decided otherwise.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)
include(CheckPIESupported)

check_pie_supported(LANGUAGES C)

# clang only warns of another processor's flag.
set(CMAKE_REQUIRED_FLAGS -Werror)
foreach(flag IN ITEMS -fstack-protector-strong -fcf-protection=full -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "PARSEAL_HAS${flag}" known)
  check_c_compiler_flag(${flag} ${known})
  if(${known})
    target_compile_options(parseal_build INTERFACE $<$<COMPILE_LANGUAGE:C>:${flag}>)
  endif()
endforeach()
unset(CMAKE_REQUIRED_FLAGS)

# Checked calls need optimisation, and sanitizers check more. Some compilers define the macro themselves, and who
# gives it in CMAKE_C_FLAGS has chosen a level.
set(CMAKE_REQUIRED_FLAGS -O2)
check_c_source_compiles("
#ifdef _FORTIFY_SOURCE
#error it is defined
#endif
int main(void) { return 0; }" PARSEAL_FORTIFY_IS_OURS)
unset(CMAKE_REQUIRED_FLAGS)
if(PARSEAL_FORTIFY_IS_OURS AND NOT PARSEAL_SANITIZE)
  target_compile_definitions(parseal_build INTERFACE
    $<$<AND:$<COMPILE_LANGUAGE:C>,$<CONFIG:Release,RelWithDebInfo,MinSizeRel>>:_FORTIFY_SOURCE=2>)
endif()

foreach(flag IN ITEMS relro now noexecstack)
  check_linker_flag(C LINKER:-z,${flag} PARSEAL_LINKER_HAS_${flag})
  if(PARSEAL_LINKER_HAS_${flag})
    target_link_options(parseal_build INTERFACE LINKER:-z,${flag})
  endif()
endforeach()

# Installed files do not say in which folders they were made.
check_c_compiler_flag(-ffile-prefix-map=a=b PARSEAL_HAS_FILE_PREFIX_MAP)
if(PARSEAL_HAS_FILE_PREFIX_MAP)
  target_compile_options(parseal_build INTERFACE "$<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${PROJECT_SOURCE_DIR}=.>"
    "$<$<NOT:$<CONFIG:Debug>>:-ffile-prefix-map=${PROJECT_BINARY_DIR}=build>")
endif()
