# What cannot be kept apart is refused: code that would run before a unit has been chosen, and a file without a table.
function(refuse name expected source)
  file(WRITE "${folder}/${name}.cpp" "${source}")
  execute_process(COMMAND "${compiler}" -O1 -fPIC -c "${folder}/${name}.cpp" -o "${folder}/${name}.whole.o"
                  COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND "${CMAKE_COMMAND}" "-Dobject=${folder}/${name}.whole.o" "-Dalone=${folder}/${name}.o"
                          "-Dobjcopy=${objcopy}" "-Dnm=${nm}" -P "${script}"
                  RESULT_VARIABLE status ERROR_VARIABLE text)
  if(status EQUAL 0 OR EXISTS "${folder}/${name}.o" OR NOT text MATCHES "${expected}")
    message(FATAL_ERROR "${name} was not refused (${status}): ${text}")
  endif()
endfunction()

set(table "namespace calotype::nn::detail { template <int> struct unit_of { static int const table; };
template <int I> int const unit_of<I>::table = I; template struct unit_of<3>; }")
refuse(starts "initialised by code" "${table}\nint f();\nint volatile first = f();")
refuse(empty "0 tables" "int f() { return 1; }")
