// Pictures of numbers, as SVG. Points are links, so that a keyboard reaches them; each has its numbers as its name.

const SIZE = { width: 360, height: 280, left: 52, right: 14, top: 26, bottom: 42 };
const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "down"];

// Measurements that can stand against the score. `sign`: 1 if more is better. Right is always better.
const MEASURES = new Map([
  ["retention", { title: "retention (1 − forgetting)", short: "retention", sign: 1, sd: "forgetting_sd" }],
  ["p50_ms", { title: "latency p50 (ms, log)", short: "latency", sign: -1, log: true }],
  ["adapt_s", { title: "training time (s, log)", short: "training time", sign: -1, log: true }],
  ["onnx_kb", { title: "size of the ONNX file (kB, log)", short: "size", sign: -1, log: true }],
  ["label_budget", { title: "target labels (log)", short: "labels", sign: -1, log: true }],
]);

function scale(values, from, to, { log = false, reversed = false } = {}) {
  const known = values.filter((value) => isNumber(value) && (!log || value > 0));
  let [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  if (log) [low, high] = high / low < 2 ? [low / 1.5, high * 1.5] : [low / 1.15, high * 1.15];
  else {
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    [low, high] = [low - room, high + room];
  }
  const transform = log ? Math.log : (value) => value;
  const [a, b] = reversed ? [to, from] : [from, to];
  const at = (value) => a + (b - a) * (transform(value) - transform(low)) / (transform(high) - transform(low));
  return { at, low, high, ticks: log ? logTicks(low, high) : ticks(low, high) };
}

function ticks(low, high, about = 4) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * power).find((size) => size >= rough);
  const found = [];
  for (let place = Math.ceil(low / step); place * step <= high; place += 1) found.push(Number((place * step).toPrecision(6)));
  return found;
}

function logTicks(low, high) {
  const found = [];
  const wide = Math.log10(high / low) > 2.2;
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1)
    for (const part of wide ? [1] : [1, 2, 5]) {
      const value = Number((part * 10 ** power).toPrecision(3));
      if (value >= low && value <= high) found.push(value);
    }
  return found.length ? found : [Number(low.toPrecision(2))];
}

function frame(x, y, { title, xTitle, yTitle, label, size = SIZE }) {
  const { width, height, left, right, top, bottom } = size;
  const base = height - bottom;
  return s("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "group", "aria-label": label || title },
    s("text", { x: left, y: 15, class: "title" }, title),
    x.ticks.map((tick) => [s("line", { x1: x.at(tick), x2: x.at(tick), y1: top, y2: base, class: "grid" }),
      s("text", { x: x.at(tick), y: base + 14, class: "tick middle" }, short(tick))]),
    y.ticks.map((tick) => [s("line", { x1: left, x2: width - right, y1: y.at(tick), y2: y.at(tick), class: "grid" }),
      s("text", { x: left - 5, y: y.at(tick) + 4, class: "tick end" }, short(tick))]),
    s("text", { x: (left + width - right) / 2, y: height - 8, class: "axis middle" }, xTitle),
    s("text", { x: 0, y: 0, class: "axis middle", transform: `translate(12 ${(top + base) / 2}) rotate(-90)` }, yTitle));
}

function mark(shape, x, y, kind, size = 5.5) {
  const points = {
    square: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
    triangle: [[0, -1.2], [1.1, 0.9], [-1.1, 0.9]],
    down: [[0, 1.2], [1.1, -0.9], [-1.1, -0.9]],
    diamond: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
    cross: [[-1.1, -0.4], [-0.4, -0.4], [-0.4, -1.1], [0.4, -1.1], [0.4, -0.4], [1.1, -0.4], [1.1, 0.4], [0.4, 0.4],
      [0.4, 1.1], [-0.4, 1.1], [-0.4, 0.4], [-1.1, 0.4]],
  }[shape];
  if (!points) return s("circle", { cx: x, cy: y, r: size, class: `mark ${kind}` });
  return s("polygon", { points: points.map(([a, b]) => `${x + a * size},${y + b * size}`).join(" "), class: `mark ${kind}` });
}

// The entries than which no other is as good in both: their line, from the left to the right.
function pareto(entries, measure, sign, y = "score") {
  const good = (entry) => sign * entry[measure];
  const sorted = [...entries].sort((a, b) => good(b) - good(a) || b[y] - a[y]);
  const front = [];
  for (const entry of sorted) if (!front.length || entry[y] > front[front.length - 1][y]) front.push(entry);
  return front.reverse();
}

