# Passes when the program prints the bits that are written down. After a deliberate change of the arithmetic:
#   build/dev/tests/odr/bits_native > tests/odr/bits.txt
cmake_policy(SET CMP0007 NEW)
list(REMOVE_ITEM command "")
execute_process(COMMAND ${command} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
file(READ "${expected}" written)
if(NOT printed STREQUAL written)
  message(FATAL_ERROR "other bits than in ${expected}:\n${printed}\ninstead of\n${written}")
endif()
