-- Take the key or renew it; a time to live of 1 ms gives it up. Returns 1, or 0 when it has another owner.
-- KEYS[1]: the key of one batch. ARGV: the owner; the time to live in ms.
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])  -- not DEL: the API's account could then delete a queue
return 1
