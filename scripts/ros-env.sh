# Puts a shell into the ROS environment that make uses:   . scripts/ros-env.sh
# A sourced ROS 2 stays what it is; otherwise it is the one of the wheels in .ros/ (made by `make setup`). On top come
# this package's own interfaces and the Fast-DDS profile without which images above 0.5 MB are lost.
# For bash, zsh and sh (sh: from the project's folder); sourcing it twice changes nothing.

# shellcheck shell=sh
if [ -n "${BASH_VERSION:-}" ]; then _netvlad_here=$(dirname "${BASH_SOURCE[0]}")
elif [ -n "${ZSH_VERSION:-}" ]; then eval '_netvlad_here=$(dirname "${(%):-%x}")'
else _netvlad_here=./scripts; fi
_netvlad_root=$(cd "$_netvlad_here/.." 2>/dev/null && pwd -P)
_netvlad_state=$(cd "$_netvlad_root/.ros" 2>/dev/null && pwd -P)

# _netvlad_prepend VARIABLE ENTRY: puts ENTRY first in a list of paths unless it is in it.
_netvlad_prepend() {
  eval "_netvlad_list=\${$1:-}"
  case ":$_netvlad_list:" in
    *":$2:"*) ;;
    *) eval "export $1=\"\$2\${_netvlad_list:+:\$_netvlad_list}\"" ;;
  esac
}

_netvlad_enter_wheels() {
  export NETVLAD_ROS_WHEELS="$_netvlad_state/venv" VIRTUAL_ENV="$_netvlad_state/venv"
  export ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3 RMW_IMPLEMENTATION=rmw_fastrtps_cpp
  export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1 # their .pth file would start every Python twice
  _netvlad_prepend PATH "$NETVLAD_ROS_WHEELS/bin"
  _netvlad_prepend AMENT_PREFIX_PATH "$NETVLAD_ROS_WHEELS"
  _netvlad_prepend CMAKE_PREFIX_PATH "$NETVLAD_ROS_WHEELS"
  for _netvlad_path in "$NETVLAD_ROS_WHEELS"/lib/python3.*/site-packages/ros_*.libs "$NETVLAD_ROS_WHEELS/lib"; do
    [ ! -d "$_netvlad_path" ] || _netvlad_prepend LD_LIBRARY_PATH "$_netvlad_path"
  done
}

_netvlad_enter_overlay() {
  [ -d "$_netvlad_state/overlay" ] || return 0
  _netvlad_prepend AMENT_PREFIX_PATH "$_netvlad_state/overlay"
  _netvlad_prepend CMAKE_PREFIX_PATH "$_netvlad_state/overlay"
  _netvlad_prepend LD_LIBRARY_PATH "$_netvlad_state/overlay/lib"
  # `find`, since zsh stops at a pattern that matches nothing
  for _netvlad_path in $(cd "$_netvlad_state/overlay" && find . -maxdepth 4 -type d -name '*-packages'); do
    _netvlad_prepend PYTHONPATH "$_netvlad_state/overlay/${_netvlad_path#./}"
  done
}

if [ -z "$_netvlad_state" ]; then
  echo 'ros-env.sh: not set up yet: run `make setup` first (in sh, source this file from the project folder)' >&2
  _netvlad_status=1
else
  if [ -n "${ROS_DISTRO:-}" ] && [ -n "${AMENT_PREFIX_PATH:-}" ] && [ -z "${NETVLAD_ROS_WHEELS:-}" ]; then
    _netvlad_status=0
  elif [ -x "$_netvlad_state/venv/bin/python3" ]; then
    _netvlad_enter_wheels
    _netvlad_status=0
  else
    echo 'ros-env.sh: no ROS here: run `make setup`, or source a ROS 2 installation first' >&2
    _netvlad_status=1
  fi
  _netvlad_enter_overlay
  if [ -z "${FASTRTPS_DEFAULT_PROFILES_FILE:-}" ]; then export FASTRTPS_DEFAULT_PROFILES_FILE="$_netvlad_root/config/fastdds.xml"; fi
fi
unset _netvlad_here _netvlad_root _netvlad_state _netvlad_list _netvlad_path
unset -f _netvlad_prepend _netvlad_enter_wheels _netvlad_enter_overlay
(exit "$_netvlad_status")
