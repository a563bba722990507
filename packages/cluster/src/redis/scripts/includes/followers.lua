-- Registrations: field 'f:<process>:<nonce>', value '<transport> <grant followed> <expiry in ms of server time>'.
local function registrations()
  local found, names = {}, {}
  for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(name, 1, 2) == 'f:' then names[#names + 1] = name end
  end
  -- In slices: unpack has a limit.
  for from = 1, #names, 1000 do
    local slice = { unpack(names, from, math.min(from + 999, #names)) }
    local values = redis.call('HMGET', KEYS[2], unpack(slice))
    for index, name in ipairs(slice) do
      local transport, grant, expiry = string.match(values[index] or '', '^(%a) (%d+) (%d+)$')
      local process = string.match(name, '^f:([^:]+):')
      if transport and process then
        found[#found + 1] = { name = name, process = process, transport = transport, grant = tonumber(grant), expiry = tonumber(expiry) }
      end
    end
  end
  return found
end
local function liveFollowers()
  local count = 0
  for _, follower in ipairs(registrations()) do
    if follower.expiry * 1000 >= now then count = count + 1 end
  end
  return count
end
