// What stands around the charts: pictures, faces, words, and the weights of one frame. `data` and `show` are page.js's.

// ---- pictures

const nearest = (list, k) => list.reduce((best, item, i) =>
  Math.abs(item.frame - k) < Math.abs(list[best].frame - k) ? i : best, 0);

function setupPictures() {
  data.stills.forEach((still) => {
    const image = html("img", { src: still.src, alt: "Still at " + clock(still.frame) });
    $("film").append(html("button", { type: "button", title: clock(still.frame), onclick: () => pin(still.frame) }, image));
  });
  if (!video) return;
  const leave = () => { video.remove(); showStill(shown); };
  video.addEventListener("error", leave, true);
  video.querySelector("source").addEventListener("error", leave);
  video.addEventListener("loadedmetadata", () => {
    video.hidden = false;
    $("screen").classList.toggle("moving", video.videoWidth > 0);
    frameScreen(video.videoWidth, video.videoHeight);
    lead();
  });
  const step = () => {
    if (!playing()) return;
    pinned = clamp(Math.floor(video.currentTime * 10), 0, T - 1);
    show(pinned);
    requestAnimationFrame(step);
  };
  video.addEventListener("play", step);
  video.addEventListener("seeked", () => {
    const ours = led;
    led = false;
    if (!ours && !playing()) show(pinned = clamp(Math.floor(video.currentTime * 10), 0, T - 1));
  });
}

function lead() {  // the video goes where the cursor is; its answer ("seeked") must not move the cursor back
  if (!video || video.hidden || !video.isConnected) return;
  led = true;
  video.currentTime = (pinned + 0.5) / 10;
}

function frameScreen(width, height) {  // the picture's own shape, so that the box over the face lies right
  if (width && height) $("screen").style.setProperty("--ratio", (width / height).toFixed(4));
}

function showStill(k) {
  if (!data.stills.length) return;
  const at = nearest(data.stills, k), still = data.stills[at], image = $("still"), box = $("box");
  image.onload = () => $("screen").classList.contains("moving") || frameScreen(image.naturalWidth, image.naturalHeight);
  if (image.src !== still.src) image.src = still.src;
  image.hidden = false;
  image.alt = "Still at " + clock(still.frame);
  box.hidden = !still.box;
  if (still.box) {
    const [left, top, right, bottom] = still.box.map((share) => clamp(share, 0, 1) * 100);
    Object.assign(box.style, { left: left + "%", top: top + "%", width: right - left + "%", height: bottom - top + "%" });
  }
  $("caption").textContent = $("screen").classList.contains("moving") ? "" : "Still at " + clock(still.frame);
  [...$("film").children].forEach((button, i) => {
    button.setAttribute("aria-pressed", String(i === at));
    if (i === at) $("film").scrollLeft = button.offsetLeft - $("film").clientWidth / 2;
  });
}

function setupFaces() {
  $("faces").hidden = !data.faces.length;
  data.faces.forEach((face) => {
    const canvas = html("canvas", { className: "heat" });
    drawMap(canvas, unpack(face.map), face.width, face.height);
    const image = html("img", { src: face.src, alt: "Face at " + clock(face.frame) });
    $("crops").append(html("button", { type: "button", onclick: () => pin(face.frame) },
      html("span", { className: "crop" }, image, canvas), html("small", { textContent: clock(face.frame) })));
  });
  $("overlay").onclick = (event) => {
    const on = $("crops").classList.toggle("plain");
    event.target.setAttribute("aria-pressed", String(!on));
  };
}

// ---- words

function setupWords() {
  if (!data.sentences.length) return;
  $("words").hidden = false;
  data.sentences.forEach((line) => {
    const button = html("button", { type: "button", onclick: () => pin(line.from) },
      html("time", { textContent: clock(line.start, false) }), html("span"));
    line.words.forEach((word) => button.lastChild.append(html("mark", { textContent: word }), " "));
    $("sentences").append(button);
  });
  const heads = Math.max(...data.sentences.map((line) => line.heads.length - 1));
  const labels = ["Mean", ...Array.from({ length: heads }, (_, i) => "Head " + (i + 1))];
  choice($("heads"), labels.length > 2 ? labels : ["Mean"], colour);
  colour(0);
}

function colour(head) {  // heads[0] is the mean; depth is relative to the sentence's heaviest word
  data.sentences.forEach((line, i) => {
    const row = line.heads[head] || line.heads[0], most = Math.max(...row, 1e-9);
    $("sentences").children[i].querySelectorAll("mark").forEach((mark, j) => {
      mark.style.setProperty("--weight", Math.round(row[j] / most * 100) + "%");
      mark.title = Math.round(row[j] * 100) + " %";
    });
  });
}

function showSentence(k) {
  const current = data.sentences.findLastIndex((line) => k >= line.from && k < line.to);
  if (current === sentence) return;
  const list = $("sentences");
  list.children[sentence]?.removeAttribute("aria-current");
  sentence = current;
  const line = list.children[current];
  if (!line) return;
  line.setAttribute("aria-current", "true");
  list.scrollTop = line.offsetTop - (list.clientHeight - line.clientHeight) / 2;
}

// ---- weights of one frame

function bars(holder, rows) {  // rows: [label, total share in bytes or null, [[modality, bytes], …]]
  holder.replaceChildren(...rows.map(([label, total, parts]) => {
    const bar = html("span", { className: "rail" });
    const sum = parts.reduce((s, [, byte]) => s + byte, 0);
    for (const [m, byte] of parts) {
      const part = html("span", { className: "part " + MODALITIES[m] });
      part.style.width = (sum ? byte / sum * (total ?? 255) / 2.55 : 0) + "%";
      part.title = `${NAMES[m]} ${percent(byte)}`;
      bar.append(part);
    }
    return html("div", { className: "row" }, html("span", { className: "label" }, ...label), bar,
      html("b", { textContent: total === null ? "" : percent(total) }));
  }));
}

function showWeights(k) {
  if (!weights) return;
  bars($("weights"), NAMES.map((name, m) => [[name], weights[3 * k + m], [[m, weights[3 * k + m]]]]));
  if (!pairs) return;
  const tied = data.partners;
  const rows = data.pairMembers.map((members, p) => {
    const first = members.map((m, i) => [m, pairs[6 * k + 2 * p + i]]);
    const over = tied ? weights[3 * k + p] : pairShares ? pairShares[3 * k + p] : null;
    const detail = first.map(([m, byte]) => `${MODALITIES[m]} ${percent(byte)}`).join(" · ");
    const name = tied ? NAMES[p] + " answers" : members.map((m) => NAMES[m]).join(" + ");
    return [[name, html("small", { textContent: detail })], over, first];
  });
  if (!$("pair-rows")) {
    $("pairs").append(html("h3", { textContent: tied ? "Inside: who is answered" : "Inside: the pairs" }),
      html("p", { className: "note", textContent: tied
        ? "As long as the modality's weight, split between the two it answers."
        : pairShares ? "As long as the pair's weight, split between the two in it."
          : "Each pair, split between the two in it." }),
      html("div", { id: "pair-rows" }));
  }
  bars($("pair-rows"), rows);
}

