// The clocks of a running submission keep counting between two polls.
setInterval(() => {
  for (const clock of document.querySelectorAll("[data-counts]")) {
    clock.began ??= performance.now();
    const passed = (performance.now() - clock.began) / 1000;
    const first = Number(clock.dataset.seconds);
    clock.textContent = written(clock.dataset.counts === "up" ? first + passed : Math.max(0, first - passed));
  }
}, 250);

function written(seconds) {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const clock = `${two(seconds % 60)}`;
  return minutes < 60 ? `${minutes}:${clock}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${clock}`;
}

// Open sections stay open when the live part is replaced.
let opened = [];
document.addEventListener("htmx:beforeSwap", () => {
  opened = [...document.querySelectorAll("#live details[open][id]")].map((details) => details.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
});
