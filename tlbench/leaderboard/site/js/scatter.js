// Score against a cost. Points are links, so that a keyboard reaches them; each has its numbers as its name.

const SHAPES = ["circle", "square", "triangle", "diamond", "cross", "down"];

// Measurements that can stand against the score. `sign`: 1 if more is better. Right is always better.
const MEASURES = new Map([
  ["retention", { title: "retention (1 − forgetting)", short: "retention", sign: 1, sd: "forgetting_sd" }],
  ["p50_ms", { title: "latency p50 (ms, log)", short: "latency", sign: -1, log: true }],
  ["adapt_s", { title: "time of adaptation (s, log)", short: "time of adaptation", sign: -1, log: true }],
  ["onnx_kb", { title: "size of the ONNX file (kB, log)", short: "size", sign: -1, log: true }],
  ["label_budget", { title: "target labels (log)", short: "labels", sign: -1, log: true }],
]);

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
  const there = entries.filter(
    (entry) =>
      entry.strategy !== "constant" &&
      isNumber(entry.score) &&
      isNumber(entry[measure]) &&
      (!about.log || entry[measure] > 0),
  );
  if (!there.length) return null;
  const [low, high] = scoreSpan(there);
  const outside = there.filter((entry) => entry.score < low || entry.score > high);
  const drawn = there.filter((entry) => !outside.includes(entry));
  const spread = (entry) => (about.sd && isNumber(entry[about.sd]) ? entry[about.sd] : 0);
  const { width, height, left, right, top, bottom } = SIZE;
  const x = scale(
    drawn.flatMap((entry) =>
      [entry[measure] - spread(entry), entry[measure] + spread(entry)].map((value) =>
        about.log ? entry[measure] : value,
      ),
    ),
    left,
    width - right,
    { log: about.log, reversed: about.sign < 0 },
  );
  const y = scale([low, high], height - bottom, top, { room: 0 });
  const svg = frame(x, y, {
    title,
    xTitle: `${about.title} → better`,
    yTitle: `${there[0].metric} → better`,
    label: `${title}: score against ${about.title}, ${counted(drawn.length, "result")}`,
  });
  const front = pareto(
    drawn.filter((entry) => !entry.baseline),
    measure,
    about.sign,
  );
  if (front.length > 1)
    svg.append(
      s("polyline", {
        class: "pareto",
        points: steps(front.map((entry) => [x.at(entry[measure]), y.at(entry.score)])),
      }),
    );
  svg.append(s("text", { x: width - right - 4, y: top + 12, class: "good end" }, "good ↗"));
  const placed = drawn.map((entry) => around(x.at(entry[measure]), y.at(entry.score), 0, 0));
  // Those on the Pareto line have the first choice of places for their names, and lie above the others.
  const ordered = [...front, ...drawn.filter((entry) => !front.includes(entry))];
  const points = ordered.map((entry) => point(entry, x, y, measure, spread(entry), shapes, placed));
  svg.append(...points.reverse());
  const nameless = ordered.filter((_, place) => !points[points.length - 1 - place].querySelector(".name"));
  return h("figure", {}, svg, listedBelow("Outside the picture", outside), listedBelow("Without a name", nameless));
}

