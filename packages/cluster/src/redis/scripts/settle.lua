-- settle: publish the outcome of a flight and end it.
-- KEYS[1] lease
-- KEYS[2] flight
-- KEYS[3] entry             absent when no cache asked
-- ARGV[1] process
-- ARGV[2] nonce
-- ARGV[3] token             empty: act for the join that this nonce was given up on
-- ARGV[4] outcome           an envelope; never parsed here
-- ARGV[5] newcomers         who gets it besides followers: 'all', 'none', or those who take one as 'fresh'
-- ARGV[6] retainMs
-- ARGV[7] inlineMaxBytes
-- ARGV[8] fanoutMaxBytes    an outcome is sent along only while followers x bytes stay below
-- ARGV[9] maxWoken          followers woken by one call
-- ARGV[10] inboxPrefix
-- ARGV[11] header           protocol version of wake-ups
-- ARGV[12] flightId
-- ARGV[13] entryHead        what precedes the outcome in the cache entry; empty: none is written
-- ARGV[14] entryTtlMs
-- ARGV[15] refreshBackoffMs the next attempt to renew an entry waits so long after this failure, twice as long after
--                           each further one, 32 times at most; 0: no failure
-- Reply: status, server time in us, then by status:
-- ACCEPTED woken unwoken pushes
-- ALREADY woken unwoken pushes
-- FENCED pushes
-- pushes: '<kind> <token> <process> ...', wake-ups that are left to the caller; empty: none
-- One script, because an outcome must be retained before anybody is woken and by the holder of the lease alone. It
-- begins with a DEL so that finished work is delivered when the server is full, and publishes last.
-- @include clock
-- @include read
-- @include claim
-- @include presumption
-- @include followers
local inboxPrefix, header, flightId = ARGV[10], ARGV[11], ARGV[12]
-- @include publish
-- @include unregister
-- @include write
local flight = fields('token', 'settled', 'unwanted', 'transport')
local outcome = ARGV[4]
local token = claimed(ARGV[3], flight[1], flight[2])
local already = token ~= '' and flight[2] == token
if already then
  -- What was accepted first is what everybody gets.
  outcome = redis.call('HGET', KEYS[2], 'outcome') or outcome
elseif accepts(token, flight[1]) then
  redis.call('DEL', KEYS[1])
  redis.call('HDEL', KEYS[2], 'token', 'takeovers', 'beat', 'transport', 'leaseMs', 'unwanted', 'abandonedUntil', registrationOf(ARGV[1], ARGV[2]))
  forgetDeaths()
  redis.call('HSET', KEYS[2], 'grant', grantText(token), 'settled', token, 'outcome', outcome, 'settledAt', nowText, 'newcomers', ARGV[5])
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
  if ARGV[13] ~= '' then writeEntry(ARGV[13], outcome, ARGV[14]) end
  if ARGV[15] ~= '0' then
    local failures = integer(redis.call('HGET', KEYS[2], 'refreshFailures')) + 1
    local pauseMs = tonumber(ARGV[15]) * 2 ^ math.min(failures - 1, 5)
    redis.call('HSET', KEYS[2], 'refreshFailures', failures, 'refreshAfter', whole(now + pauseMs * 1000))
    -- Twice as long, so that a further failure is known for one.
    if pauseMs * 2 > tonumber(ARGV[6]) then redis.call('PEXPIRE', KEYS[2], whole(pauseMs * 2)) end
  else
    redis.call('HDEL', KEYS[2], 'refreshFailures', 'refreshAfter')
  end
else
  withdrawDeath(token)
  unregister(ARGV[1], ARGV[2], flight[3], flight[4])
  return { 'FENCED', nowText, pushes() }
end

local grant, waiting, names, unwoken = integer(grantText(token)), {}, {}, 0
for _, follower in ipairs(registrations()) do
  -- Who registered for a later election is not waiting for this outcome.
  if follower.grant <= grant then
    if #waiting < tonumber(ARGV[9]) then
      waiting[#waiting + 1], names[#names + 1] = follower, follower.name
    else
      unwoken = unwoken + 1
    end
  end
end
inSlices(names, function(slice) redis.call('HDEL', KEYS[2], unpack(slice)) end)
local inline = #outcome <= tonumber(ARGV[7]) and #outcome * #waiting <= tonumber(ARGV[8])
local message = inline and wakeUp('settled', token, outcome) or wakeUp('pointer', token)
-- The caller pushes the outcome it has; of another one it can only say that it is there.
local pushed = outcome == ARGV[4] and message or wakeUp('pointer', token)
for _, follower in ipairs(waiting) do
  tell(follower.process, follower.transport, follower.transport == 'p' and message or pushed)
end
return { already and 'ALREADY' or 'ACCEPTED', nowText, #waiting, unwoken, pushes() }
