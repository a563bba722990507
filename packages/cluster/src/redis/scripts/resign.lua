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
-- RESIGNED pushes
-- WANTED followers
-- FENCED pushes
-- pushes: '<kind> <token> <process> ...', wake-ups that are left to the caller; empty: none
-- One script, because a follower must not register between the look at the followers and the end of the lease.
-- @include clock
-- @include read
-- @include claim
-- @include presumption
-- @include followers
local inboxPrefix, header, flightId = ARGV[6], ARGV[7], ARGV[8]
-- @include publish
-- @include unregister
local flight = fields('token', 'settled', 'unwanted', 'transport')
local token = claimed(ARGV[3], flight[1], false)
if not accepts(token, flight[1]) then
  withdrawDeath(token)
  unregister(ARGV[1], ARGV[2], flight[3], flight[4])
  return { 'FENCED', nowText, pushes() }
end
redis.call('HDEL', KEYS[2], registrationOf(ARGV[1], ARGV[2]))
local waiting = registrations()
local followers = countLive(waiting)
if ARGV[5] == '1' and followers > 0 then
  redis.call('HSET', KEYS[2], 'unwanted', token)
  return { 'WANTED', nowText, followers }
end
redis.call('DEL', KEYS[1])
-- Leaving on purpose is a sign of life.
withdrawDeath(token)
if followers == 0 and not flight[2] then
  redis.call('DEL', KEYS[2])
elseif followers == 0 then
  -- Nobody takes part any more: nothing but an outcome that may still be asked for is kept.
  local kept = { grant = 1, settled = 1, outcome = 1, settledAt = 1, newcomers = 1 }
  for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
    if not kept[name] then redis.call('HDEL', KEYS[2], name) end
  end
else
  redis.call('HDEL', KEYS[2], 'token', 'beat', 'transport', 'leaseMs', 'unwanted')
  if ARGV[4] == '1' then
    countTakeovers(1)
    redis.call('HDEL', KEYS[2], 'abandonedUntil')
  end
end
-- Registrations stay: they are served even by a successor that settles before everybody has joined again.
local message = wakeUp('resigned', token)
for _, follower in ipairs(waiting) do tell(follower.process, follower.transport, message) end
return { 'RESIGNED', nowText, pushes() }
