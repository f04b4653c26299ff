-- Is the prefix warm, and if not, who warms it? KEYS: its levels, shortest prefix first.
-- ARGV: who asks, how long a lead lasts (ms).
-- Returns {state, seen before, idle spells of minutes, idle spells of hours (thousandths), lifetime}:
-- state 0: somebody warms it, wait; 1: warm; 2: the caller leads, and writes all levels that are cold.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cold, seen = {}, 1
for _, key in ipairs(KEYS) do
  local level = redis.call('HMGET', key, 'warm', 'lead', 'lead_until', 'last')
  if tonumber(level[1] or '0') <= now then
    if level[2] and level[2] ~= ARGV[1] and tonumber(level[3] or '0') > now then
      return { 0, 0, 0, 0, '' }
    end
    if not level[4] then seen = 0 end
    table.insert(cold, key)
  end
end
for _, key in ipairs(cold) do
  redis.call('HSET', key, 'lead', ARGV[1], 'lead_until', now + tonumber(ARGV[2]))
  redis.call('PEXPIRE', key, 172800000)
end
local known = redis.call('HMGET', KEYS[#KEYS], 'minutes', 'hours', 'ttl')
local minutes, hours = tonumber(known[1] or '0'), tonumber(known[2] or '0')
return { #cold == 0 and 1 or 2, seen, math.floor(minutes * 1000), math.floor(hours * 1000), known[3] or '' }
