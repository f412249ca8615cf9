# Runs `command`; passes when it succeeds and prints something that matches `prints`.
execute_process(COMMAND ${command} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
message("${output}")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "exit code ${status}")
elseif(NOT output MATCHES "${prints}")
  message(FATAL_ERROR "what it printed does not match ${prints}")
endif()
