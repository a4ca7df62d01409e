// Shows the panes in turn. The current pane stays the same when the page's live part is replaced.
const SECONDS = 20;
let shown = null;

const panes = () => [...document.querySelectorAll("[data-pane]")];

// Charts that are empty or still being drawn are skipped.
function isReady(pane) {
  const picture = pane.querySelector("img");
  return !picture || (picture.complete && picture.naturalWidth > 0);
}

// Fetches the pane's chart again while another pane is shown, so that the change is not visible.
function renew(pane) {
  for (const part of pane.querySelectorAll("source, img")) {
    const name = part.tagName === "IMG" ? "src" : "srcset";
    part.setAttribute(name, `${part.getAttribute(name).replace(/&at=\d+$/, "")}&at=${Date.now()}`);
  }
}

function show(name) {
  const there = panes();
  const chosen = there.find((pane) => pane.dataset.pane === name) ?? there[0];
  for (const pane of there) pane.hidden = pane !== chosen;
  shown = chosen?.dataset.pane;
}

function turn() {
  const there = panes();
  const place = there.findIndex((pane) => pane.dataset.pane === shown);
  const following = [...there.slice(place + 1), ...there.slice(0, place + 1)];
  const next = following.find(isReady);
  show(next?.dataset.pane);
  following.filter((pane) => pane !== next).slice(0, 2).forEach(renew);
}

document.addEventListener("DOMContentLoaded", () => {
  shown = panes().find((pane) => !pane.hidden)?.dataset.pane;
  setInterval(turn, SECONDS * 1000);
});
// Runs before the replaced part is painted, so that the same pane stays visible.
document.addEventListener("htmx:afterSwap", () => show(shown));
