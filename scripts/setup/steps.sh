# Steps with stamps, two lanes at a time, and failures that say what to do. Sourced by scripts/setup.sh.

say() { printf '[%3ss] %s\n' "$SECONDS" "$*" >&2; }

# The identity of what a step depends on: its arguments and the contents of the files named after `--`.
key_of() {
  local facts=()
  while [ $# -gt 0 ] && [ "$1" != -- ]; do facts+=("$1"); shift; done
  [ $# -eq 0 ] || shift
  { printf '%s\n' ${facts[@]+"${facts[@]}"}; [ $# -eq 0 ] || cat -- "$@"; } | sha256sum | cut -c1-32
}

# step WHAT STAMP KEY FUNCTION PRODUCT: runs FUNCTION unless the file STAMP says that it ran to its end for the same KEY, and
# PRODUCT is still there. The stamp is removed first and written last, so an interrupted step is run again.
step() {
  local what=$1 stamp=$2 key=$3 work=$4 product=$5 log status=0 started=$SECONDS
  if [ -e "$product" ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; then return 0; fi
  log="$STATE/log/${what// /-}.log"
  mkdir -p "$STATE/log"
  rm -f "$stamp"
  say "$what ..."
  set +e
  (set -e; "$work") >"$log" 2>&1
  status=$?
  set -e
  [ "$status" -eq 0 ] || step_failed "$what" "$log"
  mkdir -p "$(dirname "$stamp")"
  printf '%s\n' "$key" >"$stamp.new"
  mv "$stamp.new" "$stamp"
  say "$what: done in $((SECONDS - started)) s"
  STEPS_RUN=1
}

step_failed() {
  local what=$1 log=$2
  {
    printf '\n--- the last lines of %s\n' "$log"
    tail -n 25 "$log"
    printf -- '---\n'
    say "FAILED: $what"
    explain_log "$log"
    printf 'Run `make setup` again afterwards: it goes on where it stopped.\n'
  } >&2
  exit 1
}

# The usual reasons for a failed step, recognised in its log.
explain_log() {
  if grep -qiE 'ENOSPC|no space left' "$1"; then
    echo 'The disk is full: setup needs about 1.5 GB here and 200 MB in the cache folder (df -h . ~).'
  elif grep -qiE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET|Temporary failure in name resolution|Max retries|NewConnectionError|Could not find a version' "$1"; then
    echo 'The package registry could not be reached. Check the network or proxy (HTTPS_PROXY), or name a mirror:'
    echo '  npm config set registry URL        pip config set global.index-url URL'
  elif grep -qiE 'CERT_|certificate verify failed|self.signed' "$1"; then
    echo 'A TLS certificate was refused. Behind an inspecting proxy: NODE_EXTRA_CA_CERTS=FILE and PIP_CERT=FILE.'
  elif grep -qiE 'EACCES|Permission denied' "$1"; then
    echo "Files here belong to somebody else, perhaps from an earlier sudo:  sudo chown -R \"\$USER\" \"$ROOT\""
  elif grep -qiE 'out of memory|Killed signal|cc1plus.*Killed|internal compiler error' "$1"; then
    echo 'The compiler ran out of memory. Use one job at a time:  JOBS=1 make setup'
  elif grep -q 'THESE PACKAGES DO NOT MATCH THE HASHES' "$1"; then
    echo 'A wheel differs from its checksum in scripts/ros-requirements.txt: a broken download, or an altered mirror.'
    echo 'Clear the cache and try again:  python3 -m pip cache purge'
  fi
}

LANES=()

# Ends the lanes with all that they started, and returns when nothing of it is left: npm needs more than one hint.
stop_lanes() {
  local signal lane patience
  for signal in INT TERM KILL; do
    for lane in ${LANES[@]+"${LANES[@]}"}; do kill "-$signal" -- "-$lane" 2>/dev/null || true; done
    for patience in {1..10}; do
      lanes_alive || return 0
      sleep 0.1
    done
  done
}

lanes_alive() {
  local lane
  for lane in ${LANES[@]+"${LANES[@]}"}; do ! kill -0 -- "-$lane" 2>/dev/null || return 0; done
  return 1
}

interrupted() {
  trap - INT TERM HUP
  stop_lanes
  say 'interrupted; run it again to go on'
  exit 130
}

# parallel FUNCTION...: runs each in a process group of its own (so that Ctrl-C ends whole compilations), waits for
# all, and stops the others when one fails.
parallel() {
  local lane
  trap interrupted INT TERM HUP
  set -m
  for lane in "$@"; do
    "$lane" </dev/null &
    LANES+=($!)
  done
  set +m
  for lane in "$@"; do
    wait -n || { trap - INT TERM HUP; stop_lanes; exit 1; }
  done
  LANES=()
  trap - INT TERM HUP
}

# Two setups in one folder would undo each other's work; the second one waits.
only_one_setup() {
  command -v flock >/dev/null || return 0
  exec 8>"$STATE/setup.lock"
  flock -n 8 || { say 'another setup is running in this folder; waiting for it'; flock 8; }
}

say_summary() {
  local ros="ROS: $ROS_SOURCE"
  [ "$ROS_SOURCE" != sourced ] || ros="ROS: ${ROS_DISTRO} as sourced"
  [ "$ROS_SOURCE" != wheels ] || ros='ROS: Jazzy from wheels; . scripts/ros-env.sh enters it'
  [ "$ROS_SOURCE" != none ] || ros='no ROS: the offline commands work, the node does not'
  say "setup is complete ($ros)"
}
