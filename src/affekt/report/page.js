// One state, the frame under the cursor: `pinned` is where it rests, `shown` where the mouse looks meanwhile.

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const unpack = (packed) => packed && Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
const T = data.frames;
const arousal = new Float32Array(unpack(data.arousal).buffer);
const valence = new Float32Array(unpack(data.valence).buffer);
const presence = unpack(data.presence), weights = unpack(data.weights);
const pairs = unpack(data.pairs), pairShares = unpack(data.pairShares);
const MODALITIES = ["text", "audio", "face"], NAMES = ["Text", "Audio", "Face"];
const seen = Uint8Array.from(arousal, (a, k) => presence[k] && Number.isFinite(a) && Number.isFinite(valence[k]));
const band = unpack(data.band);  // hundredths on either side, of arousal and of valence
const halfWidth = (k, d) => band[2 * k + d] / 100;
const edge = (values, d, sign) => values.map((v, k) => clamp(v + sign * halfWidth(k, d), -1, 1));
const edges = band && [arousal, valence].map((values, d) => [edge(values, d, -1), edge(values, d, 1)]);
const view = { first: 0, stop: T };
const video = $("video");
let pinned = data.start, shown = pinned, toX = null, toPlane = null, sentence = -1, led = false;

function html(name, attributes = {}, ...children) {
  const node = Object.assign(document.createElement(name), attributes);
  node.append(...children);
  return node;
}

const playing = () => video && !video.paused && !video.ended;
const percent = (byte) => Math.round(byte / 2.55) + " %";

function mood(k) {
  if (!presence[k]) return "nothing there to judge";
  const a = arousal[k], v = valence[k];
  const words = [a >= 0.1 ? "excited" : a <= -0.1 ? "calm" : "", v >= 0.1 ? "pleasant" : v <= -0.1 ? "unpleasant" : ""];
  return words.filter(Boolean).join(" and ") || "near neutral";
}

// ---- over time

function drawTimeline() {
  const svg = $("traces"), width = Math.max(200, $("slider").clientWidth), wide = width > 640;
  const left = 46, right = width - 12, top = 10, tall = wide ? 250 : 200, limit = data.limit;
  const lanes = top + tall + 16, lane = 9, stack = lanes + 3 * (lane + 7) + 10;
  const stackTall = weights ? (wide ? 110 : 90) : 0, bottom = stack + stackTall - (weights ? 0 : 10);
  const { first, stop } = view, columns = Math.max(1, Math.round((right - left) * 1.5));
  const x = toX = (k) => left + (k - first) / (stop - first) * (right - left);
  const y = (v) => top + tall * (1 - v / limit) / 2;
  svg.setAttribute("viewBox", `0 0 ${width} ${bottom + 26}`);
  const hatch = el("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)" }, el("path", { d: "M0 0v6", class: "hatch" }));
  const parts = [el("defs", {}, hatch)];
  for (const v of [limit, limit / 2, 0, -limit / 2, -limit]) {
    parts.push(el("path", { d: `M${left} ${put(y(v))}H${right}`, class: v ? "grid" : "zero" }),
      text(left - 8, put(y(v)) + 4, v ? (v < 0 ? "−" : "+") + Math.abs(v) : "0", { class: "tick end" }));
  }
  parts.push(el("path", { d: bandPath((k) => !presence[k], first, stop, x, top, tall), class: "gap" }));
  if (edges) for (const [name, d] of [["valence", 1], ["arousal", 0]])
    parts.push(el("path", { d: areaPath(...edges[d], seen, first, stop, x, y, columns / 2), class: "band " + name }));
  for (const [name, values] of [["valence", valence], ["arousal", arousal]])
    parts.push(el("path", { d: linePath(values, seen, first, stop, x, y, columns / 2), class: "line " + name }));
  NAMES.forEach((name, m) => {
    const at = lanes + m * (lane + 7);
    parts.push(text(left - 8, at + lane, name, { class: "tick end" }),
      el("path", { d: `M${left} ${at + lane / 2}H${right}`, class: "empty" }),
      el("path", { d: bandPath((k) => presence[k] >> m & 1, first, stop, x, at, lane), class: "fill " + MODALITIES[m] }));
  });
  if (weights) {
    parts.push(el("rect", { x: left, y: stack, width: right - left, height: stackTall, class: "well" }));
    stackPaths(weights, first, stop, x, stack, stackTall, columns).forEach((d, m) =>
      parts.push(el("path", { d, class: "fill " + MODALITIES[m] })));
    for (const [share, words] of [[0, "100 %"], [0.5, "50 %"], [1, "0 %"]])
      parts.push(text(left - 8, stack + share * stackTall + 4, words, { class: "tick end" }));
  }
  const { marks, tenths } = ticks(first, stop, right - left, 62);
  for (const k of marks)
    parts.push(el("path", { d: `M${put(x(k))} ${bottom}v5`, class: "grid" }),
      text(put(x(k)), bottom + 19, clock(k, tenths), { class: "tick middle" }));
  parts.push(el("path", { id: "cursor", d: `M0 ${top - 6}V${bottom}` }),
    el("circle", { id: "knob-valence", class: "knob valence", r: 5 }),
    el("circle", { id: "knob-arousal", class: "knob arousal", r: 5 }));
  svg.replaceChildren(...parts);
  svg.toY = (v) => put(y(clamp(v, -limit, limit)));
  svg.toFrame = (pixel) => clamp(Math.floor(first + (pixel - left) / (right - left) * (stop - first)), first, stop - 1);
}

