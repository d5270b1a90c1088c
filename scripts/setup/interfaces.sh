# What stands on ROS: our interfaces in .ros/overlay, the binding for Node.js, its message classes.
# Sourced by scripts/setup.sh.

# prefix_of PACKAGE: where the ROS installation has it; what setup itself built in the overlay does not count.
prefix_of() {
  local prefix
  while IFS= read -r -d: prefix; do
    [ "$prefix" != "$STATE/overlay" ] || continue
    if [ -e "$prefix/share/ament_index/resource_index/packages/$1" ]; then echo "$prefix"; return 0; fi
  done <<<"${AMENT_PREFIX_PATH:-}:"
  return 1
}

ament_has() { prefix_of "$1" >/dev/null; }

prepare_ros() {
  [ "$ROS_SOURCE" != none ] || return 0
  install_ros
  . scripts/ros-env.sh
  mkdir -p "$STATE/stamps"
  local ros tf2=scripts/ros/tf2_msgs
  ros=$(ros_identity)
  if ! ament_has tf2_msgs; then
    step 'interface package tf2_msgs' "$STATE/stamps/tf2_msgs" \
      "$(key_of "$ros" -- "$tf2/package.xml" "$tf2/CMakeLists.txt" "$tf2"/msg/*)" build_tf2_msgs "$STATE/overlay/share/tf2_msgs"
  fi
  step 'interface package netvlad_localizer' "$STATE/stamps/interfaces" \
    "$(key_of "$ros" -- package.xml CMakeLists.txt cmake/start.sh.in msg/*.msg)" build_interfaces \
    "$STATE/overlay/share/netvlad_localizer"
  . scripts/ros-env.sh
  install_binding
  step 'JavaScript message classes' node_modules/rclnodejs/generated/.complete \
    "$(key_of "$ros" "$(package_version rclnodejs)" "$(cat "$STATE/stamps/interfaces")")" generate_classes \
    node_modules/rclnodejs/generated/netvlad_localizer
}

# Changes with everything that an interface package is built against.
ros_identity() {
  if [ "$ROS_SOURCE" = wheels ]; then cat "$STATE/stamps/wheels"
  else key_of "$STATE" "$ROS_DISTRO" "${AMENT_PREFIX_PATH//"$STATE/overlay:"/}"; fi
}

build_tf2_msgs() { build_package tf2_msgs scripts/ros/tf2_msgs; }

# From a copy beside the wheels: CMake refuses to export include paths (numpy's, in .ros/venv) that lie inside the
# source folder.
build_interfaces() {
  local copy="$STATE/build/source"
  rm -rf "$copy"
  mkdir -p "$copy"
  cp -R package.xml CMakeLists.txt msg "$copy"
  build_package netvlad_localizer "$copy" -DINTERFACES_ONLY=ON
  rm -rf "$copy"
  link_sources
}

# So that `ros2 run` and `ros2 launch` find the package in the overlay too, running what lies in the source tree.
link_sources() {
  local share="$STATE/overlay/share/netvlad_localizer" folder executable
  mkdir -p "$STATE/overlay/lib/netvlad_localizer"
  for folder in bin config dist models node_modules package.json; do
    ln -sfn "$ROOT/$folder" "$share/$folder"
  done
  rm -rf "$share/launch"
  mkdir "$share/launch" # ros2 launch follows links to files, not to folders
  ln -s "$ROOT"/launch/*.py "$share/launch/"
  for executable in localizer_node netvlad; do
    sed -e "s#@executable@#$executable#g" -e "s#@NODE_EXECUTABLE@#$(command -v node)#" cmake/start.sh.in \
      >"$STATE/overlay/lib/netvlad_localizer/$executable"
    chmod +x "$STATE/overlay/lib/netvlad_localizer/$executable"
  done
}

# build_package NAME SOURCE [CMAKE OPTION...]: into the overlay prefix, whose packages shadow nothing but themselves.
build_package() {
  local build="$STATE/build/$1" source=$2
  shift 2
  rm -rf "$build"
  cmake -S "$source" -B "$build" -DCMAKE_INSTALL_PREFIX="$STATE/overlay" -DCMAKE_BUILD_TYPE=Release \
    -DBUILD_TESTING=OFF -DPython3_EXECUTABLE="$(command -v python3)" "$@"
  cmake --build "$build" --parallel "${JOBS:-$(nproc)}"
  cmake --install "$build"
  rm -rf "$build"
}

# rclnodejs loads prebuilds/<platform>/<distro>-<release>-<arch>-node-rclnodejs.node before anything else, and a
# binding under that name survives the `node-gyp clean` that an import outside the ROS environment starts.
install_binding() {
  local platform name
  await_node_packages
  [ -d node_modules/rclnodejs ] || { say 'rclnodejs is not among the Node.js packages: npm ci --include=optional'; exit 1; }
  platform="$(node -p 'process.platform')-$(node -p 'process.arch')"
  name="$ROS_DISTRO-$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")-$(node -p 'process.arch')-node-rclnodejs.node"
  BINDING="prebuilds/$platform/$name"
  install_addon rclnodejs rclnodejs.node "$BINDING" "require('./node_modules/rclnodejs/$BINDING')" "-$ROS_DISTRO${NETVLAD_ROS_WHEELS:+-wheels}"
}

# provide_ros_prefix WORK (called while the binding compiles): where ROS has no command line tools, as with the wheels, the
# build still asks for the folder above the one of `ros2`. It gets one, at WORK, with ROS's libraries and headers.
provide_ros_prefix() {
  local rcl
  rcl=$(prefix_of rcl)
  mkdir -p "$1/bin"
  ln -s "$rcl/lib" "$rcl/include" "$1/"
  printf '#!/bin/sh\n' >"$1/bin/ros2"
  chmod +x "$1/bin/ros2"
}

generate_classes() {
  (cd node_modules/rclnodejs && node -e "require('./rosidl_gen/index.cjs').generateAll(true).catch((e) => { console.error(e); process.exit(1) })")
  test -f node_modules/rclnodejs/generated/netvlad_localizer/netvlad_localizer__msg__PlaceHypotheses.js
}
