// Pictures of numbers, as SVG: scales, axes, marks, lines, histograms, and bars in cells.

const SIZE = { width: 360, height: 280, left: 52, right: 14, top: 26, bottom: 42 };

function scale(values, from, to, { log = false, reversed = false, room = 0.06 } = {}) {
  const known = values.filter((value) => isNumber(value) && (!log || value > 0));
  let [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
  if (log) [low, high] = high / low < 2 ? [low / 1.5, high * 1.5] : [low / 1.15, high * 1.15];
  else {
    const more = (high - low || Math.abs(high) || 1) * room;
    [low, high] = [low - more, high + more];
  }
  const transform = log ? Math.log : (value) => value;
  const [a, b] = reversed ? [to, from] : [from, to];
  const at = (value) => a + ((b - a) * (transform(value) - transform(low))) / (transform(high) - transform(low));
  const within = (value) => at(Math.min(high, Math.max(low, value)));
  return { at, within, low, high, ticks: log ? logTicks(low, high) : ticks(low, high) };
}

function ticks(low, high, about = 4) {
  const rough = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((part) => part * power).find((size) => size >= rough);
  const found = [];
  for (let place = Math.ceil(low / step); place * step <= high; place += 1)
    found.push(Number((place * step).toPrecision(6)));
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
  return s(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "group", "aria-label": label || title },
    s("text", { x: left, y: 15, class: "title" }, title),
    x.ticks.map((tick) => [
      s("line", { x1: x.at(tick), x2: x.at(tick), y1: top, y2: base, class: "grid" }),
      s("text", { x: x.at(tick), y: base + 14, class: "tick middle" }, short(tick)),
    ]),
    y.ticks.map((tick) => [
      s("line", { x1: left, x2: width - right, y1: y.at(tick), y2: y.at(tick), class: "grid" }),
      s("text", { x: left - 5, y: y.at(tick) + 4, class: "tick end" }, short(tick)),
    ]),
    s("text", { x: (left + width - right) / 2, y: height - 8, class: "axis middle" }, xTitle),
    s("text", { x: 0, y: 0, class: "axis middle", transform: `translate(12 ${(top + base) / 2}) rotate(-90)` }, yTitle),
  );
}

function mark(shape, x, y, kind, size = 5.5) {
  const points = {
    square: [
      [-1, -1],
      [1, -1],
      [1, 1],
      [-1, 1],
    ],
    triangle: [
      [0, -1.2],
      [1.1, 0.9],
      [-1.1, 0.9],
    ],
    down: [
      [0, 1.2],
      [1.1, -0.9],
      [-1.1, -0.9],
    ],
    diamond: [
      [0, -1.3],
      [1.3, 0],
      [0, 1.3],
      [-1.3, 0],
    ],
    cross: [
      [-1.1, -0.4],
      [-0.4, -0.4],
      [-0.4, -1.1],
      [0.4, -1.1],
      [0.4, -0.4],
      [1.1, -0.4],
      [1.1, 0.4],
      [0.4, 0.4],
      [0.4, 1.1],
      [-0.4, 1.1],
      [-0.4, 0.4],
      [-1.1, 0.4],
    ],
  }[shape];
  if (!points) return s("circle", { cx: x, cy: y, r: size, class: `mark ${kind}` });
  return s("polygon", {
    points: points.map(([a, b]) => `${x + a * size},${y + b * size}`).join(" "),
    class: `mark ${kind}`,
  });
}

// Lines: [{name, kind, points: [[x, y, low, high], ...]}].
function lines(series, { title, xTitle, yTitle, log = false }) {
  const points = series.flatMap((one) => one.points);
  const { width, height, left, right, top, bottom } = SIZE;
  const x = scale(
    points.map((one) => one[0]),
    left,
    width - right,
    { log },
  );
  const y = scale(
    points.flatMap((one) => [one[1], one[2], one[3]]),
    height - bottom,
    top,
  );
  const svg = frame(x, y, { title, xTitle, yTitle });
  for (const one of series) {
    const said = `${one.name}: ${one.points.map((part) => `${short(part[1])} at ${short(part[0])}`).join(", ")}`;
    svg.append(
      s(
        "g",
        {},
        s("title", {}, said),
        s("polyline", {
          class: `line ${one.kind}`,
          points: one.points.map((part) => `${x.at(part[0])},${y.at(part[1])}`).join(" "),
        }),
        one.points.map((part) => [
          isNumber(part[2]) &&
            s("line", {
              x1: x.at(part[0]),
              x2: x.at(part[0]),
              y1: y.at(part[2]),
              y2: y.at(part[3]),
              class: `bar ${one.kind}`,
            }),
          mark("circle", x.at(part[0]), y.at(part[1]), one.kind, 3),
        ]),
        series.length > 1 &&
          s(
            "text",
            {
              x: x.at(one.points[one.points.length - 1][0]) - 4,
              y: y.at(one.points[one.points.length - 1][1]) - 6,
              class: "name end",
            },
            one.name,
          ),
      ),
    );
  }
  return svg;
}

function histogram({ start, width, counts, slower }, p50, p99) {
  const x = scale([start, start + width * counts.length], SIZE.left, SIZE.width - SIZE.right);
  const y = scale([0, Math.max(...counts)], SIZE.height - SIZE.bottom, SIZE.top);
  const svg = frame(x, y, {
    title: "Latency of single queries",
    xTitle: "ms at batch 1",
    yTitle: "queries",
    label: `Histogram of latencies: p50 ${short(p50)} ms, p99 ${short(p99)} ms`,
  });
  counts.forEach((count, place) => {
    const [a, b] = [x.at(start + width * place), x.at(start + width * (place + 1))];
    if (count)
      svg.append(
        s("rect", {
          x: a,
          width: Math.max(1, b - a - 1),
          y: y.at(count),
          height: y.at(0) - y.at(count),
          class: "g0 mark",
        }),
      );
  });
  if (isNumber(p50))
    svg.append(
      s("line", { x1: x.at(p50), x2: x.at(p50), y1: SIZE.top, y2: SIZE.height - SIZE.bottom, class: "level" }),
      s("text", { x: x.at(p50) + 4, y: SIZE.top + 10, class: "name" }, `p50 ${short(p50)}`),
    );
  return h(
    "figure",
    {},
    svg,
    slower ? h("figcaption", {}, `${counted(slower, "slower query", "slower queries")} not shown.`) : "",
  );
}

function rangeBar(kind, from, at, to, behind) {
  return s(
    "svg",
    { viewBox: "0 0 120 14", class: "interval", "aria-hidden": "true" },
    behind,
    s("rect", { x: from, width: Math.max(2, to - from), y: 3, height: 8, rx: 2, class: `fill ${kind}` }),
    s("rect", { x: at - 1.25, width: 2.5, y: 1, height: 12, class: `mark ${kind}` }),
  );
}

// An interval as a bar in a cell, on the scale of its task; the dot is the score.
function intervalBar(entry) {
  const range = scaleOf(entry);
  if (!range || !isNumber(entry.score)) return "";
  const [low, high] = range;
  const at = (value) => (high > low ? Math.min(118, Math.max(2, 4 + (112 * (value - low)) / (high - low))) : 60);
  const [from, to] = [at(entry.score_low ?? entry.score), at(entry.score_high ?? entry.score)];
  return rangeBar(colour(entry), from, at(entry.score), to, s("line", { x1: 2, x2: 118, y1: 7, y2: 7, class: "grid" }));
}
