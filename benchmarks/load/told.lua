-- The number of each prediction that was answered, and what the load came to, as JSON for serving_app.py; latencies in ms.
local numbers = io.open(os.getenv("NUMBERS"), "w")
numbers:setvbuf("full", 65536)

-- Called with what in an answer shows its number.
function numbered(pattern)
  function response(status, _, answer)
    if status == 200 then numbers:write(answer:match(pattern) or "none", "\n") end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "p50": %f, "p95": %f, "p99": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
