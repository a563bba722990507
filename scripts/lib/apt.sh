# Debian's packages, installed as root without starting a service.

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

readonly SERVICE_POLICY=/usr/sbin/policy-rc.d # forbids Debian to start a service that it has installed

# apt_install PACKAGES...
apt_install() {
  [ -e "$SERVICE_POLICY" ] || leftover_files+=("$SERVICE_POLICY")
  gently run_step "Installing $* with apt-get (once)" \
    "Look at apt's message above; 'apt-get update && apt-get install $*' should work by hand." \
    apt_install_without_service "$@"
  hash -r
}

# We want the programs only. At a signal apt is left to finish its package, as far as there is time.
apt_install_without_service() {
  local package ours="" status=0
  export DEBIAN_FRONTEND=noninteractive
  trap 'exit 143' TERM INT HUP
  if [ ! -e "$SERVICE_POLICY" ]; then
    ours=yes
    printf '#!/bin/sh\nexit 101\n' >"$SERVICE_POLICY"
    chmod 755 "$SERVICE_POLICY"
  fi
  [ -z "$(dpkg --audit)" ] || dpkg --configure -a || true
  apt-get update -qq &&
    apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@" || status=$?
  if [ -n "$ours" ]; then
    rm -f "$SERVICE_POLICY"
    if [ -d /run/systemd/system ]; then
      for package in "$@"; do systemctl disable --quiet "$package" 2>/dev/null || true; done
    fi
  fi
  return "$status"
}
