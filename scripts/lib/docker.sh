# A Docker engine for the deployment of docker-compose.yml: one that runs, or on Debian as root one that is installed and
# started here, and ended with the script.

readonly DOCKER_START_S=30
docker_engine_pid=""

# Returns 1 where there can be none.
ensure_docker() {
  local log left=$((DOCKER_START_S * 10))
  if ! docker_runs && can_apt; then
    command -v dockerd >/dev/null 2>&1 || apt_install docker.io || return 1
    step "Starting a Docker engine, for as long as this runs"
    log=$(mktemp "${TMPDIR:-/tmp}/skein-dockerd.XXXXXX")
    leftover_files+=("$log")
    set -m
    dockerd >"$log" 2>&1 </dev/null &
    docker_engine_pid=$!
    set +m
    trap 'end_docker; clean_up' EXIT
    until docker_runs; do
      left=$((left - 1))
      if [ "$left" -le 0 ] || ! kill -0 "$docker_engine_pid" 2>/dev/null; then
        tail -n 5 "$log" >&2
        note "The Docker engine did not start."
        return 1
      fi
      sleep 0.1
    done
  fi
  docker_runs || return 1
  compose_runs || { can_apt && apt_install docker-compose && compose_runs; }
}

compose_runs() { [ -n "${SKEIN_COMPOSE:-}" ] || docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null 2>&1; }

# docker-compose.yml is for compose 1.29 and 2: a test reads it with every one that it finds, and says which is missing.
fetch_compose_2() {
  docker compose version >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1 ||
    SKEIN_COMPOSE_SUITES=trixie "$ROOT/scripts/compose-plugins" >/dev/null || note "It could not be fetched."
}

end_docker() {
  [ -n "$docker_engine_pid" ] || return 0
  end_child # what uses it goes first
  kill -TERM "$docker_engine_pid" 2>/dev/null || true
  { wait "$docker_engine_pid" || true; } 2>/dev/null
  docker_engine_pid=""
}

# The images of the deployment, as NAME=IMAGE for the environment of compose and of the tests: env "${images[@]}" ...
images=()
find_images() {
  local line list valkey=""
  [ "${SKEIN_TEST_PROFILES:-}" != yes ] || valkey=--valkey
  list=$(mktemp "${TMPDIR:-/tmp}/skein-images.XXXXXX")
  leftover_files+=("$list")
  "$ROOT/scripts/images" ${valkey:+"$valkey"} >"$list" || return 1
  while read -r line; do images+=("$line"); done <"$list"
}