// The ends of the axis of scores, as `span` has them in the pictures of a board: strategies, source-only and all-labels,
// without those far below the others. Other baselines may be far off.
function scoreSpan(entries) {
  const usual = entries.filter((entry) => !entry.baseline || ["source-only", "all-labels"].includes(entry.strategy));
  const chosen = usual.length ? usual : entries;
  const least = nearOthers(chosen.map((entry) => entry.score));
  const ends = chosen
    .filter((entry) => entry.score >= least)
    .flatMap((entry) => [entry.score, Math.max(entry.score_low ?? entry.score, least - FAR), entry.score_high ?? entry.score]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = 0.05 * (high - low) || 0.05;
  return [low - room, high + room];
}

// The least score that is not far below the others: above a gap of more than FAR, and of more than all above it span.
const FAR = 0.5;
function nearOthers(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const most = sorted[sorted.length - 1];
  const gaps = sorted.slice(1, Math.ceil(sorted.length / 2)).map((value, place) => [value - sorted[place], value]);
  const [gap, least] = gaps.reduce((found, one) => (one[0] > found[0] ? one : found), [0, sorted[0]]);
  return gap > FAR && gap > most - least ? least : sorted[0];
}

// What a picture does not show, or does not name.
function listedBelow(title, entries) {
  if (!entries.length) return "";
  const items = entries.map((entry, place) => [
    place ? ", " : "",
    link(address(`run/${entry.runs[0].id}`), entry.label),
    ` ${number(entry.score)}`,
  ]);
  return h("details", { class: "note" }, h("summary", {}, `${title}: ${entries.length}`), h("p", {}, items));
}

// A front falls from point to point: what is between two of them is not as good as either.
const steps = (points) =>
  points
    .flatMap(([a, b], place) =>
      place
        ? [
            [points[place - 1][0], b],
            [a, b],
          ]
        : [[a, b]],
    )
    .map((pair) => pair.join(","))
    .join(" ");

const around = (x, y, width, height) => [x - 6, y - 6 - height, x + width + 6, y + 6];
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

// The width of a name in a picture, which depends on the reader's fonts.
const WIDTHS = new Map();
function textWidth(text) {
  if (!WIDTHS.has(text)) {
    const one = s("text", { class: "name" }, text);
    const ruler = s("svg", { class: "chart ruler", "aria-hidden": "true" }, one);
    document.body.append(ruler);
    WIDTHS.set(text, one.getComputedTextLength() || 6.5 * text.length);
    ruler.remove();
  }
  return WIDTHS.get(text);
}

// The name of a point where it hides no other point and no other name; none if there is no such place.
function nameOf(text, a, b, placed) {
  const long = textWidth(text);
  const places = [
    [a + 8, b + 3.5],
    [a - 8 - long, b + 3.5],
    [a - long / 2, b - 9],
    [a - long / 2, b + 17],
    [a + 6, b - 8],
    [a - 6 - long, b - 8],
  ];
  const box = ([x, y]) => [x, y - 9, x + long, y + 2];
  const inside = ([left, top, right, bottom]) =>
    left > SIZE.left && right < SIZE.width - 2 && top > SIZE.top + 14 && bottom < SIZE.height - SIZE.bottom;
  const free = places.find((one) => inside(box(one)) && !placed.some((other) => overlap(box(one), other)));
  if (!free) return "";
  placed.push(box(free));
  return s("text", { x: free[0], y: free[1], class: "name" }, text);
}

function point(entry, x, y, measure, sd, shapes, placed) {
  const [a, b] = [x.at(entry[measure]), y.at(entry.score)];
  const said =
    `${entry.label} on ${entry.backbone}: ${entry.metric} ${number(entry.score)}` +
    `${interval(entry.score_low, entry.score_high) && ` (${interval(entry.score_low, entry.score_high)})`}, ` +
    `${MEASURES.get(measure).short} ${short(entry[measure])}, access: ${entry.access_words}`;
  return s(
    "a",
    { href: address(`run/${entry.runs[0].id}`), "aria-label": said, class: "point" },
    s("title", {}, said),
    isNumber(entry.score_low) &&
      s("line", { x1: a, x2: a, y1: y.within(entry.score_low), y2: y.within(entry.score_high), class: `bar ${colour(entry)}` }),
    sd > 0 &&
      s("line", {
        x1: x.at(entry[measure] - sd),
        x2: x.at(entry[measure] + sd),
        y1: b,
        y2: b,
        class: `bar ${colour(entry)}`,
      }),
    mark(shapes.get(entry.backbone), a, b, colour(entry)),
    nameOf(entry.strategy, a, b, placed),
  );
}

function shapesOf(entries) {
  const backbones = distinct(entries.map((entry) => entry.backbone)).sort();
  return new Map(backbones.map((name, place) => [name, SHAPES[place % SHAPES.length]]));
}

function key(entries, shapes) {
  const groups = GROUPS.filter((group) => entries.some((entry) => entry.group === group));
  const item = (shape, kind, text) =>
    h(
      "li",
      {},
      s("svg", { viewBox: "-8 -8 16 16", class: "swatch", "aria-hidden": "true" }, mark(shape, 0, 0, kind)),
      text,
    );
  return h(
    "ul",
    { class: "key" },
    groups.map((group) => item("circle", groupColour(group), `access: ${group}`)),
    entries.some((entry) => entry.baseline) && item("circle", "base", "baseline"),
    shapes.size > 1 && [...shapes].map(([name, shape]) => item(shape, "ink", name)),
  );
}
