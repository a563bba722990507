-- forget: whoever asks from now on gets a new execution.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] inboxPrefix
-- ARGV[2] header            protocol version of wake-ups
-- ARGV[3] flightId
-- Reply: status, server time in us, then by status:
-- FORGOTTEN dropped
-- One script, because a leader elected between dropping the lease and the outcome would be forgotten unasked.
-- @include clock
-- @include read
-- @include presumption
-- @include followers
local inboxPrefix, header, flightId = ARGV[1], ARGV[2], ARGV[3]
-- @include publish
local flight = fields('token', 'settled')
local token = holder or flight[1]
local dropped = token or flight[2]
redis.call('DEL', KEYS[1])
redis.call('HDEL', KEYS[2], 'token', 'takeovers', 'beat', 'transport', 'unwanted', 'abandonedUntil', 'settled', 'outcome', 'settledAt', 'newcomers')
forgetDeaths()
if not dropped then return { 'FORGOTTEN', nowText, 0 } end
-- For the leader, should its message be lost. Not for a flight of which nothing is left: that would have no end.
if token and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], 'forgotten', token) end
local message = wakeUp('forgotten', dropped)
for _, follower in ipairs(registrations()) do tell(follower.process, message) end
if token then tell(leaderOf(token), message) end
return { 'FORGOTTEN', nowText, 1 }
