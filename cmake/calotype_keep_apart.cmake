# Links the unit of a dispatched model (`object`) by itself and makes all its symbols local but the table, so that the
# final link can neither give its inline functions to others nor replace them. See calotype_dispatch.cmake.
set(table "_ZN8calotype2nn6detail7unit_of")

# Groups that the linker would keep only one copy of become plain sections first: a local symbol in a group that is
# discarded in favour of another unit's would be lost.
execute_process(COMMAND "${linker}" -r --force-group-allocation -o "${alone}.linked" "${object}"
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${objcopy}" --wildcard "--keep-global-symbol=${table}*" "${alone}.linked" "${alone}"
                COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE "${alone}.linked")

execute_process(COMMAND "${nm}" "${alone}" OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
set(tables 0)
foreach(symbol IN LISTS symbols)
  if(symbol MATCHES "^[0-9a-f]+ [A-TV-Zuvw] (.*)$")
    set(name "${CMAKE_MATCH_1}")
    if(name MATCHES "^${table}")
      math(EXPR tables "${tables} + 1")
    else()
      set(fault "the symbol ${name} is not local")
    endif()
  elseif(symbol MATCHES " [tT] (_GLOBAL__(sub_)?I_.*)$")
    set(fault "a variable is initialised by code when the program starts, on any CPU (${CMAKE_MATCH_1}); make it constinit")
  endif()
endforeach()
if(NOT tables EQUAL 1)
  set(fault "${tables} tables instead of one")
endif()
if(DEFINED fault)
  file(REMOVE "${alone}")
  message(FATAL_ERROR "calotype: ${object} cannot be kept apart: ${fault}")
endif()
