-- A call ended. KEYS: the provider's breaker; its calls under way, those that ended well, and those that failed, each
-- until its score; the sessions that got only empty replies.
-- ARGV: kind (well, rest, count, deny, misuse, empty or unsent); ms to rest at once; failures in a row that open; the
-- same for misuses; first rest, longest rest and rest after misuses, ms; life of the key, ms; the name of the
-- call, or of the session whose reply is empty; how long a call's end counts, ms; the least number of failures and the
-- least share of them that open; the number of sessions with empty replies that opens.
-- Returns 1 when this call opened the breaker, 2 when it closed it, otherwise 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key, kind = KEYS[1], ARGV[1]
local state = redis.call('HMGET', key, 'until', 'opens', 'streak', 'misuses')
local resting, opens = tonumber(state[1] or '0'), tonumber(state[2] or '0')
local streak, misuses = tonumber(state[3] or '0'), tonumber(state[4] or '0')
local open = resting > now and opens > 0

local function number(calls)
  redis.call('ZREMRANGEBYSCORE', calls, '-inf', now)
  return redis.call('ZCARD', calls)
end

local function add(calls)
  redis.call('ZADD', calls, now + tonumber(ARGV[10]), ARGV[9])
  redis.call('PEXPIRE', calls, tonumber(ARGV[10]))
  number(calls)
end

local function many_sessions_got_nothing()
  redis.call('SADD', KEYS[5], ARGV[9])
  redis.call('PEXPIRE', KEYS[5], tonumber(ARGV[8]))
  return redis.call('SCARD', KEYS[5]) >= tonumber(ARGV[13])
end

-- Failures end first, so calls under way count as served: of many calls at once the first ends say little.
local function must_open()
  local under_way = number(KEYS[2])
  if streak >= tonumber(ARGV[3]) and streak >= under_way then return true end
  local failed = number(KEYS[4])
  return failed >= tonumber(ARGV[11]) and failed >= tonumber(ARGV[12]) * (failed + number(KEYS[3]) + under_way)
end

if kind == 'unsent' then
  redis.call('HDEL', key, 'probe')
  return 0
end
if kind == 'well' then
  -- A call that began before the breaker opened says nothing about now.
  if open then return 0 end
  add(KEYS[3])
  redis.call('DEL', KEYS[5])
  if resting > now then
    redis.call('HDEL', key, 'streak', 'misuses')
    return 0
  end
  redis.call('DEL', key)
  if opens > 0 then redis.call('DEL', KEYS[4]) end
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
  local opening
  if kind == 'empty' then
    opening = many_sessions_got_nothing()
  else
    streak = streak + 1
    add(KEYS[4])
    opening = must_open()
  end
  resting = math.max(resting, now + tonumber(ARGV[2]))
  if not open and (opens > 0 or opening) then
    resting = now + math.min(tonumber(ARGV[5]) * 2 ^ math.min(opens, 32), tonumber(ARGV[6]))
    opens, opened = opens + 1, 1
  end
end
-- If this was the probe, it has ended.
redis.call('HSET', key, 'until', resting, 'opens', opens, 'streak', streak, 'misuses', misuses, 'probe', 0)
redis.call('PEXPIRE', key, tonumber(ARGV[8]))
return opened
