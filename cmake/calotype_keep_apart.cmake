# Makes all symbols of a unit of a dispatched model (`object`) local but its table, so that the linker can neither give its
# inline functions to others nor replace them. See calotype_dispatch.cmake.
set(table "_ZN8calotype2nn6detail7unit_of")

# Without the groups of which the linker keeps one copy only, their sections are plain ones: a local symbol in a group that
# gave way to another unit's would be lost.
execute_process(COMMAND "${objcopy}" --remove-section=.group --wildcard "--keep-global-symbol=${table}*" "${object}" "${alone}"
                COMMAND_ERROR_IS_FATAL ANY)

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
