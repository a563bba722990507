-- leave: a follower stops waiting.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] process
-- ARGV[2] nonce
-- ARGV[3] inboxPrefix
-- ARGV[4] header            protocol version of wake-ups
-- ARGV[5] flightId
-- Reply: status, server time in us, then by status:
-- LEFT pushes
-- pushes: '<kind> <token> <process> ...', wake-ups that are left to the caller; empty: none
-- One script, because only the last one to leave tells a leader that nobody wants its work any more.
-- @include clock
-- @include read
-- @include followers
local inboxPrefix, header, flightId = ARGV[3], ARGV[4], ARGV[5]
-- @include publish
-- @include unregister
local flight = fields('unwanted', 'transport')
unregister(ARGV[1], ARGV[2], flight[1], flight[2])
return { 'LEFT', nowText, pushes() }
