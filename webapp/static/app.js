// The site works without this file; it only shows the instalment while amount and duration are typed.
"use strict";

const whole = new Intl.NumberFormat(document.documentElement.lang === "cs" ? "cs" : "en-GB", { maximumFractionDigits: 0 });

function showInstalment(amount, months, strip) {
  const instalment = Number(amount.value) / Number(months.value);
  strip.hidden = !(instalment > 0 && Number.isFinite(instalment));
  strip.querySelector("output").textContent = strip.hidden ? "" : strip.dataset.wording.replace("{}", whole.format(instalment));
}

const strip = document.getElementById("instalment");
if (strip) {
  const amount = document.getElementById("loan_amount_czk");
  const months = document.getElementById("loan_duration_months");
  const show = () => showInstalment(amount, months, strip);
  amount.addEventListener("input", show);
  months.addEventListener("input", show);
  // Also after Back, when the browser has filled the fields in again.
  window.addEventListener("pageshow", show);
}
