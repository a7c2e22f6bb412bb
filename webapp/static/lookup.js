// The page works without this file; it chooses the day that is typed, and filters the list of features.

const typedDay = document.getElementById("granted_on");
if (typedDay) {
  typedDay.addEventListener("input", () => { document.getElementById("chosen").checked = true; });
}

const filter = document.getElementById("filter");
if (filter) {
  const words = document.getElementById("words");
  const found = document.getElementById("found");
  const rest = document.getElementById("rest");
  const rows = [...document.querySelectorAll("#seen tbody tr")];
  const labels = rows.map((row) => row.querySelector("th").textContent.toLowerCase());
  filter.hidden = false;

  words.addEventListener("input", () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, place) => {
      row.hidden = !wanted.every((word) => labels[place].includes(word));
      shown += row.hidden ? 0 : 1;
    });
    if (rest) { rest.open = wanted.length > 0; }
    const text = shown === 1 ? found.dataset.one : found.dataset.many.replace("{}", shown);
    found.textContent = wanted.length ? text : "";
  });
}
