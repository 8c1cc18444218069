# IBM Z Linux, big-endian, with Debian's gcc-s390x-linux-gnu.
set(CMAKE_SYSTEM_PROCESSOR s390x)
include(${CMAKE_CURRENT_LIST_DIR}/linux-gnu.cmake)
