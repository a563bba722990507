-- set: write the cache entry of a key, and forget the flight that would have written another.
-- KEYS[1] lease
-- KEYS[2] flight
-- KEYS[3] entry
-- ARGV[1] entryHead
-- ARGV[2] outcome           an envelope; never parsed here
-- ARGV[3] entryTtlMs
-- ARGV[4] inboxPrefix
-- ARGV[5] header            protocol version of wake-ups
-- ARGV[6] flightId
-- Reply: status, server time in us, then by status:
-- STORED dropped pushes
-- pushes: '<kind> <token> <process> ...', wake-ups that are left to the caller; empty: none
-- One script, because a load that settles between the two would put back what this replaces. It begins with a DEL: when
-- the server is full, an entry that is out of date goes all the same.
redis.call('DEL', KEYS[3])
-- @include clock
-- @include read
-- @include presumption
-- @include followers
local inboxPrefix, header, flightId = ARGV[4], ARGV[5], ARGV[6]
-- @include publish
-- @include forget
-- @include write
writeEntry(ARGV[1], ARGV[2], ARGV[3])
local dropped = forgetFlight() and 1 or 0
return { 'STORED', nowText, dropped, pushes() }
