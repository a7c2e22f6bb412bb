-- Applications, each another one unless SAME is set, to the API; writes down the number of each prediction that was answered.
local key, body = os.getenv("KEY"), os.getenv("BODY")
local same, delay_ms = os.getenv("SAME"), tonumber(os.getenv("DELAY_MS"))
local headers = {["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json"}
local path = os.getenv("ASKED")
local sent, numbers = 0, io.open(os.getenv("NUMBERS"), "w")
numbers:setvbuf("full", 65536)

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

if delay_ms then
  function delay() return delay_ms end
end

function response(status, _, answer)
  if status == 200 then numbers:write(answer:match('"number": *(%d+)') or "none", "\n") end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "p50": %f, "p95": %f, "p99": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
