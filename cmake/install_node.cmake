# Builds the Node.js part in the source tree (as npm does) and installs it with what it needs at run time:
#   lib/netvlad_localizer/{localizer_node,netvlad}     what `ros2 run` and launch files start
#   share/netvlad_localizer/{bin,dist,config,launch,models,node_modules}
find_program(NODE_EXECUTABLE node)
if(NOT NODE_EXECUTABLE)
  message(FATAL_ERROR "Node.js is not on the PATH; version 20.20 or newer is needed (docs/install.md).")
endif()

# Says itself which prerequisite is missing; does nothing when everything is up to date.
add_custom_target(node_part ALL
  COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/scripts/setup.sh" --node-only
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}"
  COMMENT "Node.js packages, add-ons and TypeScript build"
  VERBATIM
)

set(share "share/${PROJECT_NAME}")
foreach(executable localizer_node netvlad)
  configure_file(cmake/start.sh.in "start/${executable}" @ONLY)
  install(PROGRAMS "${CMAKE_CURRENT_BINARY_DIR}/start/${executable}" DESTINATION "lib/${PROJECT_NAME}")
endforeach()
install(DIRECTORY bin config launch models DESTINATION "${share}" PATTERN "__pycache__" EXCLUDE)
install(DIRECTORY dist/src DESTINATION "${share}/dist" OPTIONAL)
install(FILES package.json DESTINATION "${share}")

# Production packages alone, and message classes for exactly the interfaces of this environment.
install(CODE "
  execute_process(
    COMMAND \"${NODE_EXECUTABLE}\" \"${CMAKE_CURRENT_SOURCE_DIR}/cmake/install_node_packages.js\"
      \"${CMAKE_CURRENT_SOURCE_DIR}\" \"\$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}\"
    RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR \"Installing the Node.js packages failed (see above).\")
  endif()
")
