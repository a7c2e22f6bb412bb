// The site works without this file. With it, the instalment shows while amount and duration are typed, and what was
// typed into the form is kept in its tab until it was answered. Nothing here is sent anywhere.

const DRAFT = "payoff.draft";
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
  document.getElementById("loan").addEventListener("input", show);
  // Also after Back, when the browser has filled the fields in again.
  window.addEventListener("pageshow", show);
}

// A browser may refuse to keep anything; then there is no draft, and all else works.
function keptDraft() {
  try {
    return JSON.parse(sessionStorage.getItem(DRAFT)) ?? {};
  } catch {
    return {};
  }
}

function keepDraft(draft) {
  try {
    sessionStorage.setItem(DRAFT, JSON.stringify(draft));
  } catch {
    // Kept nowhere.
  }
}

function forgetDraft() {
  try {
    sessionStorage.removeItem(DRAFT);
  } catch {
    // There is none.
  }
}

const form = document.getElementById("loan");
const offer = document.getElementById("draft");
const fieldsOf = (form) => [...form.elements].filter((field) => field.name && field.type !== "hidden");
const differ = (draft) => fieldsOf(form).filter((field) => draft[field.name] && draft[field.name] !== field.value);

function offerDraft() {
  const draft = keptDraft();
  offer.hidden = differ(draft).length === 0;
}

function takeDraft(typed) {
  const draft = keptDraft();
  const filled = differ(draft).filter((field) => !typed.has(field.name));
  for (const field of filled) field.value = draft[field.name];
  offer.hidden = true;
  form.dispatchEvent(new Event("input"));
  (filled[0] ?? fieldsOf(form)[0]).focus();
}

if (form) {
  // What was typed since the page was opened: neither an offered draft nor its refusal may undo it.
  const typed = new Set();
  form.addEventListener("input", ({ target }) => {
    if (!target.name) return;
    typed.add(target.name);
    keepDraft({ ...keptDraft(), [target.name]: target.value });
  });
  if (offer) {
    // After pageshow, because a reloading browser may have filled the fields in by itself.
    window.addEventListener("pageshow", offerDraft);
    document.getElementById("draft-take").addEventListener("click", () => takeDraft(typed));
    document.getElementById("draft-forget").addEventListener("click", () => {
      keepDraft(Object.fromEntries(fieldsOf(form).filter((field) => typed.has(field.name)).map((field) => [field.name, field.value])));
      offer.hidden = true;
      fieldsOf(form)[0].focus();
    });
  }
}

if (document.querySelector("[data-answered]")) forgetDraft();
for (const link of document.querySelectorAll("[data-forget]")) link.addEventListener("click", forgetDraft);

const print = document.getElementById("print");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
