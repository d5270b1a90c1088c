# The Node.js side: packages, compiled add-ons, the TypeScript build. Sourced by scripts/setup.sh.

NODE_STAMPS=node_modules/.netvlad_localizer

install_node_packages() {
  # A link is an installation shared by several work trees; whoever made it keeps it up to date.
  if [ -L node_modules ]; then return 0; fi
  step 'Node.js packages' "$NODE_STAMPS/packages" "$(packages_key)" npm_ci
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
  install_addon better-sqlite3 build/Release/better_sqlite3.node "new (require('better-sqlite3'))(':memory:').close()"
  install_addon hnswlib-node build/Release/addon.node "new (require('hnswlib-node').HierarchicalNSW)('l2', 2)"
  step 'TypeScript build' dist/.complete "$(sources_key)" build_typescript
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

# install_addon PACKAGE OUTPUT CHECK: compiles the node-gyp package, or takes it from the cache; CHECK is JavaScript
# that uses it.
install_addon() {
  ADDON=$1 ADDON_OUTPUT=$2 ADDON_CHECK=$3
  ADDON_NAME="$1-$(package_version "$1")-$(addon_abi)${4:-}"
  step "compile $ADDON" "$NODE_STAMPS/$ADDON" "$ADDON_NAME" build_addon
}

build_addon() {
  local cached="${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/netvlad_localizer/$ADDON_NAME.node"
  local output="node_modules/$ADDON/$ADDON_OUTPUT"
  if [ -f "$output" ] && node -e "$ADDON_CHECK"; then echo 'the package brings one that works here'; return 0; fi
  if [ -f "$cached" ]; then
    place_file "$cached" "$output"
    if node -e "$ADDON_CHECK"; then echo "taken from $cached"; return 0; fi
    rm -f "$cached" "$output"
  fi
  case "$ADDON" in rclnodejs) compile_rclnodejs ;; *) compile_with_node_gyp ;; esac
  node -e "$ADDON_CHECK"
  # The cache only saves time: a machine without a writable home does without it.
  place_file "$output" "$cached" || true
}

compile_with_node_gyp() {
  (cd "node_modules/$ADDON" && ../.bin/node-gyp rebuild --release --jobs "${JOBS:-$(nproc)}" --nodedir="$NODE_HEADERS")
  rm -rf "node_modules/$ADDON/build/Release/obj.target" "node_modules/$ADDON/build/Release/obj"
}

# Copies under a temporary name and renames, so that an interruption leaves no half-written binary.
place_file() {
  mkdir -p "$(dirname "$2")" && cp "$1" "$2.$$" && mv "$2.$$" "$2"
}
