-- Applications, each another one unless SAME is set, to the API.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "told.lua")
local key, body = os.getenv("KEY"), os.getenv("BODY")
local same, rate = os.getenv("SAME"), tonumber(os.getenv("RATE"))
local headers = {["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json"}
local path = os.getenv("ASKED")
local sent = 0

numbered('"number": *(%d+)')

function request()
  sent = sent + 1
  local asked = body
  if not same then
    local balance = 20000 + (sent * 7919) % 40000 + (sent % 100) / 100
    asked = body:gsub('"transaction_balance_mean": [%d%.]+', string.format('"transaction_balance_mean": %.2f', balance))
    asked = asked:gsub('"loan_amount_czk": [%d%.]+', string.format('"loan_amount_czk": %d', 60000 + (sent * 12) % 300000))
  end
  return wrk.format("POST", path, headers, asked)
end

if rate then
  local ffi = require("ffi")
  ffi.cdef("typedef struct { long seconds, nanoseconds; } moment; int clock_gettime(int, moment *);")
  local moment, due = ffi.new("moment"), nil

  -- A client waits for the next turn of all clients; after a hitch those who are late make up for a second at most.
  function delay()
    ffi.C.clock_gettime(1, moment)
    local now = tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
    due = due and math.max(due + 1 / rate, now - 1) or now
    return math.max(math.floor((due - now) * 1000 + 0.5), 0)
  end
end
