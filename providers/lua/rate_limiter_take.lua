-- May a call go, and when? KEYS: the rate limiter of one provider and model.
-- ARGV: input tokens, output tokens, share of each limit left untouched, longest wait (ms), calls a second to
-- begin a ramp with.
-- Returns {1, ms to wait, how often the pace was slowed} and takes what the call needs, or {0, ms until it could
-- go, ...} and takes nothing.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key = KEYS[1]
local need = { r = 1, i = tonumber(ARGV[1]), o = tonumber(ARGV[2]) }
local reserve, longest = tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('HMGET', key, 'at', 'pause', 'pace', 'next', 'ceiling', 'r', 'i', 'o', 'rl', 'il', 'ol', 'slowed')
local at, wait = tonumber(known[1] or now), math.max(0, tonumber(known[2] or '0') - now)
local level = { r = tonumber(known[6] or '0'), i = tonumber(known[7] or '0'), o = tonumber(known[8] or '0') }
local limit = { r = tonumber(known[9] or '0'), i = tonumber(known[10] or '0'), o = tonumber(known[11] or '0') }

for name, amount in pairs(need) do
  local most = limit[name]
  if most > 0 then
    level[name] = math.min(most, level[name] + math.max(0, now - at) * most / 60000)
    local untouched = reserve * most
    local missing = math.min(amount, most - untouched) + untouched - level[name]
    wait = math.max(wait, missing * 60000 / most)
  end
end

local pace, next_at = tonumber(known[3] or ARGV[5]), tonumber(known[4] or '0')
local ceiling = tonumber(known[5] or '0')
if now - next_at > 60000 then pace, ceiling = tonumber(ARGV[5]), 0 end
-- A quarter of a second's calls may go together.
wait = math.ceil(math.max(wait, next_at - now - 250))
local taken = wait <= longest
if taken then
  for name, amount in pairs(need) do
    -- Before the limits are known only output is counted: a first answer does not count what is being written.
    if limit[name] > 0 or name == 'o' then level[name] = level[name] - amount end
  end
  next_at = math.max(next_at, now) + 1000 / pace
  -- Each call that goes lets the next ones go faster; past a pace that was refused before, only slowly.
  pace = math.min(10000, pace + ((ceiling > 0 and pace > ceiling) and 0.5 / pace or 1))
end
redis.call('HSET', key, 'at', now, 'pace', pace, 'next', next_at, 'ceiling', ceiling,
  'r', level.r, 'i', level.i, 'o', level.o)
redis.call('PEXPIRE', key, 86400000)
return { taken and 1 or 0, wait, tonumber(known[12] or '0') }
