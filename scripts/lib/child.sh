# Children run in process groups of their own, so that everything they start can be ended with them: at Ctrl-C, on
# SIGTERM, and when they left something behind. Plain bash 3.2, as macOS still has it.

readonly TICK_EVERY_S=10
readonly GRACE_S=3         # for what may be killed at any moment
readonly GENTLE_GRACE_S=10 # for what cleans up after itself

child_pid=""
ticker_pid=""
child_is_gentle=""
leftover_files=()
leftover_containers=()

# run_step TITLE REMEDY COMMAND...: a step of the preparation, with its progress and its time, or the end of the script.
run_step() {
  local title=$1 remedy=$2 began=$SECONDS
  shift 2
  step "$title"
  if ! run_quietly "$@"; then
    die "$title" "$remedy" "The lines above are the output of: $*"
  fi
  note "done in $((SECONDS - began)) s"
}

# As run_child, on stderr, with a sign of life every few seconds.
run_quietly() {
  local status=0
  start_ticker
  run_child "$@" >&2 || status=$?
  stop_ticker
  return "$status"
}

# Runs a command to its end in its own process group and returns its exit status.
run_child() {
  local status=0
  set -m
  "$@" </dev/null &
  child_pid=$!
  set +m
  wait "$child_pid" || status=$?
  local group=$child_pid
  child_pid=""
  if kill -0 -- "-$group" 2>/dev/null; then
    note "ending processes that $1 left behind"
    end_processes "$group" ""
  fi
  return "$status"
}

# gently RUN...: for a command that cleans up after itself: at a signal it is asked first, alone.
gently() {
  local status=0
  child_is_gentle=yes
  "$@" || status=$?
  child_is_gentle=""
  return "$status"
}

start_ticker() {
  local began=$SECONDS
  set -m
  (
    trap - INT TERM HUP EXIT
    while sleep "$TICK_EVERY_S"; do note "... still at it ($((SECONDS - began)) s)"; done
  ) </dev/null &
  ticker_pid=$!
  set +m
}

stop_ticker() {
  [ -n "$ticker_pid" ] || return 0
  # Not TERM: in its first moments the subshell still has this script's traps, and would go on.
  kill -KILL -- "-$ticker_pid" 2>/dev/null || true
  { wait "$ticker_pid" || true; } 2>/dev/null
  ticker_pid=""
}

# end_processes GROUP DESCENDANTS: TERM, some patience, KILL. Descendants are those that may have left the group.
end_processes() {
  local group=$1 others=$2 left=$((GRACE_S * 10))
  # shellcheck disable=SC2086 # a list of process ids
  kill -TERM -- "-$group" $others 2>/dev/null || true
  while [ "$left" -gt 0 ] && any_alive "$group" "$others"; do
    sleep 0.1
    left=$((left - 1))
  done
  # shellcheck disable=SC2086
  kill -KILL -- "-$group" $others 2>/dev/null || true
}

any_alive() {
  local pid
  kill -0 -- "-$1" 2>/dev/null && return 0
  for pid in $2; do
    kill -0 "$pid" 2>/dev/null && return 0
  done
  return 1
}

# Every process below $1, from the children down. A minimal Debian has no ps, macOS no /proc.
descendants_of() {
  {
    if command -v ps >/dev/null 2>&1; then
      ps -A -o pid= -o ppid=
    else
      cat /proc/[0-9]*/stat 2>/dev/null | sed -E 's/^([0-9]+) \(.*\) [A-Za-z] ([0-9]+) .*/\1 \2/'
    fi
  } | awk -v root="$1" '
    { parent[$1] = $2 }
    END {
      below[root] = 1
      do {
        found = 0
        for (pid in parent) if (!(pid in below) && (parent[pid] in below)) { below[pid] = 1; found = 1; print pid }
      } while (found)
    }'
}

end_child() {
  [ -n "$child_pid" ] || return 0
  local group=$child_pid others left=$((GENTLE_GRACE_S * 10))
  child_pid=""
  others=$(descendants_of "$group" | tr '\n' ' ')
  if [ -n "$child_is_gentle" ]; then
    kill -TERM "$group" 2>/dev/null || true
    while [ "$left" -gt 0 ] && kill -0 "$group" 2>/dev/null; do
      sleep 0.1
      left=$((left - 1))
    done
    others=$(for pid in $others $(descendants_of "$group"); do echo "$pid"; done | sort -u | tr '\n' ' ')
  fi
  end_processes "$group" "$others"
  { wait "$group" || true; } 2>/dev/null
}

# Data of servers that were killed in the middle goes with the directory. Postgres may run as another user: 755.
use_private_temporary_dir() {
  TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/skein.XXXXXX")
  export TMPDIR
  leftover_files+=("$TMPDIR")
  chmod 755 "$TMPDIR"
}

clean_up() {
  local name
  set +e # a second Ctrl-C makes a sleep fail, which must not end the cleaning
  stop_ticker
  end_child
  for name in $(jobs -p); do # a signal came between the start of a child and the note of its id
    end_processes "$name" ""
  done
  for name in ${leftover_containers[@]+"${leftover_containers[@]}"}; do
    docker rm --force --volumes "$name" >/dev/null 2>&1 || true
  done
  for name in ${leftover_files[@]+"${leftover_files[@]}"}; do
    rm -rf -- "$name"
  done
}

interrupted() {
  ending_group=$child_pid
  interrupted_at=$SECONDS
  trap hurry INT TERM HUP
  say ""
  say "Interrupted: ending what was started."
  exit "$1"
}

# A second Ctrl-C waits for nobody. At once after the first it is an echo: a wrapper signals its child and the group.
hurry() {
  if [ -n "$ending_group" ] && [ $((SECONDS - interrupted_at)) -ge 2 ]; then
    kill -KILL -- "-$ending_group" 2>/dev/null || true
  fi
}
ending_group=""
interrupted_at=0

trap clean_up EXIT
trap 'interrupted 129' HUP
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
