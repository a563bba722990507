-- join: take part in the flight of a key, as its leader if there is none, else as a follower.
-- KEYS[1] lease
-- KEYS[2] flight
-- KEYS[3] entry             absent when no cache asks
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
-- ARGV[16] entrySeen        id of a cache entry that will not do; *: none will
-- ARGV[17] entryStaleMs     an entry past its time by less will do for a newcomer while somebody else renews it
-- Reply: status, server time in us, then by status:
-- LEAD token takeovers entryLeftMs
-- FOLLOW token beat remainingMs leaderTransport leaderLeaseMs
-- SETTLED token outcome ageMs
-- HIT entryLeftMs id
-- ABANDONED takeovers retryAfterMs
-- LOST
-- STALE
-- One script, because between looking at the lease and taking it another process could take it. On a full server its
-- first write is refused, so that nothing is left half-written.
-- @include clock
if tonumber(ARGV[3]) > 0 and now > tonumber(ARGV[3]) then return { 'STALE', nowText } end
-- @include read
-- @include claim
-- @include presumption
-- @include followers
-- @include entry
local registration = registrationOf(ARGV[1], ARGV[2])
local flight = fields('token', 'grant', 'takeovers', 'beat', 'transport', 'settled', 'settledAt', 'newcomers', 'abandonedUntil', 'refreshAfter', 'leaseMs')
local named, lastGrant, takeovers = flight[1], integer(flight[2]), integer(flight[3])
local beat, settled, newcomers = flight[4] or '', flight[6], flight[8]
local firstGrant, newcomer = tonumber(ARGV[9]), ARGV[9] == '0'
local function lastAtLeast(ttlMs)
  if redis.call('PTTL', KEYS[2]) < ttlMs then redis.call('PEXPIRE', KEYS[2], ttlMs) end
end
-- Nothing of ours is without an end; what somebody persisted or restored gets one again.
local function endSometime(key, ttlMs)
  if redis.call('PTTL', key) == -1 then redis.call('PEXPIRE', key, ttlMs) end
end

local entryLeftMs, entryId
if KEYS[3] and ARGV[16] ~= '*' then
  local graceMs
  entryId, graceMs = entryHead()
  entryLeftMs = entryId and redis.call('PTTL', KEYS[3]) - graceMs
end

-- A repeated attempt is not a second election.
if isAttempt(holder, ARGV[1], ARGV[2]) then return { 'LEAD', nowText, holder, takeovers, entryLeftMs } end

if settled then
  local age = now - integer(flight[7])
  -- A later flight than the one first followed will do: it cannot have settled before its follower came.
  local owed = not newcomer and integer(grantText(settled)) >= firstGrant
  -- From the future: the clock went back, and nobody knows how old it is.
  local welcome = newcomer and age >= 0 and (newcomers == 'all' or (newcomers == 'fresh' and age < tonumber(ARGV[8]) * 1000))
  local outcome = (owed or welcome) and redis.call('HGET', KEYS[2], 'outcome')
  if outcome then
    redis.call('HDEL', KEYS[2], registration)
    endSometime(KEYS[2], ARGV[5])
    return { 'SETTLED', nowText, settled, outcome, age < 0 and 2147483647 or math.floor(age / 1000) }
  end
end

-- An entry that will do ends the matter before any election. Its value is not sent: a plain GET is far cheaper.
if entryLeftMs and entryLeftMs > 0 and entryId ~= ARGV[16] then
  redis.call('HDEL', KEYS[2], registration)
  return { 'HIT', nowText, entryLeftMs, entryId }
end
local makesDo = newcomer and entryLeftMs and entryLeftMs + tonumber(ARGV[17]) > 0
-- The last attempt to renew it failed, and the next one is not due.
if makesDo and now < integer(flight[10]) then return { 'HIT', nowText, entryLeftMs, entryId } end

if holder and ARGV[13] == holder and ARGV[14] == beat then
  -- Whoever may not ask has no evidence; and nobody subscribes to the inbox of a leader that has a list.
  if ARGV[15] == '' or (flight[5] == 'p' and redis.pcall('PUBSUB', 'NUMSUB', ARGV[15])[2] == 0) then
    redis.call('DEL', KEYS[1])
    named, holder = holder, false
  end
end

if not holder then
  -- The lease ended unannounced while the flight names its leader: presume a death.
  local lost = named and redis.call('HSETNX', KEYS[2], 'd:' .. named, 1) == 1
  if lost then
    takeovers = countTakeovers(1)
    -- Whoever finds it, and whether it may lead or not: an abandonment that is over is none for this loss.
    redis.call('HDEL', KEYS[2], 'abandonedUntil')
    lastAtLeast(tonumber(ARGV[5]))
  end
  if named and not newcomer and ARGV[12] == '0' then
    redis.call('HDEL', KEYS[2], registration)
    return { 'LOST', nowText }
  end
  if takeovers > tonumber(ARGV[6]) then
    -- Nobody has reason to wait longer than this caller would.
    local longest = now + tonumber(ARGV[7]) * 1000
    local abandonedUntil = math.min(integer(flight[9]), longest)
    if lost or abandonedUntil == 0 then
      abandonedUntil = longest
      redis.call('HSET', KEYS[2], 'abandonedUntil', whole(abandonedUntil))
      -- Beyond abandonMs, so that the first to come afterwards is known for a probe. Later joins do not extend it.
      redis.call('PEXPIRE', KEYS[2], tonumber(ARGV[7]) + tonumber(ARGV[5]))
    end
    if now < abandonedUntil then
      redis.call('HDEL', KEYS[2], registration)
      endSometime(KEYS[2], tonumber(ARGV[7]) + tonumber(ARGV[5]))
      return { 'ABANDONED', nowText, takeovers, math.ceil((abandonedUntil - now) / 1000) }
    end
    -- A probe has everything before it behind it; its own loss passes the limit again.
    takeovers = tonumber(ARGV[6])
    redis.call('HSET', KEYS[2], 'takeovers', takeovers)
    forgetDeaths()
  end
  -- Grants grow by server time, and by one where the clock stood still or went back. A follower that outlived what the
  -- server knew remembers a grant, too: those who followed the same flight would refuse the outcome of a lower one.
  local grant = whole(math.max(lastGrant + 1, firstGrant + 1, now))
  local token = grant .. '-' .. ARGV[1] .. '-' .. ARGV[2]
  redis.call('SET', KEYS[1], token, 'NX', 'PX', ARGV[4])
  redis.call('HDEL', KEYS[2], registration, 'unwanted')
  redis.call('HSET', KEYS[2], 'token', token, 'grant', grant, 'beat', 0, 'transport', ARGV[11], 'leaseMs', ARGV[4])
  lastAtLeast(tonumber(ARGV[5]))
  return { 'LEAD', nowText, token, takeovers, entryLeftMs }
end

if makesDo then return { 'HIT', nowText, entryLeftMs, entryId } end
local expiry = whole(math.floor(now / 1000) + tonumber(ARGV[10]))
local isNew = redis.call('HSET', KEYS[2], registration, ARGV[11] .. ' ' .. grantText(holder) .. ' ' .. expiry) == 1
-- Coming for the first time is a reason for the leader to go on; still being there is none.
if isNew then redis.call('HDEL', KEYS[2], 'unwanted') end
lastAtLeast(tonumber(ARGV[5]))
endSometime(KEYS[1], ARGV[4])
return { 'FOLLOW', nowText, holder, beat, redis.call('PTTL', KEYS[1]), flight[5] or '', integer(flight[11]) }
