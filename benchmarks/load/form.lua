-- The filled-in form as a browser sends it, each another one.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "told.lua")
local headers = {["Cookie"] = os.getenv("COOKIE"), ["Content-Type"] = "application/x-www-form-urlencoded"}
local body, sent = os.getenv("BODY"), 0

numbered('id="reference">[^%d<]*(%d+)')

function request()
  sent = sent + 1
  local asked = body:gsub("loan_amount_czk=[%d%.]+", string.format("loan_amount_czk=%d", 60000 + (sent * 12) % 300000))
  return wrk.format("POST", "/", headers, asked)
end
