-- The filled-in form as a browser sends it, each another one.
local headers = {["Cookie"] = os.getenv("COOKIE"), ["Content-Type"] = "application/x-www-form-urlencoded"}
local body, sent = os.getenv("BODY"), 0

function request()
  sent = sent + 1
  local asked = body:gsub("loan_amount_czk=[%d%.]+", string.format("loan_amount_czk=%d", 60000 + (sent * 12) % 300000))
  return wrk.format("POST", "/", headers, asked)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %f, "p50": %f, "p95": %f, "p99": %f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
