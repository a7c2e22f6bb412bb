// The pages work without this file; it only keeps anybody from ticking more versions than are asked at once.

for (const group of document.querySelectorAll("[data-most]")) {
  const boxes = [...group.querySelectorAll("input[type=checkbox]")];
  const hold = () => {
    const full = boxes.filter((box) => box.checked).length >= Number(group.dataset.most);
    for (const box of boxes) box.disabled = full && !box.checked;
  };
  group.addEventListener("change", hold);
  // Also after Back, when the browser has ticked them again.
  window.addEventListener("pageshow", hold);
}
