"use strict";
// Drawing by hand: SVG for the lines (sharp on paper, coloured by the style sheet), canvas for the face maps.

const NS = document.getElementById("traces").namespaceURI;

function el(name, attributes = {}, ...children) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

const put = (number) => Math.round(number * 10) / 10;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const signed = (value) => !Number.isFinite(value) ? "–"
  : Math.abs(value) < 0.005 ? "0.00" : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);

function clock(frame, tenths = true) {
  const whole = Math.floor(frame / 10), pad = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  const text = (hours ? hours + ":" + pad(minutes) : minutes) + ":" + pad(whole % 60);
  return tenths ? text + "." + (frame % 10) : text;
}

// A line through frames [first, stop): where a pixel holds many frames, its first, least, greatest and last.
// Frames that are not seen break it; a frame alone becomes a dot (a zero-long stroke with round ends).
function linePath(values, seen, first, stop, x, y, columns) {
  const per = Math.max(1, (stop - first) / columns);
  let path = "", open = false, alone = false;
  const add = (frame) => {
    path += (open ? "L" : "M") + put(x(frame + 0.5)) + " " + put(y(values[frame]));
    alone = !open;
    open = true;
  };
  const close = () => { if (alone) path += "h0"; open = alone = false; };
  for (let edge = first; edge < stop; edge += per) {
    const end = Math.min(stop, Math.floor(edge + per));
    let run = [];
    const flush = () => {
      if (!run.length) return;
      let low = run[0], high = run[0];
      for (const k of run) { if (values[k] < values[low]) low = k; if (values[k] > values[high]) high = k; }
      for (const k of [...new Set([run[0], low, high, run.at(-1)])].sort((a, b) => a - b)) add(k);
      run = [];
    };
    for (let k = Math.floor(edge); k < end; k++) {
      if (seen[k]) run.push(k);
      else { flush(); close(); }
    }
    flush();
  }
  close();
  return path;
}

// The area between two lines: where a pixel holds many frames, from the least of the one to the greatest of the
// other. Frames that are not seen break it; a frame alone is as wide as it lasts.
function areaPath(low, high, seen, first, stop, x, y, columns) {
  const per = Math.max(1, (stop - first) / columns);
  let path = "", points = [];
  const close = () => {
    if (points.length === 1) points = [-0.5, 0.5].map((d) => [points[0][0] + d, ...points[0].slice(1)]);
    const line = (side) => points.map((point) => put(x(point[0])) + " " + put(y(point[side])));
    if (points.length) path += "M" + [...line(2), ...line(1).reverse()].join("L") + "z";
    points = [];
  };
  for (let edge = first; edge < stop; edge += per) {
    let from = -1, to = -1, least = Infinity, most = -Infinity;
    for (let k = Math.floor(edge); k < Math.min(stop, Math.floor(edge + per)); k++) {
      if (!seen[k]) continue;
      if (from < 0) from = k;
      to = k;
      least = Math.min(least, low[k]);
      most = Math.max(most, high[k]);
    }
    if (from < 0) close();
    else points.push([(from + to + 1) / 2, least, most]);
  }
  close();
  return path;
}

// Bars for the stretches of frames where `holds`, as one path of rectangles.
function bandPath(holds, first, stop, x, top, height) {
  let path = "";
  for (let k = first; k < stop; k++) {
    if (!holds(k)) continue;
    const from = k;
    while (k < stop && holds(k)) k++;
    path += `M${put(x(from))} ${top}H${put(x(k))}v${height}H${put(x(from))}z`;
  }
  return path;
}

