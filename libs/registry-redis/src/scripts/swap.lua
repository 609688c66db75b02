-- Changes one field of a hash, if it still has the expected value.
-- KEYS: hash. ARGV: field, expected value ('' for none), next value ('' to delete). Returns 1 when changed.
local present = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if present ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
