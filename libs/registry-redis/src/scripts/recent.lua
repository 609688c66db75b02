-- Forgets edges that have not been seen for long, and lists the others. KEYS: edges. ARGV: seconds.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1] - ARGV[1])
return redis.call('ZRANGE', KEYS[1], 0, -1)
