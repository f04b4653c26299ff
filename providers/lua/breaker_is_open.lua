-- Is the provider left alone just now? KEYS: its breaker. Returns 1 or 0, and takes no probe.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return tonumber(redis.call('HGET', KEYS[1], 'until') or '0') > now and 1 or 0
