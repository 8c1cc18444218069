# cmake -DTOP=... -DTOOLS=<folder of nvcc> -P check-native.cmake, where a driver of emulated GPUs is the first in
# LD_LIBRARY_PATH: native_architectures() of kernels/cuda finds the GPUs for which nvcc makes machine code, each kind
# once, and 9.0 where there is none.
cmake_minimum_required(VERSION 3.22)

include(${TOP}/kernels/cuda/native.cmake)

# expect(ARCHITECTURES DEVICES CAPABILITY): what is found with so many emulated GPUs, the first of which has this one
function(expect architectures devices capability)
  set(ENV{PARSEAL_EMU_DEVICES} ${devices})
  set(ENV{PARSEAL_EMU_CAPABILITY} ${capability})
  native_architectures("75;80;89;90;100" found ${TOOLS})
  if(NOT PARSEAL_DEVICE_QUERY)
    message(STATUS "skipped: there is no __nvcc_device_query")
  elseif(NOT found STREQUAL architectures)
    message(FATAL_ERROR "${devices} GPUs, the first of ${capability}: found ${found}, not ${architectures}")
  endif()
endfunction()

expect("89" 1 89)
expect("100" 1 100)
expect("90" 0 89)
expect("90" 1 70)  # older than all kernels
expect("90" 1 121) # this nvcc does not know it
expect("75;80" 2 80)
expect("75" 2 75)
