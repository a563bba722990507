#!/bin/bash
# What the official image does, as far as docker-compose.yml needs it: a data directory with the user, the password and the
# database of POSTGRES_*, then the server.
set -e
case "${1:-}" in -* | "") set -- postgres "$@" ;; esac
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  password=$(mktemp -u) 2>/dev/null || password=/tmp/password.$$
  (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >"$password")
  initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile="$password" --auth=scram-sha-256 --encoding=UTF8 --no-locale >/dev/null
  rm -f "$password"
  printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
  printf "listen_addresses = '*'\nunix_socket_directories = ''\n" >>"$PGDATA/postgresql.conf"
  # Before it listens anywhere: what sees it listen sees it finished.
  printf 'create database "%s";\n' "$POSTGRES_DB" | postgres --single -D "$PGDATA" -j postgres >/dev/null
fi
exec "$@"
