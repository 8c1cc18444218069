# What the cross builds for Linux share. The including file sets CMAKE_SYSTEM_PROCESSOR.
#
# PARSEAL_SYSROOT: a folder that holds the target's C library and the libraries that parseal needs, as their
# packages lay them out (tests/cross/run.sh makes one). Empty: they are installed beside this machine's own,
# in /usr/lib/<triple>. Where qemu-user is installed, ctest runs the tests under it.
set(CMAKE_SYSTEM_NAME Linux)
set(triple ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE ${triple})
set(CMAKE_C_COMPILER ${triple}-gcc CACHE STRING "")

set(PARSEAL_SYSROOT "" CACHE PATH "Folder of the target's libraries")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES PARSEAL_SYSROOT)
set(loader_prefix /usr/${triple})
if(PARSEAL_SYSROOT)
  set(CMAKE_SYSROOT ${PARSEAL_SYSROOT})
  set(loader_prefix ${PARSEAL_SYSROOT})
  set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
  set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
  set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
  set(ENV{PKG_CONFIG_SYSROOT_DIR} ${PARSEAL_SYSROOT})
endif()
set(ENV{PKG_CONFIG_LIBDIR} ${PARSEAL_SYSROOT}/usr/lib/${triple}/pkgconfig:${PARSEAL_SYSROOT}/usr/share/pkgconfig)

find_program(PARSEAL_QEMU NAMES qemu-${CMAKE_SYSTEM_PROCESSOR} qemu-${CMAKE_SYSTEM_PROCESSOR}-static)
if(PARSEAL_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${PARSEAL_QEMU} -L ${loader_prefix})
endif()
