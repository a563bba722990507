# The same script in a Debian container: for a laptop that has Docker, but no npm, or no Redis that tests may kill.

readonly DEBIAN_IMAGE=${SKEIN_DEBIAN_IMAGE:-node:24-bookworm}
readonly CONTAINER_VOLUME=skein-workspace # keeps what was installed, so that the second run is faster

debian_image_is_here() {
  docker image inspect "$DEBIAN_IMAGE" >/dev/null 2>&1 && return 0
  step "Fetching the image $DEBIAN_IMAGE for the tests"
  run_quietly docker pull "$DEBIAN_IMAGE" && return 0
  note "Docker could not fetch it; trying the next way."
  return 1
}

# run_in_container SCRIPT ARGUMENTS...
run_in_container() {
  local script=$1 name="skein-${1##*/}-$$" sources
  shift
  step "Running $script in a container ($DEBIAN_IMAGE)"
  sources=$(mktemp "${TMPDIR:-/tmp}/skein-sources.XXXXXX")
  leftover_files+=("$sources")
  leftover_containers+=("$name")
  pack_sources >"$sources" || die "The sources could not be packed" "Is this a git checkout?"
  # Standard input carries the sources; what is not in them any more, but was built from them, goes first.
  # shellcheck disable=SC2016 # expanded in the container
  local inside='
    set -eu
    cd /skein
    find . -mindepth 1 \( -name node_modules -o -name .tools -o -name .pnpm-store \) -prune -o -type f -exec rm -f {} +
    tar -xf -
    exec "$@"'
  gently run_child with_input "$sources" docker run --rm --interactive --init --name "$name" \
    --volume "$CONTAINER_VOLUME:/skein" --env CI "$DEBIAN_IMAGE" bash -c "$inside" skein "$script" "$@"
}

with_input() {
  local input=$1
  shift
  exec "$@" <"$input"
}

pack_sources() {
  if git -C "$ROOT" rev-parse >/dev/null 2>&1; then
    (cd "$ROOT" && git ls-files --cached --others --exclude-standard -z |
      while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done | tar -cf - --null -T -)
  else
    tar -cf - -C "$ROOT" --exclude node_modules --exclude dist --exclude .tools .
  fi
}
