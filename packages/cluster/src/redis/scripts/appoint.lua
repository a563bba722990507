-- appoint: this server, one of a quorum, is told of a leader that was elected on another.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] token
-- ARGV[2] transport         one letter
-- ARGV[3] leaseMs
-- ARGV[4] flightTtlMs
-- ARGV[5] takeovers         deaths before this leader, as the server that elected it counts them
-- ARGV[6] firstGrant        grant of the flight it first followed; 0 for a newcomer; empty: it leads, whatever is retained
-- ARGV[7] freshMs
-- Reply: status, server time in us, then by status:
-- APPOINTED
-- SETTLED token outcome ageMs
-- REFUSED holder
-- One script, because between looking at the lease and giving it to this leader another could be appointed. The first
-- write is the lease: on a full server it is refused, and nothing is left half-written.
-- @include clock
-- @include read
local flight = fields('token', 'grant', 'settled', 'settledAt', 'newcomers')
local token, named = ARGV[1], flight[1]
-- As in a join: the server that elected it may have lost an outcome that the others retain.
if holder ~= token and flight[3] and ARGV[6] ~= '' then
  local newcomer, age = ARGV[6] == '0', now - integer(flight[4])
  local owed = not newcomer and integer(grantText(flight[3])) >= tonumber(ARGV[6])
  local fresh = flight[5] == 'all' or (flight[5] == 'fresh' and age < tonumber(ARGV[7]) * 1000)
  local outcome = (owed or (newcomer and age >= 0 and fresh)) and redis.call('HGET', KEYS[2], 'outcome')
  if outcome then return { 'SETTLED', nowText, flight[3], outcome, age < 0 and 2147483647 or math.floor(age / 1000) } end
end
if holder and holder ~= token then return { 'REFUSED', nowText, holder } end
-- Somebody was elected since: this word is late.
if named ~= token and integer(flight[2]) >= integer(grantText(token)) then return { 'REFUSED', nowText, named or '' } end
redis.call('SET', KEYS[1], token, 'PX', ARGV[3])
-- Its predecessor is presumed dead here as well, so that a sign of life is known for one.
if named and named ~= token then redis.call('HSETNX', KEYS[2], 'd:' .. named, 1) end
redis.call('HDEL', KEYS[2], 'unwanted')
redis.call('HSET', KEYS[2], 'token', token, 'grant', grantText(token), 'beat', 0, 'transport', ARGV[2], 'leaseMs', ARGV[3], 'takeovers', ARGV[5])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
return { 'APPOINTED', nowText }
