-- Whether `text`, a token, was made by this attempt of this process.
local function isAttempt(text, process, nonce)
  local suffix = '-' .. process .. '-' .. nonce
  return text and string.sub(text, -#suffix) == suffix
end
-- The token the caller acts for: the one it names, or, for a join that was given up, the one its nonce was given. That
-- may be a leader whose death was presumed: it can do nothing any more but withdraw that.
local function claimed(token, named, settled)
  if token ~= '' then return token end
  for _, candidate in ipairs({ holder or '', named or '', settled or '' }) do
    if isAttempt(candidate, ARGV[1], ARGV[2]) then return candidate end
  end
  for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
    if string.sub(name, 1, 2) == 'd:' and isAttempt(name, ARGV[1], ARGV[2]) then return string.sub(name, 3) end
  end
  return ''
end
-- The holder may act; so may the last one named while nobody was elected since, although its lease has ended.
local function accepts(token, named)
  return token ~= '' and (holder == token or (not holder and named == token))
end
