// A button with `data-copy` copies the text of the element with that id. It is hidden without JavaScript.
document.documentElement.classList.add("copies");

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    // Without HTTPS there is no clipboard. Select the text so that it can be copied by keyboard.
    getSelection().selectAllChildren(source);
    return;
  }
  const label = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = label; }, 1500);
});

// Sections stay open or closed when the preview is updated.
const folds = new Map();

document.addEventListener("toggle", (event) => {
  const name = event.target.dataset?.fold;
  if (name) folds.set(name, event.target.open);
}, true);

document.addEventListener("htmx:afterSettle", () => {
  for (const part of document.querySelectorAll("details[data-fold]")) {
    if (folds.has(part.dataset.fold)) part.open = folds.get(part.dataset.fold);
  }
});
