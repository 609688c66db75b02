#!/usr/bin/env bash
# Uses the product as the README tells a newcomer to: npm start, curl, and a local service made public.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in curl python3; do
  command -v $tool >/dev/null || apt-get install -y --no-install-recommends $tool >/dev/null
done

files=$(mktemp -d)
groups=()
stop() {
  local group
  for group in "${groups[@]}"; do kill -TERM -- "-$group" 2>/dev/null || true; done
  rm -rf "$files"
}
trap stop EXIT

# background LOG COMMAND…: starts a command as a process group of its own and leaves its number in $started.
background() {
  local log=$1
  shift
  setsid "$@" >"$files/$log.log" 2>&1 &
  started=$!
  groups+=("$started")
}

# eventually SECONDS COMMAND…: repeats a command until it succeeds.
eventually() {
  local limit=$((SECONDS + $1))
  shift
  until "$@"; do
    if [ $SECONDS -ge $limit ]; then
      echo "not within its time: $*"
      tail -n 30 "$files"/*.log
      return 1
    fi
    sleep 0.2
  done
}

# answers HOST PATH FILE: the public side answers 200, and the body goes to FILE.
answers() {
  curl --silent --fail --max-time 60 --output "$3" --header "Host: $1" "http://127.0.0.1:8080$2"
}

gone() {
  ! kill -0 -- "-$1" 2>/dev/null
}

background culvert npm start
culvert=$started
eventually 60 answers demo.localhost / "$files/demo"
echo "demo service: $(head -c 60 "$files/demo" | head -n 1)"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$files/site"
echo small >"$files/site/small.txt"
head -c 100M /dev/urandom >"$files/site/large.bin"
background site python3 -m http.server "$port" --bind 127.0.0.1 --directory "$files/site"
background agent node_modules/.bin/culvert http "$port" --hostname app.localhost
agent=$started
eventually 30 answers app.localhost /small.txt "$files/small.txt"
answers app.localhost /large.bin "$files/large.bin"
cmp "$files/site/large.bin" "$files/large.bin"
echo 'local service: 100 MiB arrived unchanged'

kill -TERM -- "-$agent"
eventually 40 gone "$agent"
kill -TERM -- "-$culvert"
eventually 40 gone "$culvert"
echo 'both stopped when asked to'
