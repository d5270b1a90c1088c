# What must be on the machine beforehand. Everything that is missing is named at once, each with the command that
# installs it. Sourced by scripts/setup.sh.

MISSING=()

# missing WHAT WHY COMMAND
missing() { MISSING+=("$(printf '  %s\n      needed for: %s\n      install it: %s' "$1" "$2" "$3")"); }

apt() {
  local sudo='sudo '
  [ "$(id -u)" -ne 0 ] || sudo=''
  if command -v apt-get >/dev/null; then echo "${sudo}apt-get update && ${sudo}apt-get install -y $*"
  else echo "with your package manager (on Debian and Ubuntu: apt-get install -y $*)"; fi
}

at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

check_prerequisites() {
  check_node
  check_compiler
  case "$ROS_SOURCE" in
    wheels) check_platform; check_python_for_wheels ;;
    sourced) check_sourced_ros ;;
    none) command -v python3 >/dev/null || missing 'python3' 'compiling the Node.js add-ons' "$(apt python3)" ;;
  esac
  [ ${#MISSING[@]} -eq 0 ] && return 0
  {
    printf 'setup: this machine lacks:\n\n'
    printf '%s\n\n' "${MISSING[@]}"
    printf 'Then run `make setup` again. More in docs/install.md.\n'
  } >&2
  exit 1
}

check_node() {
  local install='see https://nodejs.org/en/download, or: npx --yes n 20   (Debian and Ubuntu package an older one)'
  NODE_VERSION=$(node --version 2>/dev/null || true)
  NODE_VERSION=${NODE_VERSION#v}
  if [ -z "$NODE_VERSION" ]; then
    missing 'Node.js >= 20.20' 'everything' "$install"
  elif ! at_least "$NODE_VERSION" 20.20.0; then
    missing "Node.js >= 20.20 (here is $NODE_VERSION at $(command -v node))" 'everything' "$install"
  else
    check_node_headers
  fi
  command -v npm >/dev/null || missing 'npm' 'the Node.js packages' "comes with Node.js; else $(apt npm)"
}

# The headers lie beside a node of nodejs.org, nvm, n or NodeSource; taking them from there spares a download that
# many machines may not make.
check_node_headers() {
  local prefix version
  for prefix in "${NODE_HEADERS:-}" "$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")" \
    "$(node -p 'path.dirname(path.dirname(process.execPath))')" /usr /usr/local; do
    [ -f "$prefix/include/node/node_version.h" ] || continue
    version=$(awk '/define NODE_(MAJOR|MINOR|PATCH)_VERSION/ { v = v s $3; s = "." } END { print v }' \
      "$prefix/include/node/node_version.h")
    if [ "${version%%.*}" = "${NODE_VERSION%%.*}" ]; then NODE_HEADERS=$prefix; return; fi
  done
  missing "Node.js headers (include/node/node.h) of version $NODE_VERSION" 'compiling better-sqlite3 and hnswlib-node' \
    'NODE_HEADERS=PREFIX make setup, where PREFIX is an unpacked archive of nodejs.org; Debian: apt-get install libnode-dev'
}

check_compiler() {
  local why='compiling better-sqlite3, hnswlib-node and the ROS binding'
  command -v "${CC:-cc}" >/dev/null || missing "a C compiler (${CC:-cc})" "$why" "$(apt build-essential)"
  command -v "${CXX:-g++}" >/dev/null || missing "a C++ compiler (${CXX:-g++})" "$why" "$(apt g++)"
  command -v make >/dev/null || missing 'make' "$why" "$(apt make)"
}

check_platform() {
  local glibc
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null || echo 'no glibc')
  if [ "$(uname -sm)" = 'Linux x86_64' ] && at_least "${glibc#glibc }" 2.28; then return 0; fi
  missing "a sourced ROS 2 (its wheels exist for x86_64 Linux with glibc >= 2.28; this is $(uname -sm), $glibc)" \
    'the node' 'https://docs.ros.org/en/jazzy/Installation.html, then: source /opt/ros/jazzy/setup.bash && make setup
                  without ROS, for the offline commands only: scripts/setup.sh --without-ros'
}

check_sourced_ros() {
  local package="ros-$ROS_DISTRO-ros-base"
  local why="building this package's interfaces"
  command -v python3 >/dev/null || missing 'python3' "$why" "$(apt python3)"
  command -v cmake >/dev/null || missing 'cmake' "$why" "$(apt cmake)"
  ament_has rosidl_default_generators || missing 'rosidl_default_generators' "$why" "$(apt "$package" ros-dev-tools)"
  ament_has rclpy || missing 'rclpy' 'the tests on a ROS graph' "$(apt "$package")"
}

# Finds the interpreter for the wheels: PYTHON.
check_python_for_wheels() {
  local candidate version facts usable=''
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.12 python3.11 python3.13 python3.10; do
    version=$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case "$version" in 3.10 | 3.11 | 3.12 | 3.13) usable=$candidate; break ;; esac
  done
  if [ -z "$usable" ]; then
    missing 'Python 3.10 to 3.13' 'ROS 2 from wheels' "$(apt python3 python3-venv python3-dev); another one: PYTHON=PATH make setup"
    return
  fi
  PYTHON=$usable
  PYTHON_VERSION=$version
  facts=$("$PYTHON" -c '
import importlib.util as find, os, sysconfig
print(all(find.find_spec(m) for m in ("venv", "ensurepip")), os.path.exists(sysconfig.get_path("include") + "/Python.h"))')
  case "$facts" in False*) missing "the venv module of $PYTHON" 'ROS 2 from wheels' "$(apt "python$version-venv")" ;; esac
  case "$facts" in *False) missing "Python.h of $PYTHON" "building this package's interfaces" "$(apt "python$version-dev")" ;; esac
}
