-- join: take part in the flight of a key, as its leader if there is none, else as a follower.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] process
-- ARGV[2] nonce
-- ARGV[3] deadlineUs        server time after which nobody waits for the reply; 0: none known
-- ARGV[4] leaseMs
-- ARGV[5] flightTtlMs
-- ARGV[6] maxTakeovers
-- ARGV[7] abandonMs
-- ARGV[8] freshMs
-- ARGV[9] firstGrant        grant of the flight first followed; 0 for a newcomer
-- ARGV[10] registrationMs
-- ARGV[11] transport        one letter
-- ARGV[12] takesOver        1, or 0 for a follower that wants to be told of a lost leader instead
-- ARGV[13] deposeToken      the leader held for dead; empty: none
-- ARGV[14] deposeBeat       its beat when it was last seen
-- ARGV[15] deposeInbox      its inbox, which must still be empty; empty: the evidence was its beat
-- Reply: status, server time in us, then by status:
-- LEAD token takeovers
-- FOLLOW token beat remainingMs leaderTransport
-- SETTLED token outcome ageMs
-- ABANDONED takeovers retryAfterMs
-- LOST
-- STALE
-- One script, because between looking at the lease and taking it another process could take it.
-- @include clock
if tonumber(ARGV[3]) > 0 and now > tonumber(ARGV[3]) then return { 'STALE', nowText } end
-- @include read
-- @include claim
-- @include presumption
local registration = 'f:' .. ARGV[1] .. ':' .. ARGV[2]
local flight = fields('token', 'grant', 'takeovers', 'beat', 'transport', 'settled', 'outcome', 'settledAt', 'unshareable', 'abandonedUntil')
local named, lastGrant, takeovers = flight[1], tonumber(flight[2] or '0') or 0, tonumber(flight[3] or '0') or 0
local beat, settled = flight[4] or '', flight[6]
local firstGrant, newcomer = tonumber(ARGV[9]), ARGV[9] == '0'

-- A repeated attempt is not a second election.
if isAttempt(holder, ARGV[1], ARGV[2]) then return { 'LEAD', nowText, holder, takeovers } end

if settled and flight[7] then
  local age = math.max(0, (now - (tonumber(flight[8] or '0') or 0)) / 1000)
  local owed = not newcomer and (tonumber(string.match(settled, '^%d+')) or 0) >= firstGrant
  local fresh = newcomer and (flight[9] or age < tonumber(ARGV[8]))
  if owed or fresh then
    redis.call('HDEL', KEYS[2], registration)
    return { 'SETTLED', nowText, settled, flight[7], math.floor(age) }
  end
end

if holder and ARGV[13] == holder and ARGV[14] == beat then
  if ARGV[15] == '' or redis.call('PUBSUB', 'NUMSUB', ARGV[15])[2] == 0 then
    redis.call('DEL', KEYS[1])
    holder = false
  end
end

if not holder then
  local lost = named and presumeDeath(named)
  if lost then takeovers = takeovers + 1 end
  if named and not newcomer and ARGV[12] == '0' then
    redis.call('HDEL', KEYS[2], registration)
    return { 'LOST', nowText }
  end
  if takeovers > tonumber(ARGV[6]) then
    local abandonedUntil = tonumber(flight[10] or '0') or 0
    if lost or abandonedUntil == 0 then
      abandonedUntil = now + tonumber(ARGV[7]) * 1000
      redis.call('HSET', KEYS[2], 'abandonedUntil', whole(abandonedUntil))
      -- Beyond abandonMs, so that the first to come afterwards is known for a probe. Later joins do not extend it.
      redis.call('PEXPIRE', KEYS[2], tonumber(ARGV[7]) + tonumber(ARGV[5]))
    end
    if now < abandonedUntil then
      redis.call('HDEL', KEYS[2], registration)
      return { 'ABANDONED', nowText, takeovers, math.ceil((abandonedUntil - now) / 1000) }
    end
  end
  -- Grants grow by server time, and by one where the clock stood still or went back.
  local grant = whole(math.max(lastGrant + 1, now))
  local token = grant .. '-' .. ARGV[1] .. '-' .. ARGV[2]
  redis.call('SET', KEYS[1], token, 'NX', 'PX', ARGV[4])
  redis.call('HDEL', KEYS[2], registration, 'unwanted', 'forgotten')
  redis.call('HSET', KEYS[2], 'token', token, 'grant', grant, 'beat', 0, 'transport', ARGV[11])
  if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
  return { 'LEAD', nowText, token, takeovers }
end

local followed = string.match(holder, '^%d+') or '0'
local expiry = whole(math.floor(now / 1000) + tonumber(ARGV[10]))
redis.call('HSET', KEYS[2], registration, ARGV[11] .. ' ' .. followed .. ' ' .. expiry)
redis.call('HDEL', KEYS[2], 'unwanted')
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
return { 'FOLLOW', nowText, holder, beat, redis.call('PTTL', KEYS[1]), flight[5] or '' }
