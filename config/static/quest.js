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

// What scrolls sideways and holds nothing that takes the focus takes it itself, for whoever scrolls by keyboard.
function letKeysScroll() {
  for (const box of document.querySelectorAll(".table-scroll, pre, .strip")) {
    if (box.scrollWidth > box.clientWidth && !box.querySelector("a, button, summary, input, select")) box.tabIndex = 0;
  }
}
for (const moment of ["DOMContentLoaded", "htmx:afterSettle"]) document.addEventListener(moment, letKeysScroll);
addEventListener("resize", letKeysScroll);
