-- Prolongs claims from now on. One that has run out is only begun anew where that is asked for, because somebody
-- may be about to remove its route.
-- KEYS: claims. ARGV: ms to keep, 'begin' or 'renew', members. Returns how many are held.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = 0
for at = 3, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[at])
  if ARGV[2] == 'begin' or (score and tonumber(score) > now) then
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[at])
    held = held + 1
  end
end
return held
