# cmake -DBENCH=... -DFOLDER=... -P check-figures.cmake: a short run with all peers (each must give parseal's
# bytes), and the shape of the figures it leaves.
cmake_minimum_required(VERSION 3.22)

set(json_file ${FOLDER}/figures.json)
set(csv_file ${FOLDER}/figures.csv)
execute_process(
  COMMAND ${BENCH} --quick --peers --min-runs 1 --min-ms 0 --json ${json_file} --csv ${csv_file}
  RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "parseal-bench ended with ${status}")
endif()

file(READ ${json_file} figures)
foreach(field cpu cores memory os compiler parseal date memcpy_gbps)
  string(JSON ignored GET "${figures}" machine ${field})
endforeach()
string(JSON count LENGTH "${figures}" results)
math(EXPR last "${count} - 1")
set(seen "")
foreach(i RANGE ${last})
  foreach(field size n threads impl gbps gbps_min gbps_max ns ns_min ns_max)
    string(JSON ${field} GET "${figures}" results ${i} ${field})
  endforeach()
  string(JSON ignored TYPE "${figures}" results ${i} cpb)
  string(JSON op GET "${figures}" results ${i} op)
  string(JSON kind TYPE "${figures}" results ${i} gbps)
  if(kind STREQUAL "NULL" AND NOT op MATCHES "^call\\.(keys|seeds|context)")
    message(FATAL_ERROR "${op}: no rate")
  endif()
  if(NOT kind STREQUAL "NULL" AND (gbps_min GREATER gbps OR gbps GREATER gbps_max OR NOT gbps GREATER 0))
    message(FATAL_ERROR "${op}: ${gbps} GB/s is not between ${gbps_min} and ${gbps_max}")
  endif()
  if(ns_min GREATER ns OR ns GREATER ns_max OR NOT ns GREATER 0)
    message(FATAL_ERROR "${op}: ${ns} ns is not between ${ns_min} and ${ns_max}")
  endif()
  list(APPEND seen ${op})
endforeach()

foreach(op aead.seal.aes128gcm aead.open.aes128gcm aead.seal.aes256gcm aead.open.aes256gcm mask.write
           mask.add vec.sum.u32.pow2 vec.sum.u32.prime vec.sum.u64.pow2 vec.sum.u64.prime quantize
           dequantize pack unpack mask.fcp.b32 mask.fcp.b20 mask.fcp.rejecting packed.sum.b32 packed.sum.b20
           call.seal.aes256gcm call.open.aes256gcm call.keys.aes256gcm call.seeds call.context)
  if(NOT op IN_LIST seen)
    message(FATAL_ERROR "no row for ${op}")
  endif()
endforeach()

file(STRINGS ${csv_file} lines)
list(LENGTH lines n_lines)
math(EXPR n_lines "${n_lines} - 1")
if(NOT n_lines EQUAL count)
  message(FATAL_ERROR "${n_lines} rows of CSV, ${count} of JSON")
endif()