// Stacked steps: `weights` holds three bytes a frame that sum to 255 (or to 0: a gap). One path a layer.
function stackPaths(weights, first, stop, x, top, height, columns) {
  const per = Math.max(1, (stop - first) / columns), paths = ["", "", ""];
  for (let edge = first; edge < stop; edge += per) {
    const from = Math.floor(edge), end = Math.min(stop, Math.floor(edge + per)), sum = [0, 0, 0];
    for (let k = from; k < end; k++) for (let m = 0; m < 3; m++) sum[m] += weights[3 * k + m];
    const total = sum[0] + sum[1] + sum[2];
    if (!total) continue;
    let floor = top + height;
    for (let m = 0; m < 3; m++) {
      const tall = height * sum[m] / total;
      if (tall) paths[m] += `M${put(x(from))} ${put(floor)}V${put(floor - tall)}H${put(x(end))}V${put(floor)}z`;
      floor -= tall;
    }
  }
  return paths;
}

// Times to label: steps people count in, at least `room` pixels apart.
function ticks(first, stop, width, room) {
  const steps = [1, 2, 5, 10, 20, 50, 100, 150, 300, 600, 1200, 3000, 6000, 9000, 18000, 36000, 72000, 144000];
  const step = steps.find((frames) => frames * width / (stop - first) >= room) || steps.at(-1);
  const marks = [];
  for (let k = Math.ceil(first / step) * step; k < stop; k += step) marks.push(k);
  return { marks, tenths: step < 10 };
}

function text(x, y, words, attributes = {}) {
  return el("text", { x, y, ...attributes }, words);
}

// The plane: valence to the right, arousal upwards, the unit circle (or a closer look at its middle).
// `path` and `cells` say what to draw in it; gives back where a pair of values lies.
function drawPlane(svg, limit, path, cells) {
  const width = 540, height = 410, radius = 158, cx = width / 2, cy = height / 2;
  const x = (v) => put(cx + v / limit * radius), y = (a) => put(cy - a / limit * radius);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const corner = (at, top, anchor, one, two) => [
    text(at, top, one, { class: "quadrant", "text-anchor": anchor }),
    text(at, top + 17, two, { class: "example", "text-anchor": anchor })];
  svg.replaceChildren(
    el("circle", { cx, cy, r: radius, class: "disc" }),
    ...cells.map(([left, bottom, side, share]) => el("rect", { x: x(left), y: y(bottom + side),
      width: put(side / limit * radius), height: put(side / limit * radius), class: "cell", "fill-opacity": share })),
    el("circle", { cx, cy, r: radius, class: "ring" }),
    el("circle", { cx, cy, r: radius / 2, class: "grid" }),
    el("path", { d: `M${cx - radius} ${cy}h${2 * radius}`, class: "axis valence" }),
    el("path", { d: `M${cx} ${cy - radius}v${2 * radius}`, class: "axis arousal" }),
    text(cx, cy - radius - 12, "excited", { class: "pole arousal" }),
    text(cx, cy + radius + 22, "calm", { class: "pole arousal" }),
    text(cx + radius + 10, cy + 4, "pleasant", { class: "pole valence", id: "east" }),
    text(cx - radius - 10, cy + 4, "unpleasant", { class: "pole valence", id: "west" }),
    text(cx + 5, cy - radius + 15, "+" + limit, { class: "tick" }),
    text(cx + 5, cy + radius - 7, "−" + limit, { class: "tick" }),
    ...corner(0, 24, "start", "Excited, unpleasant", "anger, fear"),
    ...corner(width, 24, "end", "Excited, pleasant", "delight, joy"),
    ...corner(0, height - 24, "start", "Calm, unpleasant", "sadness, boredom"),
    ...corner(width, height - 24, "end", "Calm, pleasant", "ease, content"),
    el("path", { d: path(x, y), class: "path" }),
    el("path", { id: "trail" }),
    el("circle", { id: "dot", r: 7 }));
  return (v, a) => [x(v), y(a)];
}

// A heat map over a face: little attention darkens, much warms.
function drawMap(canvas, map, width, height) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  map.forEach((byte, i) => {
    const heat = byte / 255;
    image.data.set(heat < 0.5 ? [24, 26, 60, 120 * (1 - 2 * heat)] : [255, 170, 40, 165 * (2 * heat - 1)], 4 * i);
  });
  context.putImageData(image, 0, 0);
}
