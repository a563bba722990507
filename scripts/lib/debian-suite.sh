# Programs of other Debian suites than this system's: fetched with apt from the mirror that it uses, unpacked in a folder of
# their own, never installed. apt's own sources and state are not touched; root is not needed.

readonly DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
readonly SUITES_STATE=$ROOT/.cache/debian-suites # what apt knows of each suite

require_apt() {
  command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 ||
    die "This takes a Debian system with apt-get and dpkg-deb." "$1"
}

# unpack_from_suite SUITE PACKAGE PATTERN FOLDER: the package and those it needs whose names match PATTERN (awk), below
# FOLDER/root. Returns 1 where the suite has no such package.
unpack_from_suite() {
  local suite=$1 package=$2 pattern=$3 folder=$4 state=$SUITES_STATE/$1 names deb
  local apt=(apt-get -qq -o "Dir::Etc::SourceList=$state/sources.list" -o "Dir::Etc::SourceParts=$state/parts"
    -o "Dir::Etc::Preferences=/dev/null" -o "Dir::Etc::PreferencesParts=$state/parts" -o "Dir::State=$state"
    -o "Dir::State::Lists=$state/lists" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state"
    -o "Dir::Cache::Archives=$state/archives" -o "Debug::NoLocking=1" -o "APT::Sandbox::User=$(id -un)")
  step "Fetching $package of $suite"
  [ -e "$state/updated" ] || update_suite "$suite" "$state" "${apt[@]}"
  # As if nothing were installed: with everything that it needs.
  names=$("${apt[@]}" -s install --no-install-recommends "$package" 2>/dev/null |
    awk -v pattern="$pattern" '$1 == "Inst" && $2 ~ pattern { print $2 }') || true
  if [ -z "$names" ]; then
    note "$suite has no $package"
    return 1
  fi
  rm -rf "$folder"
  mkdir -p "$folder/debs" "$folder/root"
  # shellcheck disable=SC2086
  (cd "$folder/debs" && "${apt[@]}" download $names >&2)
  for deb in "$folder"/debs/*.deb; do dpkg-deb -x "$deb" "$folder/root"; done
  rm -rf "$folder/debs"
}

# update_suite SUITE STATE APT...
update_suite() {
  local suite=$1 state=$2 key=$DEBIAN_KEYRING uri
  shift 2
  uri=$(debian_mirror)
  [ -n "$uri" ] || die "apt knows no Debian mirror." "Run 'apt-get update', or add Debian's main to apt's sources."
  [ -e "$key" ] || key=""
  mkdir -p "$state"/{lists/partial,archives/partial,parts}
  : >"$state/status"
  printf 'deb %s%s %s main\n' "${key:+[signed-by=$key] }" "$uri" "$suite" >"$state/sources.list"
  "$@" update >&2 || die "The package list of $suite could not be had." "Try again, or leave that suite out."
  touch "$state/updated"
}

# The first Debian repository of main that this system's apt knows.
debian_mirror() {
  apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' '$1 == "Debian" && $2 == "main" && $3 !~ /security/ { print $3; exit }'
}
