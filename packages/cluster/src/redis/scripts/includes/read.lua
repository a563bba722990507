-- Reads lease and flight. What is not of our making under one of our names is dropped, lest it stand in the way for
-- ever: a value of a wrong type, and a lease that names nobody.
local function healed(key, ...)
  local value = redis.pcall(...)
  if type(value) == 'table' and value.err then
    if string.find(value.err, 'WRONGTYPE', 1, true) then redis.call('DEL', key) end
    -- Any other error is raised here: it says nothing about the value.
    value = redis.call(...)
  end
  return value
end
local holder = healed(KEYS[1], 'GET', KEYS[1])
if holder and not string.find(holder, '^%d+%-[0-9a-z]+%-[0-9a-z]+$') then
  redis.call('DEL', KEYS[1])
  holder = false
end
local function fields(...) return healed(KEYS[2], 'HMGET', KEYS[2], ...) end
-- Numbers that a double holds exactly; 0 for anything else.
local function integer(text)
  local number = tonumber(string.match(text or '', '^%d+$') or '0')
  return number < 9007199254740991 and number or 0
end
local function grantText(token) return string.match(token or '', '^%d+') or '0' end
