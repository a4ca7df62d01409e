// The charts, drawn in the browser by Vega; without it, or where it fails, the picture that the server draws.
const NARROW = 560;
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const drawn = new WeakMap(); // plot -> {view, from}: what stands in it, and from which address and beat

const charts = () => document.getElementById("charts");
const plots = () => [...document.querySelectorAll("#charts .plot")];

function look(plot) {
  return (plot.clientWidth < NARROW ? "&narrow" : "") + (dark.matches ? "&dark" : "");
}

const later = (seconds) => new Promise((go) => setTimeout(go, 1000 * seconds));

// What the server has not made yet – Vega's module at first, or a chart when many are asked for – it accepts to make,
// and says how soon to ask for again.
async function patient(address, tries = 8) {
  for (let left = tries; left > 0; left -= 1) {
    const response = await fetch(address);
    if (response.status === 200) return response;
    if (response.status !== 202) throw new Error(`${address}: ${response.status}`);
    await later(Number(response.headers.get("Retry-After")));
  }
  throw new Error(`${address}: not in time`);
}

let vega;
async function load() {
  const module = charts().dataset.bundle;
  await patient(module);
  await import(module);
  return window.vegaEmbed;
}

async function draw(plot) {
  const from = plot.dataset.vega + look(plot);
  const beat = charts().dataset.etag;
  const old = drawn.get(plot);
  if (old?.from === from && old.beat === beat) return;
  drawn.set(plot, { ...old, from, beat });
  say(plot, plot.dataset.wait);
  try {
    vega ??= load();
    const [embed, spec] = await Promise.all([vega, specification(from)]);
    await show(plot, embed, spec, { from, beat });
    old?.view?.finalize();
  } catch (error) {
    console.info("The chart is shown as a picture:", error);
    picture(plot);
  }
}

const specification = async (address) => (await patient(address)).json();

// Drawn beside the page and put into it whole: a chart that follows new scores does not flicker.
async function show(plot, embed, spec, seen) {
  const place = document.createElement("div");
  place.className = "drawing";
  const { view } = await embed(place, { ...spec, width: plot.clientWidth, height: plot.clientHeight }, {
    mode: "vega",
    renderer: "canvas",
    actions: false,
    logLevel: 1, // errors alone: a layer without rows is none
    ast: true,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true },
  });
  plot.replaceChildren(place);
  place.querySelector("canvas").setAttribute("aria-hidden", "true");
  drawn.set(plot, { view, ...seen });
}

function picture(plot) {
  const image = document.createElement("img");
  image.alt = "";
  image.addEventListener("load", () => plot.querySelector("canvas") || plot.replaceChildren(image));
  image.addEventListener("error", () => say(plot, plot.dataset.sorry));
  image.src = plot.dataset.svg + look(plot);
}

// Where nothing is drawn yet: that it will be, or why it is not. What was drawn before is better than words.
function say(plot, words) {
  if (plot.querySelector("canvas, img")) return;
  const told = document.createElement("p");
  told.className = "told";
  told.textContent = words;
  plot.replaceChildren(told);
}

// One after the other, from the top.
let drawing = Promise.resolve();
function drawAll() {
  drawing = drawing.then(async () => {
    for (const plot of plots()) await draw(plot);
  });
}

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const view = drawn.get(target)?.view;
    if (view && target.clientWidth) view.width(target.clientWidth).height(target.clientHeight).runAsync();
  }
  drawAll();
});

// The numbers that were unfolded stay so when the page brings newer ones.
let unfolded = [];
document.addEventListener("htmx:beforeSwap", () => {
  unfolded = [...document.querySelectorAll("#charts details[open]")].map((one) => one.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of unfolded) document.getElementById(id)?.setAttribute("open", "");
});
document.addEventListener("htmx:afterSettle", watch);

function watch() {
  resized.disconnect();
  for (const plot of plots()) say(plot, plot.dataset.wait);
  for (const plot of plots()) resized.observe(plot); // which tells of each at once, and so draws it
}

dark.addEventListener("change", drawAll);
if (charts()) watch();
