// A hidden window polls only for its tab's title. It catches up when it is visible again.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && !event.target.closest("[data-while-hidden]") && event.detail.requestConfig.verb === "get") event.preventDefault();
});

// A filter form is submitted on every change. Without JavaScript, it has a button.
document.addEventListener("change", (event) => {
  event.target.form?.matches("[data-submit-on-change]") && event.target.form.requestSubmit();
});

// After going back to a page, its filter form shows the filters of that page, not the choice that led away from it.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("[data-submit-on-change]")) form.reset();
});

// Tables keep their scroll position when their part of the page is replaced.
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
// Twice: a table in a closed section cannot be scrolled until the section has been reopened, after the swap.
for (const moment of ["htmx:afterSwap", "htmx:afterSettle"]) {
  document.addEventListener(moment, () => {
    for (const [name, box] of scrolled.size ? tables() : []) if (scrolled.has(name)) box.scrollTo(...scrolled.get(name));
  });
}

// An area that scrolls sideways and contains nothing focusable becomes focusable, so that the keyboard can scroll it.
function letKeysScroll() {
  for (const box of document.querySelectorAll(".table-scroll, pre, .strip")) {
    if (box.scrollWidth > box.clientWidth && !box.querySelector("a, button, summary, input, select")) box.tabIndex = 0;
  }
}
for (const moment of ["DOMContentLoaded", "htmx:afterSettle"]) document.addEventListener(moment, letKeysScroll);
addEventListener("resize", letKeysScroll);
