-- A lease that ended unannounced presumes a death, once per token; a sign of life of that token withdraws it, once.
local function presumeDeath(token)
  if redis.call('HSETNX', KEYS[2], 'd:' .. token, 1) == 0 then return false end
  redis.call('HINCRBY', KEYS[2], 'takeovers', 1)
  return true
end
local function withdrawDeath(token)
  if token == '' or redis.call('HDEL', KEYS[2], 'd:' .. token) == 0 then return end
  if redis.call('HINCRBY', KEYS[2], 'takeovers', -1) < 0 then redis.call('HDEL', KEYS[2], 'takeovers') end
end
