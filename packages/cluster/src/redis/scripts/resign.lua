-- resign: give leadership up on purpose, or a join whose reply nobody waits for.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] process
-- ARGV[2] nonce
-- ARGV[3] token             empty: act for the join that this nonce was given up on
-- ARGV[4] countsAsTakeover  1 or 0
-- ARGV[5] ifUnwanted        1: only if nobody is registered; otherwise mark the flight unwanted
-- ARGV[6] inboxPrefix
-- ARGV[7] header            protocol version of wake-ups
-- ARGV[8] flightId
-- Reply: status, server time in us, then by status:
-- RESIGNED
-- WANTED followers
-- FENCED
-- One script, because a follower must not register between the look at the followers and the end of the lease.
-- @include clock
-- @include read
-- @include claim
-- @include presumption
-- @include followers
-- @include publish
redis.call('HDEL', KEYS[2], 'f:' .. ARGV[1] .. ':' .. ARGV[2])
local flight = fields('token', 'settled')
local token = claimed(ARGV[3], flight[1], false)
if not accepts(token, flight[1]) then
  withdrawDeath(token)
  return { 'FENCED', nowText }
end
if ARGV[5] == '1' then
  local followers = liveFollowers()
  if followers > 0 then
    redis.call('HSET', KEYS[2], 'unwanted', token)
    return { 'WANTED', nowText, followers }
  end
end
redis.call('DEL', KEYS[1])
-- Leaving on purpose is a sign of life.
withdrawDeath(token)
redis.call('HDEL', KEYS[2], 'token', 'beat', 'transport', 'unwanted')
if ARGV[4] == '1' then
  redis.call('HINCRBY', KEYS[2], 'takeovers', 1)
  redis.call('HDEL', KEYS[2], 'abandonedUntil')
end
local waiting = registrations()
if #waiting == 0 and not flight[2] then
  redis.call('DEL', KEYS[2])
  return { 'RESIGNED', nowText }
end
local message = ARGV[7] .. ' resigned ' .. ARGV[8] .. ' ' .. token .. '\n'
-- Registrations stay: they are served even by a successor that settles before everybody has joined again.
for _, follower in ipairs(waiting) do tell(ARGV[6], follower.process, message) end
return { 'RESIGNED', nowText }
