# SPDX-License-Identifier: EUPL-1.2
# layer(NAME SEES other layers and libraries)
#
# One folder, one library. A layer's headers are found as "name/file.h" only by those
# that link it: its include folder holds one link, to itself. So a layer that includes
# upwards does not compile.
function(layer name)
  cmake_parse_arguments(LAYER "" "" "SEES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  list(FILTER sources EXCLUDE REGEX "_main\\.c$")
  if(NOT sources) # a layer that has only headers yet
    file(WRITE ${CMAKE_BINARY_DIR}/empty.c "")
    set(sources ${CMAKE_BINARY_DIR}/empty.c)
  endif()
  set(view ${CMAKE_BINARY_DIR}/layers/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${name} SYMBOLIC)
  add_library(vigie_${name} STATIC ${sources})
  set_target_properties(vigie_${name} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(vigie_${name} PUBLIC ${view} ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(vigie_${name} PUBLIC ${LAYER_SEES} PRIVATE vigie_flags)
endfunction()
