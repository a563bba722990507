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
-- @include followers
-- @include publish
local flight = fields('token', 'settled', 'takeovers')
local token = holder or flight[1]
local dropped = (token or flight[2] or flight[3]) and 1 or 0
if dropped == 0 then return { 'FORGOTTEN', nowText, 0 } end
redis.call('DEL', KEYS[1])
local spent = { 'token', 'takeovers', 'beat', 'transport', 'unwanted', 'abandonedUntil', 'settled', 'outcome', 'settledAt', 'unshareable' }
for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
  if string.sub(name, 1, 2) == 'd:' then spent[#spent + 1] = name end
end
redis.call('HDEL', KEYS[2], unpack(spent))
if token and redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HSET', KEYS[2], 'forgotten', token) end
local message = ARGV[2] .. ' forgotten ' .. ARGV[3] .. ' ' .. (token or '-') .. '\n'
for _, follower in ipairs(registrations()) do tell(ARGV[1], follower.process, message) end
local leader = leaderOf(token)
if leader then tell(ARGV[1], leader, message) end
return { 'FORGOTTEN', nowText, dropped }
