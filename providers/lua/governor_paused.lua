-- How many ms nobody may call. KEYS: the governor.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return math.max(0, math.ceil(tonumber(redis.call('HGET', KEYS[1], 'pause') or '0') - now))
