# What the scripts say, all of it on stderr: stdout belongs to the thing that is run.

say() { printf '%s\n' "$*" >&2; }
step() { say "==> $*"; }
note() { say "    $*"; }

# die WHAT REMEDY...: one line says what failed, the rest what to do about it.
die() {
  say ""
  say "FAILED: $1"
  shift
  local line
  for line in "$@"; do say "  $line"; done
  exit 1
}
