-- Registrations: field 'f:<process>:<nonce>', value '<transport> <grant followed> <expiry in ms of server time>'.
local function registrationOf(process, nonce) return 'f:' .. process .. ':' .. nonce end
-- In slices: unpack has a limit.
local function inSlices(names, act)
  for from = 1, #names, 1000 do act({ unpack(names, from, math.min(from + 999, #names)) }) end
end
local function registrations()
  local names, found = {}, {}
  for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(name, 1, 2) == 'f:' then names[#names + 1] = name end
  end
  inSlices(names, function(slice)
    local values = redis.call('HMGET', KEYS[2], unpack(slice))
    for index, name in ipairs(slice) do
      local transport, grant, expiry = string.match(values[index] or '', '^(%a) (%d+) (%d+)$')
      local process = string.match(name, '^f:([^:]+):')
      if grant and process then
        found[#found + 1] = { name = name, process = process, transport = transport, grant = integer(grant), expiry = integer(expiry) }
      end
    end
  end)
  return found
end
-- Those who have not refreshed their registration in time do not count, though they are still told of an ending.
local function countLive(followers)
  local count = 0
  for _, follower in ipairs(followers) do
    if follower.expiry * 1000 >= now then count = count + 1 end
  end
  return count
end
