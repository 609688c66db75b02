#!/bin/sh
# Installs what the npm scripts of this repository need before they can run. Usage: tools/install.sh [--services]
#
# The packages of package-lock.json, when they are missing or older than it; with --services also redis-server,
# nats-server, curl and openssl, which the tests start. Runs on any Node that runs npm.
set -eu

cd "$(dirname "$0")/.."

install_packages() {
  installed=node_modules/.package-lock.json
  if [ -f "$installed" ] && [ -z "$(find package-lock.json -newer "$installed")" ] && [ -e node_modules/.bin/culvert ]; then
    return
  fi
  echo 'Installing packages (npm ci), once for each change of package-lock.json ...' >&2
  if ! log=$(npm ci --no-audit --no-fund --loglevel=error 2>&1); then
    printf '%s\n' "$log" >&2
    echo 'install: npm ci failed' >&2
    exit 1
  fi
  # npm keeps the lock file's own time here in some versions; the comparison above needs the time of installing.
  touch "$installed"
}

install_services() {
  missing=''
  for program in redis-server nats-server curl openssl; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
  done
  if [ -z "$missing" ]; then
    return
  fi
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "install: the tests start$missing; install them first (Debian: sudo apt-get install$missing)" >&2
    exit 1
  fi
  echo "Installing$missing for the tests (apt-get) ..." >&2
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 # a list of words
  if ! log=$( (apt-get update && apt-get install -y --no-install-recommends $missing) 2>&1); then
    printf '%s\n' "$log" >&2
    echo "install: apt-get could not install$missing" >&2
    exit 1
  fi
}

services=no
for argument in "$@"; do
  case $argument in
    --services) services=yes ;;
    *)
      echo "install: unknown argument $argument (known: --services)" >&2
      exit 2
      ;;
  esac
done

install_packages
if [ "$services" = yes ]; then
  install_services
fi
