-- Forgets claims that have run out. KEYS: claims. ARGV: members. Returns how many.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local dropped = 0
for at = 1, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if score and tonumber(score) <= now then dropped = dropped + redis.call('ZREM', KEYS[1], ARGV[at]) end
end
return dropped
