-- Server time in microseconds, and as text: tostring() would write 1.79e+15.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function whole(number) return string.format('%.0f', number) end
local nowText = whole(now)
