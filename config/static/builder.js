// Alt+↑ and Alt+↓ move the layer that has the focus, as its buttons do. The focus follows it to the same field.
let fieldToFocus = null;

document.addEventListener("keydown", (event) => {
  const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  const layer = way && event.altKey && !event.ctrlKey && event.target.closest(".layer");
  const button = layer && layer.querySelector(`button[value^="${way}-"]`);
  if (!button) return;
  event.preventDefault();
  if (button.disabled) return;
  const place = Number(layer.dataset.place);
  const id = event.target.id;
  fieldToFocus = id && id.replace(`layer-${place}-`, `layer-${place + (way === "up" ? -1 : 1)}-`);
  button.click();
});

document.addEventListener("htmx:afterSettle", () => {
  const field = fieldToFocus && document.getElementById(fieldToFocus);
  fieldToFocus = null;
  if (!field) return;
  field.closest("details")?.setAttribute("open", "");
  field.focus();
});

// Fields with errors are marked as invalid after each check of the model. After Submit, the first one gets the focus.
document.addEventListener("htmx:afterSettle", () => {
  for (const field of document.querySelectorAll('#submission [aria-invalid="true"]')) field.removeAttribute("aria-invalid");
  for (const error of document.querySelectorAll("#submission [data-about]")) {
    document.getElementById(error.dataset.about)?.setAttribute("aria-invalid", "true");
  }
});
document.querySelector('main [aria-invalid="true"]')?.focus();
