-- Writes the cache entry: what the writer says of it, then the outcome envelope as it is.
local function writeEntry(head, outcome, ttlMs)
  redis.call('SET', KEYS[3], 'skein-entry/1 ' .. nowText .. ' ' .. head .. '\n' .. outcome, 'PX', ttlMs)
end
