# The Node.js side: packages, compiled add-ons, the TypeScript build. Sourced by scripts/setup.sh.

NODE_STAMPS=node_modules/.netvlad_localizer

install_node_packages() {
  # A link is an installation shared by several work trees; whoever made it keeps it up to date.
  if [ -L node_modules ]; then return 0; fi
  step 'Node.js packages' "$NODE_STAMPS/packages" "$(packages_key)" npm_ci node_modules/.bin
}

packages_key() { key_of "$NODE_VERSION" -- package.json package-lock.json; }

# For the lane that did not install them.
await_node_packages() {
  until [ -L node_modules ] || [ "$(cat "$NODE_STAMPS/packages" 2>/dev/null)" = "$(packages_key)" ]; do sleep 0.3; done
}

# Install scripts stay off: they would fetch headers, prebuilt binaries and CUDA libraries from other hosts.
npm_ci() {
  ONNXRUNTIME_NODE_INSTALL=skip npm ci --ignore-scripts --no-audit --no-fund --no-progress --loglevel=error
}

prepare_node() {
  install_node_packages
  install_addon better-sqlite3 better_sqlite3.node build/Release/better_sqlite3.node \
    "new (require('better-sqlite3'))(':memory:').close()"
  install_addon hnswlib-node addon.node build/Release/addon.node \
    "new (require('hnswlib-node').HierarchicalNSW)('l2', 2)"
  step 'TypeScript build' dist/.complete "$(sources_key)" build_typescript dist/src/cli/main.js
}

sources_key() {
  { find src test bench -name '*.ts' -print0 2>/dev/null | sort -z | xargs -0 sha256sum; cat package-lock.json tsconfig.json; } | sha256sum
}

build_typescript() {
  node_modules/.bin/tsc -p tsconfig.json
  local output source
  find dist -name '*.js' | while IFS= read -r output; do
    source=${output#dist/}
    [ -f "${source%.js}.ts" ] || rm -f "$output" "$output.map" # of a source that is gone
  done
}

# What a compiled add-on depends on beside its own sources.
addon_abi() {
  local system
  system=$(. /etc/os-release 2>/dev/null && echo "${ID:-linux}${VERSION_ID:-}" || uname -s)
  echo "node$(node -p process.versions.modules)-$(uname -m)-$system"
}

package_version() { node -p "require('./node_modules/$1/package.json').version"; }

# install_addon PACKAGE BINARY PLACE CHECK [VARIANT]: compiles the node-gyp package, or takes it from the cache. BINARY is
# what gyp makes, PLACE where the package's loader looks for it, CHECK JavaScript that uses it.
install_addon() {
  ADDON=$1 ADDON_BINARY=$2 ADDON_OUTPUT=$3 ADDON_CHECK=$4
  ADDON_NAME="$1-$(package_version "$1")-$(addon_abi)${5:-}"
  step "compile $ADDON" "$NODE_STAMPS/$ADDON" "$ADDON_NAME" build_addon \
    "node_modules/$ADDON/$ADDON_OUTPUT"
}

build_addon() {
  local cached="${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/netvlad_localizer/$ADDON_NAME.node"
  local output="node_modules/$ADDON/$ADDON_OUTPUT"
  if [ -f "$output" ] && node -e "$ADDON_CHECK"; then echo 'there is one that works here'; return 0; fi
  if [ -f "$cached" ]; then
    place_file "$cached" "$output"
    if node -e "$ADDON_CHECK"; then echo "taken from $cached"; return 0; fi
    rm -f "$cached" "$output"
  fi
  compile_addon "$output"
  node -e "$ADDON_CHECK"
  # The cache only saves time: a machine without a writable home does without it.
  place_file "$output" "$cached" || true
}

# compile_addon OUTPUT: in a copy of the package, so that node_modules holds finished binaries only; gyp cannot handle
# blanks in paths, so with blanks in ours the copy lies in the temporary folder.
compile_addon() {
  local work="$STATE/build/$ADDON"
  case "$work" in *[[:space:]]*) work=$(mktemp -d) ;; esac
  rm -rf "$work"
  mkdir -p "$work/node_modules"
  cp -R "node_modules/$ADDON" node_modules/node-addon-api "$work/node_modules/"
  compile_in "$work" || { rm -rf "$work"; return 1; }
  place_file "$work/node_modules/$ADDON/build/Release/$ADDON_BINARY" "$1"
  rm -rf "$work"
}

compile_in() {
  local gyp="$ROOT/node_modules/.bin/node-gyp"
  [ "$ADDON" != rclnodejs ] || provide_ros_prefix "$1"
  (cd "$1/node_modules/$ADDON" && PATH="$1/bin:$PATH" "$gyp" rebuild --release --jobs "${JOBS:-$(nproc)}" --nodedir="$NODE_HEADERS")
}

# Copies under a temporary name and renames, so that an interruption leaves no half-written binary.
place_file() {
  mkdir -p "$(dirname "$2")" && cp "$1" "$2.$$" && mv "$2.$$" "$2"
}
