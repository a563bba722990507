-- settle: publish the outcome of a flight and end it.
-- KEYS[1] lease
-- KEYS[2] flight
-- ARGV[1] process
-- ARGV[2] nonce
-- ARGV[3] token             empty: act for the join that this nonce was given up on
-- ARGV[4] outcome           an envelope; never parsed here
-- ARGV[5] unshareable       1: the outcome says that everybody has to run alone
-- ARGV[6] retainMs
-- ARGV[7] inlineMaxBytes
-- ARGV[8] fanoutMaxBytes    an outcome is sent along only while followers x bytes stay below
-- ARGV[9] maxWoken          followers woken by one call
-- ARGV[10] inboxPrefix
-- ARGV[11] header           protocol version of wake-ups
-- ARGV[12] flightId
-- Reply: status, server time in us, then by status:
-- ACCEPTED woken unwoken
-- ALREADY woken unwoken
-- FENCED
-- One script, because an outcome must be retained before anybody is woken and by the holder of the lease alone. It
-- begins with a DEL so that finished work is delivered when the server is full, and publishes last.
-- @include clock
-- @include read
-- @include claim
-- @include presumption
-- @include followers
-- @include publish
local flight = fields('token', 'settled')
local token = claimed(ARGV[3], flight[1], flight[2])
local already = token ~= '' and flight[2] == token
if not already then
  if not accepts(token, flight[1]) then
    withdrawDeath(token)
    redis.call('HDEL', KEYS[2], 'f:' .. ARGV[1] .. ':' .. ARGV[2])
    return { 'FENCED', nowText }
  end
  redis.call('DEL', KEYS[1])
  local spent = { 'token', 'takeovers', 'beat', 'transport', 'unwanted', 'forgotten', 'abandonedUntil', 'unshareable', 'f:' .. ARGV[1] .. ':' .. ARGV[2] }
  for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(name, 1, 2) == 'd:' then spent[#spent + 1] = name end
  end
  redis.call('HDEL', KEYS[2], unpack(spent))
  redis.call('HSET', KEYS[2], 'grant', string.match(token, '^%d+') or '0', 'settled', token, 'outcome', ARGV[4], 'settledAt', nowText)
  if ARGV[5] == '1' then redis.call('HSET', KEYS[2], 'unshareable', 1) end
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
end

local grant, waiting, unwoken = tonumber(string.match(token, '^%d+')) or 0, {}, 0
for _, follower in ipairs(registrations()) do
  -- Who registered for a later election is not waiting for this outcome.
  if follower.grant <= grant then
    if #waiting < tonumber(ARGV[9]) then waiting[#waiting + 1] = follower else unwoken = unwoken + 1 end
  end
end
local kind, payload = ' settled ', ARGV[4]
if #payload > tonumber(ARGV[7]) or #payload * #waiting > tonumber(ARGV[8]) then kind, payload = ' pointer ', '' end
local message = ARGV[11] .. kind .. ARGV[12] .. ' ' .. token .. '\n' .. payload
for _, follower in ipairs(waiting) do redis.call('HDEL', KEYS[2], follower.name) end
for _, follower in ipairs(waiting) do tell(ARGV[10], follower.process, message) end
return { already and 'ALREADY' or 'ACCEPTED', nowText, #waiting, unwoken }
