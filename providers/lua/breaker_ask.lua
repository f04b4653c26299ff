-- May the provider be asked? KEYS: its breaker. ARGV: how long a probe may take, ms.
-- Returns 1 or 0. When the pause is over, one caller gets the probe and the others still hear 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[1], 'until', 'opens', 'probe')
if tonumber(state[1] or '0') > now then return 0 end
if tonumber(state[2] or '0') == 0 then return 1 end
if tonumber(state[3] or '0') > now then return 0 end
redis.call('HSET', KEYS[1], 'probe', now + tonumber(ARGV[1]))
return 1
