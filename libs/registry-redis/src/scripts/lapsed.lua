-- Finds claims that have run out, or asks whether one has.
-- KEYS: claims. ARGV: most members to return, or 0 and one member. Returns members.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(ARGV[1]) > 0 then
  return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
end
local score = redis.call('ZSCORE', KEYS[1], ARGV[2])
if score and tonumber(score) > now then return {} end
return { ARGV[2] }
