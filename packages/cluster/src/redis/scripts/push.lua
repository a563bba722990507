-- push: leave a wake-up in the inbox list of a process.
-- KEYS[1] inbox
-- ARGV[1] message
-- ARGV[2] pointer           the message without its outcome; empty: it has none
-- ARGV[3] maxMessages       the oldest beyond it are dropped
-- ARGV[4] maxWaitingBytes   an outcome travels only while messages waiting x bytes stay below; then the pointer does
-- ARGV[5] inboxTtlMs
-- Reply: status, server time in us, then by status:
-- PUSHED waiting
-- One script, because a list without an end would outlive a process that died. It begins with a write that a full
-- server allows, so that finished work is delivered there.
-- @include clock
local made = redis.pcall('LTRIM', KEYS[1], 0, ARGV[3] - 2)
if made.err then
  -- Not of our making, and in the way.
  if not string.find(made.err, 'WRONGTYPE', 1, true) then return made end
  redis.call('DEL', KEYS[1])
end
local message = ARGV[1]
if ARGV[2] ~= '' and redis.call('LLEN', KEYS[1]) * #message > tonumber(ARGV[4]) then message = ARGV[2] end
local waiting = redis.call('LPUSH', KEYS[1], message)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return { 'PUSHED', nowText, waiting }
