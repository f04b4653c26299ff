-- A call is under way. KEYS: the provider's calls under way, each until its score. ARGV: the call's name; how long its
-- latest sign of life counts, ms, or 0 when the call is over; life of the key, ms.
if tonumber(ARGV[2]) == 0 then return redis.call('ZREM', KEYS[1], ARGV[1]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
return redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]))
