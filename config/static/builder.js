// Alt with an arrow moves the layer in which the cursor is, as its buttons do, and the cursor goes with it.
let goingTo = null;

document.addEventListener("keydown", (event) => {
  const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  const layer = way && event.altKey && !event.ctrlKey && event.target.closest(".layer");
  const button = layer && layer.querySelector(`button[value^="${way}-"]`);
  if (!button) return;
  event.preventDefault();
  if (button.disabled) return;
  const place = Number(layer.dataset.place);
  const id = event.target.id;
  goingTo = id && id.replace(`layer-${place}-`, `layer-${place + (way === "up" ? -1 : 1)}-`);
  button.click();
});

document.addEventListener("htmx:afterSettle", () => {
  const field = goingTo && document.getElementById(goingTo);
  goingTo = null;
  if (!field) return;
  field.closest("details")?.setAttribute("open", "");
  field.focus();
});

// What a look at the model finds wrong with a field stands beside it, and the field is marked; after Submit the cursor
// goes to the first one.
document.addEventListener("htmx:afterSettle", () => {
  for (const field of document.querySelectorAll('#submission [aria-invalid="true"]')) field.removeAttribute("aria-invalid");
  for (const told of document.querySelectorAll("#submission [data-about]")) {
    document.getElementById(told.dataset.about)?.setAttribute("aria-invalid", "true");
  }
});
document.querySelector('main [aria-invalid="true"]')?.focus();
