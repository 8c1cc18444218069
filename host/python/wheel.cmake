# What a wheel is made of, unless the options say otherwise (--config-settings=cmake.define.PARSEAL_...), and in words
# for those who never saw this project's sources what is missing for it.
find_program(pkg_config NAMES $ENV{PKG_CONFIG} pkg-config pkgconf NO_CACHE)
if(NOT pkg_config)
  message(FATAL_ERROR "parseal: pkg-config is missing (Debian: apt-get install pkg-config)")
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM QUIET libsodium>=1.0.18)
if(NOT SODIUM_FOUND)
  message(FATAL_ERROR "parseal: libsodium 1.0.18 or later is missing, or its headers are "
    "(Debian: apt-get install libsodium-dev)")
endif()
find_package(Python 3.11 QUIET COMPONENTS Interpreter Development.Module)
if(NOT Python_Development.Module_FOUND)
  message(FATAL_ERROR "parseal: the headers of this Python (${Python_EXECUTABLE}) are missing "
    "(Debian: apt-get install python3-dev)")
endif()

set(PARSEAL_PYTHON ON CACHE BOOL "")
set(PARSEAL_BUILD_TESTS OFF CACHE BOOL "")
set(PARSEAL_BUILD_BENCH OFF CACHE BOOL "")
if(NOT DEFINED PARSEAL_BUILD_CLI)
  pkg_check_modules(JANSSON QUIET jansson>=2.11)
  if(NOT JANSSON_FOUND)
    message(STATUS "Without the command (python -m parseal): jansson 2.11 or later is missing "
      "(Debian: apt-get install libjansson-dev)")
  endif()
  set(PARSEAL_BUILD_CLI ${JANSSON_FOUND} CACHE BOOL "")
endif()
