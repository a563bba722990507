# The closing line, "N passed, N failed". The tests' numbers come from tally-reporter.ts through a file; each failed
# check adds one. Whoever started the tally prints it, so that it is the last line also below other tools' messages.

# shellcheck disable=SC2034 # read by the scripts
readonly TALLY_REPORTERS=(--reporter=default "--reporter=$ROOT/scripts/lib/tally-reporter.ts")

tally_is_mine=""

start_tally() {
  [ -z "${SKEIN_TALLY_FILE:-}" ] || return 0
  tally_is_mine=yes
  mkdir -p "$ROOT/.cache"
  export SKEIN_TALLY_FILE="$ROOT/.cache/tally.$$"
  leftover_files+=("$SKEIN_TALLY_FILE")
  : >"$SKEIN_TALLY_FILE"
}

tally_failed_check() { echo "0 1" >>"$SKEIN_TALLY_FILE"; }

# finish_tally STATUS: prints the line if it is ours to print, and ends the script accordingly.
finish_tally() {
  local status=$1 passed failed
  read -r passed failed <<<"$(awk '{ p += $1; f += $2 } END { print p + 0, f + 0 }' "$SKEIN_TALLY_FILE")"
  # A run that broke without naming a test, or that ran none, has failed as a whole.
  if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$passed" -eq 0 ]; }; then
    say "FAILED: the tests ended with exit code $status and $passed passed; the reason is above."
    echo "0 1" >>"$SKEIN_TALLY_FILE"
    failed=1
  fi
  [ "$failed" -eq 0 ] || [ "$status" -ne 0 ] || status=1
  if [ -n "$tally_is_mine" ]; then
    echo "$passed passed, $failed failed"
  fi
  exit "$status"
}
