-- Drops lease, token and retained outcome, keeps the grant, and tells whoever takes part. True if there was anything.
-- Needs `publish`.
local function forgetFlight()
  local flight = fields('token', 'settled', 'transport', 'abandonedUntil')
  local token = holder or flight[1]
  local dropped = token or flight[2]
  redis.call('DEL', KEYS[1])
  redis.call('HDEL', KEYS[2], 'token', 'takeovers', 'beat', 'transport', 'leaseMs', 'unwanted', 'abandonedUntil', 'settled', 'outcome', 'settledAt', 'newcomers', 'refreshAfter', 'refreshFailures')
  forgetDeaths()
  -- Lifting an abandonment is something, too.
  if not dropped then return flight[4] ~= false end
  -- For the leader, should its message be lost. Not for a flight of which nothing is left: that would have no end.
  if token and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], 'forgotten', token) end
  local message = wakeUp('forgotten', dropped)
  for _, follower in ipairs(registrations()) do tell(follower.process, follower.transport, message) end
  if token then tell(leaderOf(token), flight[3], message) end
  return true
end
