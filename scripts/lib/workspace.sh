# The workspace's own dependencies and its build. Both know by themselves what is unchanged: a second run takes a second.

install_dependencies() {
  run_step "Installing the workspace's dependencies (pnpm install)" \
    "Is the npm registry reachable? If pnpm-lock.yaml is said to be outdated, run 'pnpm install' and commit it." \
    pnpm install --frozen-lockfile --config.confirmModulesPurge=false
}

build_workspace() {
  run_step "Building all packages (pnpm build)" \
    "The compiler's messages above name the file and line." \
    pnpm build
}
