-- Field 'd:<token>' marks a death that was counted: once per token, and withdrawn, once, by a sign of life of that token.
local function countTakeovers(by)
  local takeovers = math.max(0, integer(redis.call('HGET', KEYS[2], 'takeovers')) + by)
  redis.call('HSET', KEYS[2], 'takeovers', takeovers)
  return takeovers
end
local function withdrawDeath(token)
  if token ~= '' and redis.call('HDEL', KEYS[2], 'd:' .. token) == 1 then countTakeovers(-1) end
end
local function forgetDeaths()
  for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(name, 1, 2) == 'd:' then redis.call('HDEL', KEYS[2], name) end
  end
end