function follow(k) {  // keeps the frame in view when only a part of the recording is shown
  const span = view.stop - view.first;
  if (k >= view.first && k < view.stop) return;
  look(span, k);
}

function look(span, k = pinned) {
  view.first = clamp(Math.round(k - span / 2), 0, Math.max(0, T - span));
  view.stop = Math.min(T, view.first + span);
  drawTimeline();
}

function zooms() {
  const spans = [[T, "All"], [3000, "5 min"], [600, "1 min"], [100, "10 s"]].filter(([n], i) => !i || n * 1.5 < T);
  if (spans.length < 2) return;
  choice($("zoom"), spans.map(([, label]) => label), (i) => { look(spans[i][0]); show(pinned); });
}

function choice(holder, labels, pick) {
  const buttons = labels.map((label, i) => html("button", { type: "button", textContent: label, onclick: () => {
    buttons.forEach((button, j) => button.setAttribute("aria-pressed", String(i === j)));
    pick(i);
  } }));
  buttons[0].setAttribute("aria-pressed", "true");
  holder.replaceChildren(...buttons);
}

// ---- on the plane

function setupPlane() {
  const path = (x, y) => {
    const per = Math.max(1, Math.ceil(T / 1200));
    let d = "", open = false;
    for (let k = 0; k < T; k += per) {
      let n = 0, v = 0, a = 0;
      for (let j = k; j < Math.min(T, k + per); j++) if (seen[j]) { n++; v += valence[j]; a += arousal[j]; }
      if (n) d += (open ? "L" : "M") + x(v / n) + " " + y(a / n);
      open = n > 0;
    }
    return d;
  };
  toPlane = drawPlane($("circumplex"), data.limit, path, T > 3000 ? crowd() : []);
}

function crowd() {  // a long recording's path is a tangle: shade the plane by the time spent in each square
  const side = data.limit / 12, counts = new Map();
  for (let k = 0; k < T; k++) {
    if (!seen[k]) continue;
    const key = Math.floor(valence[k] / side) + "," + Math.floor(arousal[k] / side);
    counts.set(key, (counts.get(key) || 0) + 1);
  }
  const most = Math.max(...counts.values());
  return [...counts].map(([key, n]) => [...key.split(",").map((i) => i * side), side, (0.5 * n / most).toFixed(3)]);
}

function showOnPlane(k) {
  let trail = "";
  for (let j = Math.max(0, k - 30), open = false; j <= k; j++) {
    if (seen[j]) trail += (open ? "L" : "M") + toPlane(valence[j], arousal[j]).join(" ");
    open = seen[j];
  }
  $("trail").setAttribute("d", trail);
  const [x, y] = toPlane(clamp(valence[k], -1, 1) || 0, clamp(arousal[k], -1, 1) || 0);
  $("dot").setAttribute("cx", x);
  $("dot").setAttribute("cy", y);
  $("dot").classList.toggle("absent", !seen[k]);
}

// ---- the cursor

function reading(values, d, k) {
  return signed(values[k]) + (band && seen[k] ? " ± " + halfWidth(k, d).toFixed(2) : "");
}

