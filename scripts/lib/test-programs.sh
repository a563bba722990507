# What single suites need beside Redis. The first are required; without the others their suites say that they cannot run.

readonly REQUIRED_PROGRAMS="prometheus:prometheus promtool:prometheus"
readonly WELCOME_PROGRAMS="ip:iproute2 iptables:iptables cc:gcc,libc6-dev spin:spin chromium:chromium" # network hosts, skewed server clocks, the model, the live page

# Returns 1 when Docker should run the whole of the tests.
ensure_test_programs() {
  local required welcome packages
  required=$(missing_of "$REQUIRED_PROGRAMS")
  welcome=$(missing_of "$WELCOME_PROGRAMS")
  [ -n "$required$welcome" ] || return 0
  if can_apt; then
    packages=$(for entry in $required $welcome; do echo "${entry#*:}"; done | tr ',' '\n' | sort -u | tr '\n' ' ')
    # shellcheck disable=SC2086 # several packages
    apt_install $packages
  elif [ -n "$required" ] && docker_runs && debian_image_is_here; then
    return 1
  else
    for entry in $required; do note "${entry%%:*} is missing (package ${entry#*:}): the tests that need it will fail."; done
    [ "$(uname -s)" != Linux ] ||
      for entry in $welcome; do note "${entry%%:*} is missing (package ${entry#*:}): the tests that need it are not run."; done
  fi
}

# missing_of "PROGRAM:PACKAGE,PACKAGE ...": those entries whose program is not on this machine.
missing_of() {
  local entry
  for entry in $1; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${entry%%:*}" >/dev/null 2>&1 || echo "$entry"
  done
}
