// A window that nobody looks at does not poll, but for what its tab's title tells; it catches up when looked at again.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && !event.target.closest("[data-while-hidden]") && event.detail.requestConfig.verb === "get") event.preventDefault();
});

// A choice in a form of filters shows at once; without scripts the form has a button.
document.addEventListener("change", (event) => {
  event.target.form?.matches("[data-submit-on-change]") && event.target.form.requestSubmit();
});

// Coming back to a page shows what it was asked for, not the choice by which one left it.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-submit-on-change]")) form.reset();
});

// A table in a part that is exchanged stays where it was scrolled to.
const scrolled = new Map();
function* tables() {
  const met = new Map();
  for (const box of document.querySelectorAll(".table-scroll")) {
    const home = box.closest("[id]")?.id;
    met.set(home, (met.get(home) ?? 0) + 1);
    yield [`${home} ${met.get(home)}`, box];
  }
}
document.addEventListener("htmx:beforeSwap", () => {
  scrolled.clear();
  for (const [name, box] of tables()) if (box.scrollLeft || box.scrollTop) scrolled.set(name, [box.scrollLeft, box.scrollTop]);
});
// Twice: what is folded up right after a swap, and unfolded after that, cannot be scrolled before.
for (const moment of ["htmx:afterSwap", "htmx:afterSettle"]) {
  document.addEventListener(moment, () => {
    for (const [name, box] of scrolled.size ? tables() : []) if (scrolled.has(name)) box.scrollTo(...scrolled.get(name));
  });
}

// What scrolls sideways and holds nothing that takes the focus takes it itself, for whoever scrolls by keyboard.
function letKeysScroll() {
  for (const box of document.querySelectorAll(".table-scroll, pre, .strip")) {
    if (box.scrollWidth > box.clientWidth && !box.querySelector("a, button, summary, input, select")) box.tabIndex = 0;
  }
}
for (const moment of ["DOMContentLoaded", "htmx:afterSettle"]) document.addEventListener(moment, letKeysScroll);
addEventListener("resize", letKeysScroll);
