# The file system of an image, from this machine's own programs and the libraries that they load.

# rootfs FOLDER PROGRAMS...: an almost empty system with these programs.
rootfs() {
  local root=$1 program
  shift
  mkdir -p "$root"/{etc,tmp,proc,sys,dev,usr/bin,usr/local/bin,etc/ssl/certs,var/tmp}
  chmod 1777 "$root/tmp" "$root/var/tmp"
  # Debian's layout, so that every path a library or a script may name is there.
  for program in bin sbin lib lib64; do
    mkdir -p "$root/usr/$program"
    ln -s "usr/$program" "$root/$program"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$root/etc/nsswitch.conf"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] || cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  # Loaded by name at run time, or by programs that are installed later.
  for program in $(ldconfig -p | awk '$1 ~ /^lib(rt|pthread|dl|m|resolv|util|nss_dns|nss_files|gcc_s|stdc\+\+|atomic)\.so/ { print $NF }'); do
    mkdir -p "$root$(dirname "$program")"
    cp -L "$program" "$root$program"
  done
  rootfs_program "$root" "$(command -v env)" /usr/bin/env
  for program in "$@"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null 2>&1 || die "$program is not on this machine"
    rootfs_program "$root" "$(PATH="$PATH:/usr/sbin:/sbin" command -v "$program")" "/usr/bin/$program"
  done
}

# rootfs_program FOLDER FILE PLACE
rootfs_program() {
  [ -e "$1$3" ] || cp -L "$2" "$1$3"
  rootfs_libraries "$1" "$2"
}

# rootfs_libraries FOLDER PROGRAMS...
rootfs_libraries() {
  local root=$1 library
  shift
  { ldd "$@" 2>/dev/null || true; } | grep -oE '/[^ :()]+' | sort -u | while read -r library; do
    case "$library" in
      /lib/* | /lib64/* | /usr/lib/*)
        [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"; }
        ;;
    esac
  done
}

# rootfs_user FOLDER NAME ID
rootfs_user() {
  printf '%s:x:%s:%s::/home/%s:/bin/sh\n' "$2" "$3" "$3" "$2" >>"$1/etc/passwd"
  printf '%s:x:%s:\n' "$2" "$3" >>"$1/etc/group"
  mkdir -p "$1/home/$2"
  chown "$3:$3" "$1/home/$2"
}

# import_image FOLDER NAME CHANGES...: prints the name. The same content makes the same layer, so builds upon it are kept.
import_image() {
  local root=$1 name=$2 sum archive=$1.tar
  shift 2
  tar --create --file "$archive" --directory "$root" --sort=name --mtime=@0 --numeric-owner .
  sum=$(printf '%s\n' "$@" | cat - "$archive" | sha256sum | cut -c 1-12)
  if ! docker image inspect "$name:$sum" >/dev/null 2>&1; then
    docker import "$@" --change "ENV PATH=/usr/local/bin:/usr/bin" "$archive" "$name:$sum" >/dev/null
  fi
  rm -rf "$root" "$archive"
  echo "$name:$sum"
}