function show(k) {
  shown = k;
  follow(k);
  const x = put(toX(k + 0.5)), slider = $("slider");
  $("cursor").setAttribute("transform", `translate(${x} 0)`);
  for (const [name, values, d] of [["arousal", arousal, 0], ["valence", valence, 1]]) {
    const knob = $("knob-" + name);
    knob.setAttribute("cx", x);
    knob.setAttribute("cy", $("traces").toY(Number.isFinite(values[k]) ? values[k] : 0));
    knob.classList.toggle("absent", !seen[k]);
    $(name).textContent = reading(values, d, k);
  }
  $("clock").textContent = $("when").textContent = clock(k);
  $("mood").textContent = mood(k);
  slider.setAttribute("aria-valuenow", k / 10);
  slider.setAttribute("aria-valuetext",
    `${clock(k)}, arousal ${reading(arousal, 0, k)}, valence ${reading(valence, 1, k)}, ${mood(k)}`);
  showOnPlane(k);
  showStill(k);
  showWeights(k);
  showSentence(k);
}

function pin(k) {
  pinned = clamp(k, 0, T - 1);
  lead();
  show(pinned);
}

function setupCursor() {
  const slider = $("slider"), frame = (event) => $("traces").toFrame(event.clientX - slider.getBoundingClientRect().left);
  slider.setAttribute("aria-valuemax", (T - 1) / 10);
  slider.onpointerdown = (event) => { slider.setPointerCapture(event.pointerId); pin(frame(event)); };
  slider.onpointermove = (event) => {
    if (event.buttons) pin(frame(event));
    else if (event.pointerType === "mouse" && !playing()) show(frame(event));
  };
  slider.onpointerleave = () => { if (!playing()) show(pinned); };
  slider.onkeydown = (event) => {
    const page = Math.max(10, Math.round((view.stop - view.first) / 20)), step = event.shiftKey ? 10 : 1;
    const to = { ArrowLeft: pinned - step, ArrowDown: pinned - step, ArrowRight: pinned + step, ArrowUp: pinned + step,
      PageUp: pinned + page, PageDown: pinned - page, Home: 0, End: T - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    pin(to);
  };
}

function saveCsv() {
  const rows = ["time,arousal,valence,text,audio,face" + (weights ? ",weight_text,weight_audio,weight_face" : "")
    + (edges ? ",arousal_low,arousal_high,valence_low,valence_high" : "")];
  const value = (v, places = 5) => Number.isFinite(v) ? v.toFixed(places) : "";
  for (let k = 0; k < T; k++) {
    const row = [(k / 10).toFixed(1), value(arousal[k]), value(valence[k]), ...[0, 1, 2].map((m) => presence[k] >> m & 1)];
    if (weights) row.push(...[0, 1, 2].map((m) => (weights[3 * k + m] / 255).toFixed(3)));
    if (edges) row.push(...edges.flat().map((side) => seen[k] ? value(side[k], 2) : ""));
    rows.push(row.join(","));
  }
  const link = html("a", { href: URL.createObjectURL(new Blob([rows.join("\n") + "\n"], { type: "text/csv" })) });
  link.download = data.name + ".csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function setupTheme() {
  const button = $("theme"), root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : system.matches;
  const label = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.hidden = false;
  button.onclick = () => { root.dataset.theme = dark() ? "light" : "dark"; label(); };
  system.onchange = label;
  label();
}

setupTheme();
setupPictures();
setupFaces();
setupWords();
$("moment").hidden = !weights || !T;
for (const id of ["plane", "timeline"]) $(id).hidden = !T;
if ($("top").classList.contains("bare") && weights && T) $("stage").append($("moment"));  // fills the pictures' place
if (T) {
  const asked = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash);
  if (asked) pinned = clamp(Math.floor(asked[1] * 10 + 1e-6), 0, T - 1);
  $("timeline").classList.toggle("banded", Boolean(band));
  setupPlane();
  setupCursor();
  zooms();
  drawTimeline();
  show(pinned);
  addEventListener("load", () => showStill(shown));  // only now is the film strip as long as it will be
  let width = $("slider").clientWidth;
  new ResizeObserver(() => {
    if ($("slider").clientWidth === width) return;
    width = $("slider").clientWidth;
    drawTimeline();
    show(shown);
  }).observe($("slider"));
  $("csv").hidden = false;
  $("csv").onclick = saveCsv;
}
document.documentElement.dataset.ready = "";
