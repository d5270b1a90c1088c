#!/usr/bin/env bash
# Localizes a drive in a real ROS 2 graph: map, node, player and judge are processes of their own.
#   scripts/demo.sh                           a drive through the rendered town
#   DATA=DIR [CONDITION=night] scripts/demo.sh   a CSV data set: role database is the map, role query the drive
# Also: RATE (frames a second), RADIUS (metres that count as the same place), OUT (folder of the results).
# Run it by `make demo`, or in a shell with `. scripts/ros-env.sh`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec node dist/src/cli/demo/main.js
