-- A reply has begun: what it wrote or read is warm. KEYS: the levels, the set of prefixes in use, and
-- what says that they are too many.
-- ARGV: who, remaining life of the entry (ms), lifetime asked for, the two lifetimes there are (ms),
-- the prefix's name, how many prefixes are too many.
-- Returns how many prefixes are in use when they are too many and nobody has said so yet, otherwise 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local short, long = tonumber(ARGV[4]), tonumber(ARGV[5])
local used, told = KEYS[#KEYS - 1], KEYS[#KEYS]
for index = 1, #KEYS - 2 do
  local key = KEYS[index]
  local level = redis.call('HMGET', key, 'warm', 'lead', 'last', 'minutes', 'hours')
  local idle = level[3] and now - tonumber(level[3]) or 0
  local minutes, hours = tonumber(level[4] or '0'), tonumber(level[5] or '0')
  if idle > short then
    -- What happened lately says more than what happened long ago.
    minutes, hours = minutes * 0.8, hours * 0.8
    if idle <= long then minutes = minutes + 1 else hours = hours + 1 end
  end
  local warm = math.max(tonumber(level[1] or '0'), now + tonumber(ARGV[2]))
  redis.call('HSET', key, 'warm', warm, 'last', now, 'minutes', minutes, 'hours', hours, 'ttl', ARGV[3])
  if level[2] == ARGV[1] then redis.call('HDEL', key, 'lead', 'lead_until') end
  redis.call('PEXPIRE', key, 172800000)
end
redis.call('ZADD', used, now, ARGV[6])
redis.call('ZREMRANGEBYSCORE', used, '-inf', now - short)
redis.call('PEXPIRE', used, short)
local count = redis.call('ZCARD', used)
if count > tonumber(ARGV[7]) and redis.call('SET', told, 1, 'NX', 'PX', short) then return count end
return 0
