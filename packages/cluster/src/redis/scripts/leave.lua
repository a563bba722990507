-- leave: a follower stops waiting.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] process
-- ARGV[2] nonce
-- ARGV[3] inboxPrefix
-- ARGV[4] header            protocol version of wake-ups
-- ARGV[5] flightId
-- Reply: status, server time in us, then by status:
-- LEFT
-- One script, because only the last one to leave tells a leader that nobody wants its work any more.
-- @include clock
-- @include read
-- @include followers
-- @include publish
local flight = fields('unwanted')
redis.call('HDEL', KEYS[2], 'f:' .. ARGV[1] .. ':' .. ARGV[2])
local leader = holder and leaderOf(holder)
if leader and flight[1] == holder and liveFollowers() == 0 then
  tell(ARGV[3], leader, ARGV[4] .. ' unwanted ' .. ARGV[5] .. ' ' .. holder .. '\n')
end
return { 'LEFT', nowText }
