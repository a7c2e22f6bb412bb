// The pages work without this file; it says at once that a file is too large, and shows how far a batch is.

const form = document.getElementById("send-file");
if (form) {
  const file = form.querySelector("input[type=file]");
  const words = document.getElementById("file-error");
  file.addEventListener("change", () => {
    const tooLarge = file.files.length > 0 && file.files[0].size > Number(form.dataset.most);
    file.setCustomValidity(tooLarge ? form.dataset.tooLarge : "");
    words.hidden = !tooLarge;
    words.textContent = tooLarge ? form.dataset.tooLarge : "";
  });
}

const progress = document.getElementById("progress");
if (progress) {
  const bar = progress.querySelector("progress");
  const words = progress.querySelector("[role=status]");
  document.getElementById("refresh").hidden = true;

  const ask = async () => {
    const answer = await fetch(progress.dataset.address, { headers: { Accept: "application/json" }, redirect: "error" });
    const found = await answer.json();
    if (found.status !== "waiting" && found.status !== "running") {
      window.location.reload();
      return;
    }
    bar.value = found.done;
    words.textContent = found.words;
    setTimeout(follow, 1000);
  };
  // Where the answer cannot be had, the link is there again.
  const follow = () => ask().catch(() => { document.getElementById("refresh").hidden = false; });
  setTimeout(follow, 500);
}
