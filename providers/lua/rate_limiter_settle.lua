-- A call is over: give back what it did not use, or take what it used more.
-- KEYS: the rate limiter. ARGV: input tokens, output tokens.
for index, name in ipairs({ 'i', 'o' }) do
  if tonumber(ARGV[index]) ~= 0 and redis.call('HEXISTS', KEYS[1], name) == 1 then
    redis.call('HINCRBYFLOAT', KEYS[1], name, ARGV[index])
  end
end
return 1
