#!/bin/sh
# The secrets of docker-compose.yml: made at the first start, kept in two volumes. Whoever has an agent's volume can
# read its tunnel's token and nothing else.
#
#   culvert-secret NAME              prints one
#   culvert-secret --make            makes those that are missing
#   culvert-secret --with COMMAND…   runs a command that finds them in its environment
set -eu

# The letter in front keeps NATS from reading a password as a number.
make() {
  [ -s "$1" ] && return
  printf 's%s\n' "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >"$1.new"
  # Redis and NATS run as users of their own.
  chmod 444 "$1.new"
  mv "$1.new" "$1"
}

case ${1:-} in
  --make)
    for name in CULVERT_ADMIN_TOKEN CULVERT_CLUSTER_SECRET NATS_PASSWORD REDIS_PASSWORD; do
      make "/secrets/control/$name"
    done
    make /secrets/agent/DEMO_TOKEN
    ;;
  --with)
    shift
    for file in /secrets/*/*; do
      export "$(basename "$file")=$(cat "$file")"
    done
    exec "$@"
    ;;
  '' | -*)
    echo 'usage: culvert-secret NAME | --make | --with COMMAND...' >&2
    exit 2
    ;;
  *) cat /secrets/*/"$1" ;;
esac
