# native_architectures(KNOWN OUT FOLDER...): the compute capabilities of the GPUs in this machine for which nvcc makes
# machine code (KNOWN), as __nvcc_device_query tells them, which is beside nvcc (FOLDER) and is what its own -arch=native
# asks. Where there is no such GPU it is 9.0, that of many servers.
function(native_architectures known out)
  set(found "")
  find_program(PARSEAL_DEVICE_QUERY __nvcc_device_query HINTS ${ARGN} PATHS ENV CUDA_PATH /usr/local/cuda
    PATH_SUFFIXES bin)
  mark_as_advanced(PARSEAL_DEVICE_QUERY)
  if(PARSEAL_DEVICE_QUERY)
    # Drivers of containers and of WSL are in folders of their own, which a loader may not know.
    execute_process(COMMAND ${CMAKE_COMMAND} -E env
        "LD_LIBRARY_PATH=$ENV{LD_LIBRARY_PATH}:/usr/local/nvidia/lib64:/usr/lib/wsl/lib" ${PARSEAL_DEVICE_QUERY}
      RESULT_VARIABLE failed OUTPUT_VARIABLE here ERROR_QUIET)
    if(NOT failed)
      string(REGEX MATCHALL "[0-9]+" found "${here}")
    endif()
  endif()
  set(native "")
  foreach(arch IN LISTS found)
    if(arch IN_LIST known AND arch GREATER_EQUAL 75)
      list(APPEND native ${arch})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES native)
  list(SORT native COMPARE NATURAL)
  if(NOT native)
    set(native 90)
  endif()
  set(${out} ${native} PARENT_SCOPE)
endfunction()
