# Passes when the two programs print the same.
foreach(unit IN ITEMS first second)
  execute_process(COMMAND "${${unit}}" OUTPUT_VARIABLE printed_${unit} COMMAND_ERROR_IS_FATAL ANY)
  message("${${unit}}\n${printed_${unit}}")
endforeach()
if(NOT printed_first STREQUAL printed_second)
  message(FATAL_ERROR "the two differ")
endif()
