-- Take one token from a bucket. Returns 0 when it was taken, else the microseconds until one is available.
-- KEYS[1]: the time (µs) at which the bucket is full again. ARGV: µs to refill one token; tokens of a full bucket.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local each, tokens = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + each
local wait = full_at - now - each * tokens
if wait > 0 then
  return math.ceil(wait)
end
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0
