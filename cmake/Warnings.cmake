# SPDX-License-Identifier: EUPL-1.2
# What every file of ours is compiled with. Generated files are not ours.
add_library(vigie_flags INTERFACE)
target_compile_definitions(vigie_flags INTERFACE _GNU_SOURCE)
target_compile_options(vigie_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Werror -fno-omit-frame-pointer)

# What is installed is optimised as a whole; tests are linked of the same objects, quickly.
if(VIGIE_WHOLE AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  target_compile_options(vigie_flags INTERFACE -flto=auto -ffat-lto-objects)
  target_link_options(vigie_flags INTERFACE
    "$<IF:$<BOOL:$<TARGET_PROPERTY:WHOLE>>,-flto=auto;-flto-partition=one,-fno-lto>")
endif()
function(whole_program)
  set_target_properties(${ARGN} PROPERTIES WHOLE ON)
endfunction()

if(VIGIE_SANITIZE)
  add_compile_options(-fsanitize=${VIGIE_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VIGIE_SANITIZE})
endif()
if(VIGIE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()
if(VIGIE_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()
