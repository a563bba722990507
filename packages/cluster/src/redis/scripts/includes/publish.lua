-- Sends a wake-up to the inbox of each process once. Failures are swallowed: scripts do not roll back, and a lost
-- wake-up is found out by re-joining.
local told = {}
local function tell(inboxPrefix, process, message)
  if told[process] then return end
  told[process] = true
  redis.pcall('PUBLISH', inboxPrefix .. process, message)
end
local function leaderOf(token) return string.match(token or '', '^%d+%-([^-]+)%-') end
