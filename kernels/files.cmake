# KERNEL_FILES_CUDA and KERNEL_FILES_OPENCL: the names of the files of kernels, as kernels.h lists them.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/kernels.h)
file(READ ${CMAKE_CURRENT_LIST_DIR}/kernels.h list)
string(REGEX MATCHALL "(BOTH|CUDA)\\([A-Z0-9_]+, [a-z0-9_]+, X\\)" KERNEL_FILES_CUDA "${list}")
set(KERNEL_FILES_OPENCL ${KERNEL_FILES_CUDA})
list(FILTER KERNEL_FILES_OPENCL INCLUDE REGEX "^BOTH")
foreach(files IN ITEMS KERNEL_FILES_CUDA KERNEL_FILES_OPENCL)
  list(TRANSFORM ${files} REPLACE "^[^,]*, ([a-z0-9_]+), X.*" "\\1")
endforeach()
