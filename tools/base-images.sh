#!/usr/bin/env bash
# Makes stand-ins for the base images (node:26-slim, redis:7, nats:2-alpine) out of Debian's packages, for machines
# that reach a package mirror but no image registry. An image that is already there is left alone.
# Needs: root, a running dockerd, debootstrap. Usage: tools/base-images.sh [--force]
set -euo pipefail
cd "$(dirname "$0")/.."

force=${1:-}
suite=bookworm
base=culvert-base:$suite
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wanted() {
  [ "$force" = --force ] || ! docker image inspect "$1" >/dev/null 2>&1
}

# The mirror this machine's own apt uses.
mirror() {
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk -v suite="$suite" '$1 == "Debian" && $2 == suite { print $3; exit }'
}

make_base() {
  local root=$work/root uri
  uri=$(mirror)
  command -v debootstrap >/dev/null || apt-get install -y --no-install-recommends debootstrap >&2
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "${uri:-http://deb.debian.org/debian}" >"$work/debootstrap.log" ||
    { tail -n 20 "$work/debootstrap.log" >&2; return 1; }
  # What this machine trusts, the image trusts: a company's own authority included.
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  # The same things that debian:*-slim leaves out.
  printf 'path-exclude=%s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' '/usr/share/info/*' \
    >"$root/etc/dpkg/dpkg.cfg.d/slim"
  printf '%s\n' 'Dir::Cache::pkgcache "";' 'Dir::Cache::srcpkgcache "";' 'APT::Keep-Downloaded-Packages "false";' \
    >"$root/etc/apt/apt.conf.d/slim"
  rm -rf "$root"/usr/share/{doc,man,locale,info}/* "$root"/var/{cache/apt,lib/apt/lists,log}/* "$root"/dev/*
  tar -C "$root" -c . | docker import --change 'CMD ["bash"]' - "$base" >/dev/null
}

# build IMAGE CONTEXT, the Dockerfile on stdin.
build() {
  mkdir -p "$work/$2"
  cat >"$work/$2/Dockerfile"
  docker build --network host -t "$1" "$work/$2" >"$work/$2.log" 2>&1 || { cat "$work/$2.log" >&2; return 1; }
}

make_node() {
  local context=$work/node npm
  [ -x node_modules/node/bin/node ] || sh tools/install.sh >&2
  mkdir -p "$context"
  cp node_modules/node/bin/node "$context/node"
  npm=$(cd "$work" && npm pack --silent npm@11)
  tar -C "$context" --transform 's,^package,npm,' -xzf "$work/$npm"
  build node:26-slim node <<DOCKERFILE
FROM $base
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node \
 && apt-get update && apt-get install -y --no-install-recommends libstdc++6 libatomic1 && rm -rf /var/lib/apt/lists/*
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && mkdir -p /usr/local/etc && echo cafile=/etc/ssl/certs/ca-certificates.crt > /usr/local/etc/npmrc
CMD ["node"]
DOCKERFILE
}

make_redis() {
  build redis:7 redis <<DOCKERFILE
FROM $base
RUN apt-get update && apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/* \
 && mkdir /data && chown redis:redis /data
USER redis
WORKDIR /data
EXPOSE 6379
CMD ["redis-server", "--protected-mode", "no"]
DOCKERFILE
}

make_nats() {
  build nats:2-alpine nats <<DOCKERFILE
FROM $base
RUN apt-get update && apt-get install -y --no-install-recommends nats-server wget && rm -rf /var/lib/apt/lists/*
EXPOSE 4222 6222 7222 8222
ENTRYPOINT ["nats-server"]
CMD ["-m", "8222"]
DOCKERFILE
}

made=
for image in node:26-slim redis:7 nats:2-alpine; do
  wanted "$image" || { echo "$image: already here"; continue; }
  [ -n "$made" ] || make_base
  made=yes
  "make_${image%%:*}"
  echo "$image: stand-in made ($(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%d MB", $1 / 1e6 }'))"
done
