-- Ends the lease of an edge and its sessions, unless another boot holds it.
-- KEYS: lease, meta, ahead, ended, sessions, by-tunnel, claims. ARGV: boot. Returns 1 when ended.
if redis.call('HGET', KEYS[2], 'boot') ~= ARGV[1] then return 0 end
for at = 1, 7 do redis.call('DEL', KEYS[at]) end
return 1
