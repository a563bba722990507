-- A follower stops waiting. A leader that goes on for the followers' sake alone is told when none is left.
local function unregister(process, nonce, unwanted, leaderTransport)
  redis.call('HDEL', KEYS[2], registrationOf(process, nonce))
  if unwanted and countLive(registrations()) == 0 then tell(leaderOf(unwanted), leaderTransport, wakeUp('unwanted', unwanted)) end
end
