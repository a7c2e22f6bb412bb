// The page works without this file; it keeps empty filters out of the address, and opens all filters where there is room.

if (window.matchMedia("(min-width: 64rem)").matches) {
  for (const more of document.querySelectorAll(".filters .more")) more.open = true;
}

for (const form of document.querySelectorAll("form.filters")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) field.disabled = Boolean(field.name) && !field.value;
  });
  // Also after Back, when the browser shows the page as it was left.
  window.addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}
