-- Notes that an edge has renewed its lease, on the server's clock. KEYS: edges. ARGV: id.
return redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
