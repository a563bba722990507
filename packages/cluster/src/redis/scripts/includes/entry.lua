-- The cache entry of the key: a line 'skein-entry/1 <server time in us> <id> <graceMs> ...', a line feed, an outcome
-- envelope. It is fresh until graceMs before its end. What is not of our making counts as no entry.
local function entryHead()
  local head = healed(KEYS[3], 'GETRANGE', KEYS[3], 0, 255)
  local id, graceMs = string.match(head, '^skein%-entry/1 %d+ (%S+) (%d+) ')
  return id, tonumber(graceMs)
end
