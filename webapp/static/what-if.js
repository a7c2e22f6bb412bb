// Sliders for amount and duration that recompute while they move. Without this file, a button does the same.

const PAUSE_MS = 200;
const section = document.getElementById("what-if");
const terms = section.querySelector("form");
const again = terms.querySelector("button");
const status = section.querySelector("[role=status]");
const shown = new Intl.NumberFormat(document.documentElement.lang === "cs" ? "cs" : "en-GB");
let timer;
let asking = new AbortController();

function say(slider) {
  const unit = document.getElementById(`${slider.dataset.for}-unit`).textContent;
  slider.setAttribute("aria-valuetext", `${shown.format(slider.value)} ${unit}`);
}

function showProblems(problems) {
  for (const input of terms.querySelectorAll("input[type=number]")) {
    const problem = problems[input.name] ?? "";
    const line = document.getElementById(`${input.name}-error`);
    line.textContent = problem;
    line.hidden = !problem;
    if (problem) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  status.textContent = Object.values(problems).join(" ");
}

function showCurve(curve) {
  const figure = section.querySelector(".curve");
  if (!figure || !curve) return;
  figure.querySelector("path").setAttribute("d", curve.path);
  figure.querySelector("[role=img]").setAttribute("aria-label", curve.words);
  const mark = figure.querySelector("figure > svg > .curve-amount");
  mark.setAttribute("visibility", curve.amount === null ? "hidden" : "visible");
  mark.setAttribute("transform", `translate(${curve.amount ?? 0} 0)`);
}

function show(found) {
  showProblems({});
  for (const place of section.querySelectorAll("[data-word]")) place.textContent = found.words[place.dataset.word];
  section.querySelector("[data-word=probability]").dataset.value = found.payoff_probability;
  showCurve(found.curve);
}

function fail() {
  status.textContent = terms.dataset.failed;
  again.hidden = false;
}

async function ask() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  section.setAttribute("aria-busy", "true");
  try {
    const request = { method: "POST", body: new URLSearchParams(new FormData(terms)), headers: { Accept: "application/json" }, signal };
    const answer = await fetch(new URL(terms.action).pathname, request);
    const told = await answer.json();
    if (answer.ok) show(told);
    else if (told.errors) showProblems(Object.fromEntries(told.errors.map(({ field, reason }) => [field, reason])));
    else fail();
  } catch (error) {
    if (error.name === "AbortError") return;
    fail();
  }
  section.removeAttribute("aria-busy");
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE_MS);
}

for (const slider of terms.querySelectorAll("input[type=range]")) {
  const input = document.getElementById(slider.dataset.for);
  slider.hidden = false;
  say(slider);
  slider.addEventListener("input", () => {
    input.value = slider.value;
    say(slider);
    later();
  });
  input.addEventListener("input", () => {
    slider.value = input.value;
    say(slider);
    later();
  });
}
// What was typed before this file was there, or brought back by the browser.
window.addEventListener("pageshow", () => {
  const inputs = [...terms.querySelectorAll("input[type=number]")];
  if (inputs.some((input) => input.value !== input.defaultValue)) later();
});
again.hidden = true;
terms.addEventListener("submit", (event) => {
  // Enter in a field; the button itself appears only when the script could not help.
  if (event.submitter && !event.submitter.hidden) return;
  event.preventDefault();
  clearTimeout(timer);
  ask();
});
