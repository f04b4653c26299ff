-- The leader's call failed before its reply began: the next one leads. KEYS: the levels. ARGV: who.
for _, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'lead') == ARGV[1] then redis.call('HDEL', key, 'lead', 'lead_until') end
end
return 1
