-- forget: whoever asks from now on gets a new execution.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] inboxPrefix
-- ARGV[2] header            protocol version of wake-ups
-- ARGV[3] flightId
-- Reply: status, server time in us, then by status:
-- FORGOTTEN dropped pushes
-- pushes: '<kind> <token> <process> ...', wake-ups that are left to the caller; empty: none
-- One script, because a leader elected between dropping the lease and the outcome would be forgotten unasked.
-- @include clock
-- @include read
-- @include presumption
-- @include followers
local inboxPrefix, header, flightId = ARGV[1], ARGV[2], ARGV[3]
-- @include publish
-- @include forget
local dropped = forgetFlight() and 1 or 0
return { 'FORGOTTEN', nowText, dropped, pushes() }
