-- Begins or renews the lease of an edge. All keys end together with it.
-- KEYS: lease, meta, ahead, ended, sessions, by-tunnel, claims (see keys.ts).
-- ARGV: edge as JSON, boot, time to live in ms, ms between renewals of claims.
-- Returns { 0 fenced | 1 renewed | 2 resync, 1 when the claims are to be renewed now }.
local boot = redis.call('HGET', KEYS[2], 'boot')
if boot ~= ARGV[2] then
  if redis.call('HGET', KEYS[2], 'replaced') == ARGV[2] then return { 0, 0 } end
  for at = 2, 7 do redis.call('DEL', KEYS[at]) end
  redis.call('HSET', KEYS[2], 'boot', ARGV[2], 'low', 0)
  if boot then redis.call('HSET', KEYS[2], 'replaced', boot) end
end

redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
for at = 2, 7 do redis.call('PEXPIRE', KEYS[at], ARGV[3]) end

local outcome = 1
local known = redis.call('HMGET', KEYS[2], 'whole', 'suspected', 'kept')
if known[1] ~= '1' then
  outcome = 2
else
  local gap = redis.call('EXISTS', KEYS[3])
  if gap == 1 and known[2] == '1' then outcome = 2 end
  redis.call('HSET', KEYS[2], 'suspected', gap)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local due = 0
if redis.call('EXISTS', KEYS[7]) == 1 and now - tonumber(known[3] or 0) >= tonumber(ARGV[4]) then
  redis.call('HSET', KEYS[2], 'kept', string.format('%.0f', now))
  due = 1
end
return { outcome, due }
