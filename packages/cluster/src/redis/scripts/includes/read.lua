-- Reads lease and flight. A value of a wrong type under one of our names is not ours: drop it and go on without.
local function healed(key, ...)
  local value = redis.pcall(...)
  if type(value) == 'table' and value.err then
    redis.call('DEL', key)
    value = redis.call(...)
  end
  return value
end
local holder = healed(KEYS[1], 'GET', KEYS[1])
local function fields(...) return healed(KEYS[2], 'HMGET', KEYS[2], ...) end
