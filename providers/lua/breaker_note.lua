-- A call ended. KEYS: the source's breaker.
-- ARGV: kind (well, rest, count, deny, misuse or unsent); ms to rest at once; failures in a row that open; the
-- same for misuses; first rest, longest rest and rest after misuses, ms; life of the key, ms.
-- Returns 1 when this call opened the breaker, 2 when it closed it, otherwise 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, kind = KEYS[1], ARGV[1]
local state = redis.call('HMGET', key, 'until', 'opens', 'streak', 'misuses')
local resting, opens = tonumber(state[1] or '0'), tonumber(state[2] or '0')
local streak, misuses = tonumber(state[3] or '0'), tonumber(state[4] or '0')
local open = resting > now and opens > 0

if kind == 'unsent' then
  redis.call('HDEL', key, 'probe')
  return 0
end
if kind == 'well' then
  -- A call that began before the breaker opened says nothing about now.
  if open then return 0 end
  if resting > now then
    redis.call('HDEL', key, 'streak', 'misuses')
    return 0
  end
  redis.call('DEL', key)
  return opens > 0 and 2 or 0
end

local opened = 0
if kind == 'rest' then
  resting = math.max(resting, now + tonumber(ARGV[2]))
elseif kind == 'deny' then
  opened = open and 0 or 1
  resting, opens = math.max(resting, now + tonumber(ARGV[2])), math.max(opens, 1)
elseif kind == 'misuse' then
  misuses = misuses + 1
  if misuses >= tonumber(ARGV[4]) and not open then
    resting, opens, opened = now + tonumber(ARGV[7]), math.max(opens, 1), 1
  end
else
  streak = streak + 1
  resting = math.max(resting, now + tonumber(ARGV[2]))
  if not open and (opens > 0 or streak >= tonumber(ARGV[3])) then
    resting = now + math.min(tonumber(ARGV[5]) * 2 ^ math.min(opens, 32), tonumber(ARGV[6]))
    opens, opened = opens + 1, 1
  end
end
-- If this was the probe, it has ended.
redis.call('HSET', key, 'until', resting, 'opens', opens, 'streak', streak, 'misuses', misuses, 'probe', 0)
redis.call('PEXPIRE', key, tonumber(ARGV[8]))
return opened
