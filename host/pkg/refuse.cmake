# Flags under which parseal would not give the bytes that its formats name, whichever way they have come.
string(TOUPPER "CMAKE_C_FLAGS_${CMAKE_BUILD_TYPE}" build_type_flags)
foreach(variable IN ITEMS CMAKE_C_FLAGS ${build_type_flags})
  if(" ${${variable}} " MATCHES
      " (-Ofast|-ffast-math|-funsafe-math-optimizations|-fassociative-math|-freciprocal-math|-ffinite-math-only) ")
    message(FATAL_ERROR "parseal quantises by the rules of IEEE 754, which ${CMAKE_MATCH_1} lets the compiler break: "
      "take it out of ${variable}")
  endif()
endforeach()
