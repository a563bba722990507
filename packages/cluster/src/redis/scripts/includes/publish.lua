-- Sends a wake-up to the inbox of each process once. Failures are swallowed: scripts do not roll back, and a lost
-- wake-up is found out by joining again. Needs `inboxPrefix`, `header` and `flightId`.
local told = {}
local function tell(process, message)
  if not process or told[process] then return end
  told[process] = true
  redis.pcall('PUBLISH', inboxPrefix .. process, message)
end
local function wakeUp(kind, token) return header .. ' ' .. kind .. ' ' .. flightId .. ' ' .. token .. '\n' end
local function leaderOf(token) return string.match(token or '', '^%d+%-([^-]+)%-') end
