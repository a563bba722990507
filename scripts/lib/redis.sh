# A Redis, in this order: REDIS_URL (the demo only), a server binary on PATH, Docker, apt as root on Debian.

readonly REDIS_IMAGE=${REDIS_IMAGE:-redis:8}

# For the demo: REDIS_URL is set, or redis-server or valkey-server is on PATH.
ensure_redis_for_demo() {
  if [ -n "${REDIS_URL:-}" ]; then
    step "Redis: the one that REDIS_URL names"
  elif redis_on_path >/dev/null; then
    step "Redis: $(redis_on_path)"
  elif docker_runs && start_redis_container; then
    step "Redis: the container $redis_container, $REDIS_URL"
  elif can_apt; then
    install_redis_by_apt
  else
    die "No Redis was found. There are three ways to give the demo one:" \
      "1. install it (Debian: sudo apt-get install redis-server; macOS: brew install redis; valkey-server will do)," \
      "2. start Docker," \
      "3. start a Redis anywhere and set REDIS_URL, for example REDIS_URL=redis://127.0.0.1:6379."
  fi
}

# For the tests, which flush, fill and kill Redis and therefore always start their own.
# Returns 1 when Docker should run the whole of them.
ensure_redis_for_tests() {
  if redis_on_path >/dev/null; then
    step "Redis: $(redis_on_path)"
  elif docker_runs; then
    return 1
  elif can_apt; then
    install_redis_by_apt
  else
    die "No Redis server was found. The tests start and kill their own; there are three ways to let them:" \
      "1. install it (Debian: sudo apt-get install redis-server; macOS: brew install redis; valkey-server will do)," \
      "2. start Docker: then the tests run in a container," \
      "3. on Debian or Ubuntu, run this as root: then it is installed here with apt-get."
  fi
}

# SKEIN_REDIS_SERVER names the binary, for those who have it elsewhere.
redis_on_path() {
  if [ -n "${SKEIN_REDIS_SERVER:-}" ]; then
    echo "$SKEIN_REDIS_SERVER"
  else
    command -v redis-server || command -v valkey-server
  fi
}

docker_runs() {
  command -v docker >/dev/null 2>&1 && docker info --format '{{.ServerVersion}}' >/dev/null 2>&1
}

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

redis_container=""
start_redis_container() {
  redis_container="skein-demo-redis-$$"
  step "Starting Redis in Docker ($REDIS_IMAGE)"
  leftover_containers+=("$redis_container")
  if ! run_quietly docker run --detach --rm --name "$redis_container" --publish 127.0.0.1::6379 "$REDIS_IMAGE"; then
    note "Docker could not start $REDIS_IMAGE; trying the next way."
    return 1
  fi
  local address
  address=$(docker port "$redis_container" 6379/tcp | head -n 1)
  export REDIS_URL="redis://127.0.0.1:${address##*:}"
  local left=100
  until docker exec "$redis_container" redis-cli ping >/dev/null 2>&1; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || die "Redis in $redis_container does not answer" "Look at: docker logs $redis_container"
    sleep 0.1
  done
}

install_redis_by_apt() {
  gently run_step "Installing redis-server with apt-get (once)" \
    "Look at apt's message above; 'apt-get update && apt-get install redis-server' should work by hand." \
    apt_install_without_service
  redis_on_path >/dev/null || die "redis-server was installed, but is not on PATH" "PATH is $PATH"
  step "Redis: $(redis_on_path)"
}

# Debian starts a service when it is installed unless policy-rc.d forbids it. We want the binary only.
apt_install_without_service() {
  local policy=/usr/sbin/policy-rc.d ours="" status=0
  export DEBIAN_FRONTEND=noninteractive
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    ours=yes
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 143' TERM INT HUP
  fi
  [ -z "$(dpkg --audit)" ] || dpkg --configure -a
  apt-get update -qq &&
    apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 redis-server || status=$?
  if [ -n "$ours" ] && [ -d /run/systemd/system ]; then
    systemctl disable --quiet redis-server 2>/dev/null || true
  fi
  return "$status"
}