function scatter(entries, measure, { title, shapes }) {
  const about = MEASURES.get(measure);
  // The constant prediction, far below everything else, would press all other points together.
  const there = entries.filter((entry) => entry.strategy !== "constant" && isNumber(entry.score) && isNumber(entry[measure]) && (!about.log || entry[measure] > 0));
  if (!there.length) return null;
  const spread = (entry) => about.sd && isNumber(entry[about.sd]) ? entry[about.sd] : 0;
  const { width, height, left, right, top, bottom } = SIZE;
  const x = scale(there.flatMap((entry) => [entry[measure] - spread(entry), entry[measure] + spread(entry)]
    .map((value) => about.log ? entry[measure] : value)), left, width - right, { log: about.log, reversed: about.sign < 0 });
  const y = scale(there.flatMap((entry) => [entry.score_low ?? entry.score, entry.score_high ?? entry.score]), height - bottom, top);
  const svg = frame(x, y, { title, xTitle: `${about.title} → better`, yTitle: `${there[0].metric} → better`,
    label: `${title}: score against ${about.title}, ${counted(there.length, "result")}` });
  const front = pareto(there.filter((entry) => !entry.baseline), measure, about.sign);
  if (front.length > 1) svg.append(s("polyline", { class: "pareto", points: steps(front.map((entry) => [x.at(entry[measure]), y.at(entry.score)])) }));
  svg.append(s("text", { x: width - right - 4, y: top + 12, class: "good end" }, "good ↗"));
  const placed = there.map((entry) => around(x.at(entry[measure]), y.at(entry.score), 0, 0));
  for (const entry of there) svg.append(point(entry, x, y, measure, spread(entry), shapes, placed));
  return svg;
}

// A front falls from point to point: what is between two of them is not as good as either.
const steps = (points) => points.flatMap(([a, b], place) => place ? [[points[place - 1][0], b], [a, b]] : [[a, b]])
  .map((pair) => pair.join(",")).join(" ");

const around = (x, y, width, height) => [x - 6, y - 6 - height, x + width + 6, y + 6];
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

// The name of a point where it hides no other point and no other name; none if there is no such place.
function nameOf(text, a, b, placed) {
  const long = 5.6 * text.length;
  const places = [[a + 8, b + 3.5], [a - 8 - long, b + 3.5], [a - long / 2, b - 9], [a - long / 2, b + 17], [a + 6, b - 8], [a - 6 - long, b - 8]];
  const box = ([x, y]) => [x, y - 9, x + long, y + 2];
  const inside = ([left, top, right, bottom]) => left > SIZE.left && right < SIZE.width - 2 && top > SIZE.top + 14 && bottom < SIZE.height - SIZE.bottom;
  const free = places.find((one) => inside(box(one)) && !placed.some((other) => overlap(box(one), other)));
  if (!free) return "";
  placed.push(box(free));
  return s("text", { x: free[0], y: free[1], class: "name" }, text);
}

function point(entry, x, y, measure, sd, shapes, placed) {
  const [a, b] = [x.at(entry[measure]), y.at(entry.score)];
  const said = `${entry.label} on ${entry.backbone}: ${entry.metric} ${number(entry.score)}`
    + `${interval(entry.score_low, entry.score_high) && ` (${interval(entry.score_low, entry.score_high)})`}, `
    + `${MEASURES.get(measure).short} ${short(entry[measure])}, access: ${entry.access_words}`;
  return s("a", { href: address(`run/${entry.runs[0].id}`), "aria-label": said, class: "point" }, s("title", {}, said),
    isNumber(entry.score_low) && s("line", { x1: a, x2: a, y1: y.at(entry.score_low), y2: y.at(entry.score_high), class: `bar ${colour(entry)}` }),
    sd > 0 && s("line", { x1: x.at(entry[measure] - sd), x2: x.at(entry[measure] + sd), y1: b, y2: b, class: `bar ${colour(entry)}` }),
    mark(shapes.get(entry.backbone), a, b, colour(entry)),
    nameOf(entry.strategy, a, b, placed));
}

function shapesOf(entries) {
  const backbones = distinct(entries.map((entry) => entry.backbone)).sort();
  return new Map(backbones.map((name, place) => [name, SHAPES[place % SHAPES.length]]));
}

