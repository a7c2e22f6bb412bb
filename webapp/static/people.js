// The pages work without this file; it only offers to copy a secret that is shown once.

for (const button of document.querySelectorAll("[data-copy]")) {
  // Browsers copy for scripts on secure pages only.
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.done;
  });
}
