-- Applies one message about the sessions of an edge, wherever it belongs in their order: each change counts only
-- where nothing later is known of that session. The same rules as EdgeSessions of @culvert/registry.
-- KEYS: lease, meta, ahead, ended, sessions, by-tunnel, claims (see keys.ts).
-- ARGV: boot, seq, 'all' or 'change', number of sessions, for each of them { id, tunnel, payload, claims },
-- then the ids of those that ended. Returns 0 when fenced, otherwise 1.
local lease, meta, ahead, ended, sessions, tunnels, claims = unpack(KEYS)
if redis.call('HGET', meta, 'boot') ~= ARGV[1] then return 0 end
local ttl = redis.call('PTTL', lease)
if ttl <= 0 then return 0 end

local seq = tonumber(ARGV[2])
local low = tonumber(redis.call('HGET', meta, 'low'))
if seq <= low or redis.call('SISMEMBER', ahead, seq) == 1 then return 1 end

-- A session is stored as 'seq|tunnel|payload'.
local function seqOf(stored) return tonumber(string.match(stored, '^(%d+)|')) end

local function latest(id)
  local stored = redis.call('HGET', sessions, id)
  local last = stored and seqOf(stored) or 0
  return math.max(last, tonumber(redis.call('HGET', ended, id) or 0))
end

local function remove(id, stored)
  redis.call('ZREM', tunnels, string.match(stored, '^%d+|([^|]*)|') .. '/' .. id)
  redis.call('HDEL', sessions, id)
  redis.call('HDEL', claims, id)
end

local function add(id, tunnel, payload, claimed)
  if latest(id) >= seq then return end
  redis.call('HDEL', ended, id)
  local stored = redis.call('HGET', sessions, id)
  if stored then remove(id, stored) end
  redis.call('HSET', sessions, id, seq .. '|' .. tunnel .. '|' .. payload)
  redis.call('ZADD', tunnels, 0, tunnel .. '/' .. id)
  if claimed ~= '' then redis.call('HSET', claims, id, claimed) end
end

local function finish(id)
  if latest(id) > seq then return end
  local stored = redis.call('HGET', sessions, id)
  if stored then remove(id, stored) end
  redis.call('HSET', ended, id, seq)
end

if ARGV[3] == 'all' then
  local known = redis.call('HGETALL', sessions)
  for at = 1, #known, 2 do
    if seqOf(known[at + 1]) < seq then remove(known[at], known[at + 1]) end
  end
  local over = redis.call('HGETALL', ended)
  for at = 1, #over, 2 do
    if tonumber(over[at + 1]) < seq then redis.call('HDEL', ended, over[at]) end
  end
  for _, one in ipairs(redis.call('SMEMBERS', ahead)) do
    if tonumber(one) < seq then redis.call('SREM', ahead, one) end
  end
  low = seq - 1
  redis.call('HSET', meta, 'whole', 1)
end

local count = tonumber(ARGV[4])
for at = 5, 4 + count * 4, 4 do add(ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]) end
for at = 5 + count * 4, #ARGV do finish(ARGV[at]) end

redis.call('SADD', ahead, seq)
while redis.call('SREM', ahead, low + 1) == 1 do low = low + 1 end
redis.call('HSET', meta, 'low', low)
-- Nothing is missing, so nothing late can come.
if redis.call('EXISTS', ahead) == 0 then redis.call('DEL', ended) end
for at = 2, 7 do redis.call('PEXPIRE', KEYS[at], ttl) end
return 1
