#!/bin/sh
# Makes the secrets of docker-compose.yml, once: .env in the repository's root, readable by its owner alone.
set -eu
cd "$(dirname "$0")/.."

if [ -e .env ]; then
  echo '.env is already there; remove it to have new secrets made' >&2
  exit 0
fi

# 32 random bytes in hexadecimal. The letter in front keeps NATS from reading one as a number.
secret() {
  printf 's%s' "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
}

umask 077
for name in CULVERT_ADMIN_TOKEN CULVERT_CLUSTER_SECRET DEMO_TOKEN NATS_PASSWORD REDIS_PASSWORD; do
  echo "$name=$(secret)"
done >.env
echo 'made .env with new secrets'
