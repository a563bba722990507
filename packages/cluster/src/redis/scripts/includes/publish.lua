-- Tells processes what happened, each once, the way that each is told: over pub/sub at once, failures swallowed, since
-- scripts do not roll back and a lost wake-up is found out by joining again. An inbox list has a slot of its own, so
-- processes with one are named to the caller, who pushes. Who is told in no known way is told in both.
-- Needs `inboxPrefix`, `header` and `flightId`.
local told, toPush = {}, {}
local function tell(process, transport, message)
  if not process or told[process] then return end
  told[process] = true
  if transport ~= 'l' then redis.pcall('PUBLISH', inboxPrefix .. process, message.text) end
  if transport == 'p' then return end
  if #toPush == 0 then toPush[1] = message.about end
  toPush[#toPush + 1] = process
end
-- What is left to the caller: '<kind> <token> <process> ...'; empty: nothing.
local function pushes() return table.concat(toPush, ' ') end
local function wakeUp(kind, token, outcome)
  local about = kind .. ' ' .. token
  return { about = about, text = header .. ' ' .. kind .. ' ' .. flightId .. ' ' .. token .. '\n' .. (outcome or '') }
end
local function leaderOf(token) return string.match(token or '', '^%d+%-([^-]+)%-') end
