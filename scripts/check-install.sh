#!/usr/bin/env bash
# Builds the package with cmake into an empty prefix, as colcon does, and uses what was installed there: the command line
# makes a map, the node loads it, becomes active on the graph, and ends with code 0 on SIGINT and on SIGTERM.
# Run in the ROS environment (make check-install).
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=$(mktemp -d "${TMPDIR:-/tmp}/check-install.XXXXXX")
NODE_PID=
clean_up() {
  [ -z "$NODE_PID" ] || kill -KILL "$NODE_PID" 2>/dev/null || true
  rm -rf "$WORK"
}
trap clean_up EXIT

fail() { echo "check-install: $*" >&2; exit 1; }
say() { printf '[%3ss] %s\n' "$SECONDS" "$*" >&2; }

# A source tree of its own, without .ros (CMake refuses to export the include paths of wheels inside the source folder).
mkdir "$WORK/source"
for entry in "$ROOT"/*; do
  case "${entry##*/}" in node_modules) ln -s "$entry" "$WORK/source/" ;; coverage | install | log | out) ;; *) cp -R "$entry" "$WORK/source/" ;; esac
done
PREFIX="$WORK/a prefix"

say 'cmake configure, build, install'
{
  cmake -S "$WORK/source" -B "$WORK/build" -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_BUILD_TYPE=Release \
    -DPython3_EXECUTABLE="$(command -v python3)"
  cmake --build "$WORK/build" --parallel "$(nproc)"
  cmake --install "$WORK/build"
} >"$WORK/build.log" 2>&1 || { tail -n 40 "$WORK/build.log" >&2; fail 'the build failed'; }

# The source goes away: what runs from here on is what was installed.
rm -rf "$WORK/source" "$WORK/build"
export AMENT_PREFIX_PATH="$PREFIX:$AMENT_PREFIX_PATH"
export LD_LIBRARY_PATH="$PREFIX/lib:${LD_LIBRARY_PATH:-}"
PYTHONPATH="$(find "$PREFIX" -type d -name '*-packages' | paste -sd : -):${PYTHONPATH:-}"
export PYTHONPATH
export ROS_DOMAIN_ID=$((1 + $$ % 101))

installed() { "$PREFIX/lib/netvlad_localizer/$1" "${@:2}"; }

cd "$WORK"
say "the installed command line, version $(installed netvlad --version), renders a street and maps it"
{
  installed netvlad simulate --out street --frames 6 --conditions day --size 320x240
  installed netvlad map build street/index.csv --out street.vprmap
} >"$WORK/map.log" 2>&1 || { cat "$WORK/map.log" >&2; fail 'the installed command line failed'; }

for signal in INT TERM; do
  "$PREFIX/lib/netvlad_localizer/localizer_node" --ros-args -p map:="$WORK/street.vprmap" >"$WORK/node.log" 2>&1 &
  NODE_PID=$!
  python3 "$ROOT/scripts/testing/await_lifecycle_node.py" /localizer active ||
    { cat "$WORK/node.log" >&2; fail 'the installed node does not become active'; }
  kill -"$signal" "$NODE_PID"
  status=0
  wait "$NODE_PID" || status=$?
  NODE_PID=
  [ "$status" -eq 0 ] || { cat "$WORK/node.log" >&2; fail "the installed node ended with code $status on SIG$signal"; }
  say "the installed node loaded model and map, became active, and ended with code 0 on SIG$signal"
done
