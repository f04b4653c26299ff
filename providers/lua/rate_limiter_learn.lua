-- What an answer said about the limits. KEYS: the rate limiter, and what says that it has been slowed down.
-- ARGV: limit and what remains of requests, input and output (-1: not said), ms to pause, 1 for too fast,
-- the part of a limit that stays unused (so that two calls which change places on the way are no 429).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key = KEYS[1]
for index, name in ipairs({ 'r', 'i', 'o' }) do
  local limit, remaining = tonumber(ARGV[index * 2 - 1]), tonumber(ARGV[index * 2])
  if limit > 0 and remaining >= 0 then
    local known = redis.call('HMGET', key, name, name .. 'l')
    local level, usable = tonumber(known[1] or '0'), remaining - limit * tonumber(ARGV[9])
    if tonumber(known[2] or '0') == 0 then
      level = usable + math.max(-limit, math.min(0, level)) -- less what is on its way already
    else
      level = math.min(level, usable)
    end
    redis.call('HSET', key, name, level, name .. 'l', limit)
  end
end
local pause = tonumber(ARGV[7])
if pause > 0 then
  local known = tonumber(redis.call('HGET', key, 'pause') or '0')
  redis.call('HSET', key, 'pause', math.max(known, now + pause))
end
if ARGV[8] == '1' then
  -- Many refusals of one burst are one: halve once a second.
  local known = redis.call('HMGET', key, 'pace', 'next', 'ceiling')
  local booked = tonumber(known[1] or '0')
  if booked > 0 and redis.call('SET', KEYS[2], 1, 'NX', 'PX', 1000) then
    -- What was refused went at the pace of now. The pace that is kept is the one of the last booked call: it has
    -- grown by itself each second until then, or, past a pace that was refused before, by a half.
    local ahead, ceiling = math.max(0, tonumber(known[2]) - now) / 1000, tonumber(known[3] or '0')
    local pace = booked * math.exp(-ahead)
    if ceiling > 0 then pace = math.max(math.min(booked, ceiling), booked - ahead / 2) end
    redis.call('HSET', key, 'pace', math.max(1, pace / 2), 'ceiling', math.max(1, pace / 2), 'next', now + pause)
    redis.call('HINCRBY', key, 'slowed', 1)
  end
end
redis.call('PEXPIRE', key, 86400000)
return 1
