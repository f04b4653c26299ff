-- A booked time has come: may the call go? KEYS: the rate limiter. ARGV: how often the pace had been slowed when the
-- call was booked. Returns {ms to wait, how often it has been slowed by now}.
-- A queue that was made at a pace which proved too fast is made again, or all of it would go when the pause ends. A
-- Redis that was emptied knows no queue.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key = KEYS[1]
local known = redis.call('HMGET', key, 'pause', 'slowed', 'next', 'pace')
local paused, slowed = math.max(0, tonumber(known[1] or '0') - now), tonumber(known[2] or '0')
if slowed == tonumber(ARGV[1]) or not known[4] then return { math.ceil(paused), slowed } end
local turn = math.max(tonumber(known[3] or '0'), now + paused)
redis.call('HSET', key, 'next', turn + 1000 / tonumber(known[4]))
return { math.ceil(turn - now), slowed }
