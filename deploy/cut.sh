#!/bin/sh
# Cuts a region of docker-compose.yml (us) or deploy/leaf-region/docker-compose.yml (leaf) off the other, or joins it again.
#
#   deploy/cut.sh us           takes the region's containers off the network between the regions
#   deploy/cut.sh --heal us    brings them back
set -eu

verb=disconnect
if [ "${1:-}" = --heal ]; then
  verb=connect
  shift
fi
case ${1:-} in
  us | leaf) region=$1 ;;
  *)
    echo 'usage: deploy/cut.sh [--heal] us|leaf' >&2
    exit 2
    ;;
esac

# label CONTAINER NAME
label() {
  docker inspect --format "{{ index .Config.Labels \"com.docker.compose.$2\" }}" "$1"
}

found=
for part in edge router nats redis; do
  service=$part-$region
  for container in $(docker ps --quiet --filter "label=com.docker.compose.service=$service"); do
    found=yes
    network=$(label "$container" project)_wan
    if [ $verb = connect ]; then
      # Docker forgets the names that compose gave a container when it leaves a network.
      docker network connect --alias "$service" --alias "$service.wan" "$network" "$container"
    else
      docker network disconnect "$network" "$container"
    fi
  done
done
[ -n "$found" ] || { echo "no container of region $region runs" >&2; exit 1; }
