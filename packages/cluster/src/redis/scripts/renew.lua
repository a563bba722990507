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
local flight = fields('token', 'forgotten')
local token = ARGV[1]
if holder == token then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif not holder and flight[1] == token then
  -- Nobody was elected since: the lease only ran out.
  redis.call('SET', KEYS[1], token, 'NX', 'PX', ARGV[2])
else
  withdrawDeath(token)
  if flight[2] == token then return { 'FORGOTTEN', nowText } end
  return { 'FENCED', nowText }
end
withdrawDeath(token)
redis.call('HINCRBY', KEYS[2], 'beat', 1)
-- The hash may have been evicted: name the leader again, so that its death can be told from a settlement.
if not flight[1] then redis.call('HSET', KEYS[2], 'token', token, 'grant', string.match(token, '^%d+') or '0') end
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
return { 'HELD', nowText, liveFollowers() }