function key(entries, shapes) {
  const groups = GROUPS.filter((group) => entries.some((entry) => entry.group === group));
  const item = (shape, kind, text) => h("li", {}, s("svg", { viewBox: "-8 -8 16 16", class: "swatch", "aria-hidden": "true" }, mark(shape, 0, 0, kind)), text);
  return h("ul", { class: "key" },
    groups.map((group) => item("circle", `g${GROUPS.indexOf(group) % 6}`, `access: ${group}`)),
    entries.some((entry) => entry.baseline) && item("circle", "base", "baseline"),
    shapes.size > 1 && [...shapes].map(([name, shape]) => item(shape, "ink", name)));
}

// Lines: [{name, kind, points: [[x, y, low, high], ...]}].
function lines(series, { title, xTitle, yTitle, log = false }) {
  const points = series.flatMap((one) => one.points);
  const { width, height, left, right, top, bottom } = SIZE;
  const x = scale(points.map((one) => one[0]), left, width - right, { log });
  const y = scale(points.flatMap((one) => [one[1], one[2], one[3]]), height - bottom, top);
  const svg = frame(x, y, { title, xTitle, yTitle });
  for (const one of series) {
    const said = `${one.name}: ${one.points.map((part) => `${short(part[1])} at ${short(part[0])}`).join(", ")}`;
    svg.append(s("g", {}, s("title", {}, said),
      s("polyline", { class: `line ${one.kind}`, points: one.points.map((part) => `${x.at(part[0])},${y.at(part[1])}`).join(" ") }),
      one.points.map((part) => [isNumber(part[2]) && s("line", { x1: x.at(part[0]), x2: x.at(part[0]), y1: y.at(part[2]), y2: y.at(part[3]), class: `bar ${one.kind}` }),
        mark("circle", x.at(part[0]), y.at(part[1]), one.kind, 3)]),
      series.length > 1 && s("text", { x: x.at(one.points[one.points.length - 1][0]) - 4, y: y.at(one.points[one.points.length - 1][1]) - 6, class: "name end" }, one.name)));
  }
  return svg;
}

function histogram({ start, width, counts, slower }, p50, p99) {
  const x = scale([start, start + width * counts.length], SIZE.left, SIZE.width - SIZE.right);
  const y = scale([0, Math.max(...counts)], SIZE.height - SIZE.bottom, SIZE.top);
  const svg = frame(x, y, { title: "Latency of single queries", xTitle: "ms at batch 1", yTitle: "queries",
    label: `Histogram of latencies: p50 ${short(p50)} ms, p99 ${short(p99)} ms` });
  counts.forEach((count, place) => {
    const [a, b] = [x.at(start + width * place), x.at(start + width * (place + 1))];
    if (count) svg.append(s("rect", { x: a, width: Math.max(1, b - a - 1), y: y.at(count), height: y.at(0) - y.at(count), class: "g0 mark" }));
  });
  if (isNumber(p50)) svg.append(s("line", { x1: x.at(p50), x2: x.at(p50), y1: SIZE.top, y2: SIZE.height - SIZE.bottom, class: "level" }),
    s("text", { x: x.at(p50) + 4, y: SIZE.top + 10, class: "name" }, `p50 ${short(p50)}`));
  return h("figure", {}, svg, slower ? h("figcaption", {}, `${counted(slower, "slower query", "slower queries")} not shown.`) : "");
}

function rangeBar(kind, from, at, to, behind) {
  return s("svg", { viewBox: "0 0 120 14", class: "interval", "aria-hidden": "true" }, behind,
    s("rect", { x: from, width: Math.max(2, to - from), y: 3, height: 8, rx: 2, class: `fill ${kind}` }),
    s("rect", { x: at - 1.25, width: 2.5, y: 1, height: 12, class: `mark ${kind}` }));
}

// An interval as a bar in a cell, on the scale of its task; the dot is the score.
function intervalBar(entry) {
  const range = scaleOf(entry);
  if (!range || !isNumber(entry.score)) return "";
  const [low, high] = range;
  const at = (value) => high > low ? Math.min(118, Math.max(2, 4 + 112 * (value - low) / (high - low))) : 60;
  const [from, to] = [at(entry.score_low ?? entry.score), at(entry.score_high ?? entry.score)];
  return rangeBar(colour(entry), from, at(entry.score), to, s("line", { x1: 2, x2: 118, y1: 7, y2: 7, class: "grid" }));
}
