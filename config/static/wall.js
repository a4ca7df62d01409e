// Shows the panes in turn; which one, outlives the exchange of the page's live part.
const SECONDS = 20;
let shown = null;

const panes = () => [...document.querySelectorAll("[data-pane]")];

function show(name) {
  const there = panes();
  const chosen = there.find((pane) => pane.dataset.pane === name) ?? there[0];
  for (const pane of there) pane.hidden = pane !== chosen;
  shown = chosen?.dataset.pane;
}

function turn() {
  const names = panes().map((pane) => pane.dataset.pane);
  show(names[(names.indexOf(shown) + 1) % names.length]);
}

document.addEventListener("DOMContentLoaded", () => {
  shown = panes().find((pane) => !pane.hidden)?.dataset.pane;
  setInterval(turn, SECONDS * 1000);
});
// Before the exchange is painted: the pane that was shown goes on being shown.
document.addEventListener("htmx:afterSwap", () => show(shown));
