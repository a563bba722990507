-- delete: remove the cache entry of a key, and forget the flight that would have written another.
-- KEYS[1] lease
-- KEYS[2] flight
-- KEYS[3] entry
-- ARGV[1] inboxPrefix
-- ARGV[2] header            protocol version of wake-ups
-- ARGV[3] flightId
-- Reply: status, server time in us, then by status:
-- DELETED existed dropped pushes
-- pushes: '<kind> <token> <process> ...', wake-ups that are left to the caller; empty: none
-- One script, because a load that settles between the two would put back what this removes.
-- @include clock
-- @include read
-- @include presumption
-- @include followers
local inboxPrefix, header, flightId = ARGV[1], ARGV[2], ARGV[3]
-- @include publish
-- @include forget
local existed = redis.call('DEL', KEYS[3])
local dropped = forgetFlight() and 1 or 0
return { 'DELETED', nowText, existed, dropped, pushes() }
