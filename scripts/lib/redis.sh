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
    apt_install redis-server
    step "Redis: $(redis_on_path)"
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
  elif docker_runs && debian_image_is_here; then
    return 1
  elif can_apt; then
    apt_install redis-server
    step "Redis: $(redis_on_path)"
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
