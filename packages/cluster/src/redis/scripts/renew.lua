-- renew: a leader says that it is alive.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] token
-- ARGV[2] leaseMs
-- ARGV[3] flightTtlMs
-- Reply: status, server time in us, then by status:
-- HELD followers
-- FENCED
-- FORGOTTEN
-- One script, because a lease may only be extended by whoever still holds it. The first write is one that a full server
-- allows, so that the others are allowed too.
-- @include clock
-- @include read
-- @include presumption
-- @include followers
local flight = fields('token', 'forgotten', 'beat', 'grant')
local token = ARGV[1]
if holder == token then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif not holder and flight[1] == token then
  -- Nobody was elected since: the lease only ran out.
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], token, 'PX', ARGV[2])
else
  withdrawDeath(token)
  return { flight[2] == token and 'FORGOTTEN' or 'FENCED', nowText }
end
withdrawDeath(token)
redis.call('HSET', KEYS[2], 'beat', whole(integer(flight[3]) + 1), 'leaseMs', ARGV[2])
-- The flight may have been evicted: name the leader again, so that its death can be told from a settlement.
if flight[1] ~= token then redis.call('HSET', KEYS[2], 'token', token) end
if integer(flight[4]) < integer(grantText(token)) then redis.call('HSET', KEYS[2], 'grant', grantText(token)) end
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return { 'HELD', nowText, countLive(registrations()) }
