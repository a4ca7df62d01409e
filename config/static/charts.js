// Draws the charts with Vega in the browser. If Vega is missing or fails, shows the server's pictures instead.
const NARROW = 560;
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const drawn = new WeakMap(); // plot -> {view, from, etag}: its Vega view, and the address and ETag of its data

const charts = () => document.getElementById("charts");
const plots = () => [...document.querySelectorAll("#charts .plot")];

function look(plot) {
  return (plot.clientWidth < NARROW ? "&narrow" : "") + (dark.matches ? "&dark" : "");
}

const later = (seconds) => new Promise((go) => setTimeout(go, 1000 * seconds));

// Fetches `address`. While the server is still making the file (Vega's module at first, or a chart under load), it
// answers 202 with Retry-After.
async function fetchWhenReady(address, tries = 8) {
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
  await fetchWhenReady(module);
  await import(module);
  return window.vegaEmbed;
}

async function draw(plot) {
  const from = plot.dataset.vega + look(plot);
  const etag = charts().dataset.etag;
  const old = drawn.get(plot);
  if (old?.from === from && old.etag === etag) return;
  drawn.set(plot, { ...old, from, etag });
  say(plot, plot.dataset.wait);
  try {
    vega ??= load();
    const [embed, spec] = await Promise.all([vega, specification(from)]);
    await show(plot, embed, spec, { from, etag });
    old?.view?.finalize();
  } catch (error) {
    console.info("The chart is shown as a picture:", error);
    picture(plot);
  }
}

const specification = async (address) => (await fetchWhenReady(address)).json();

// Draws outside the document and then replaces the chart at once, so that an update does not flicker.
async function show(plot, embed, spec, seen) {
  const place = document.createElement("div");
  place.className = "drawing";
  const { view } = await embed(place, { ...spec, width: plot.clientWidth, height: plot.clientHeight }, {
    mode: "vega",
    renderer: "canvas",
    actions: false,
    logLevel: 1, // only errors: Vega warns about layers without rows
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

// Shows a message in an empty plot. An earlier drawing stays, since it is better than a message.
function say(plot, words) {
  if (plot.querySelector("canvas, img")) return;
  const message = document.createElement("p");
  message.className = "told";
  message.textContent = words;
  plot.replaceChildren(message);
}

// Draws one chart after the other, from the top.
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

// Open data tables stay open when the page is updated.
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
  for (const plot of plots()) resized.observe(plot); // calls back at once for each plot, which draws it
}

dark.addEventListener("change", drawAll);
if (charts()) watch();
