// A task: what it is, which strategy to use, its results and pictures.

function cardFacts(about) {
  return about
    ? [h("p", { class: "lead" }, about.summary), facts(about.facts.map(([name, value]) => [name, linked(value)]))]
    : h(
        "p",
        { class: "note" },
        "Its plugin was not installed when this page was made: what follows is from results alone.",
      );
}

function taskView(name, parameters) {
  const entries = ENTRIES.filter((entry) => entry.task === name);
  if (!entries.length) return missingView(`Task ${name}`);
  const about = TASKS.get(name);
  const found = CASES.filter((one) => one.task === name)
    .map((one) => decide(one, { forgetting: null, ms: null }))
    .sort((a, b) => scoreOf(b) - scoreOf(a));
  const given = { ...parameters };
  const table = h("div", {});
  const draw = (part = {}) => {
    Object.assign(given, part);
    if (Object.keys(part).length) keep(`task/${name}`, given);
    replace(
      table,
      resultsTable(entries, {
        sort: given.sort || "",
        page: Number(given.page) || 1,
        change: draw,
        caption: `Results of ${name}`,
      }),
    );
  };
  draw();
  return [
    h("h1", {}, name),
    about && about.card && h("p", { class: "subtitle" }, about.card.title),
    cardFacts(about && about.card),
    about && about.said.length
      ? h(
          "ul",
          {},
          about.said.map((text) => h("li", {}, text)),
        )
      : "",
    shiftFacts(entries),
    h("h2", {}, "Which strategy?"),
    found.length
      ? h("div", { class: "panel" }, choices(found))
      : h("p", { class: "empty" }, "No strategy has a score."),
    h("h2", {}, "Results"),
    table,
    h("p", {}, link(address("board", { task: name, columns: "full" }), "All columns")),
    entries.some((entry) => entry.flags.length) && flagsOf(entries),
    h("h2", {}, "Trade-off"),
    h("div", { class: "pictures" }, taskPictures(entries)),
    key(
      entries.filter((entry) => entry.ok),
      shapesOf(entries),
    ),
    curvesOf(entries),
    about && about.ties.length
      ? [
          h("h2", {}, "Not decided"),
          folded(
            "Neighbours in the ranking that are not significantly different",
            about.ties.map((text) => h("li", {}, text)),
          ),
        ]
      : "",
    failedOf(entries),
  ];
}

function shiftFacts(entries) {
  const shown = distinct(entries.filter((entry) => isNumber(entry.a_distance)).map((entry) => entry.backbone)).map(
    (backbone) => {
      const entry = entries.find((one) => one.backbone === backbone && isNumber(one.a_distance));
      return [
        `shift seen by ${backbone}`,
        `A-distance ${number(entry.a_distance, 2)} (0: source and target look the same, 2: wholly different)`,
      ];
    },
  );
  return shown.length ? facts(shown) : "";
}

function taskPictures(entries) {
  const shapes = shapesOf(entries);
  const there = entries.filter((entry) => entry.ok);
  return ["retention", "p50_ms", "adapt_s", "onnx_kb"]
    .map((measure) => scatter(there, measure, { title: `score against ${MEASURES.get(measure).short}`, shapes }))
    .filter(Boolean);
}

function curvesOf(entries) {
  const groups = DATA.sweeps
    .map((group) => group.map((place) => ENTRIES[place]))
    .filter((group) => entries.includes(group[0]));
  if (!groups.length) return "";
  const series = groups.map((group) => ({
    name: group[0].strategy,
    kind: colour(group[0]),
    points: group.map((entry) => [entry.label_budget, entry.score, entry.score_low, entry.score_high]),
  }));
  return [
    h("h2", {}, "Score over labels"),
    h(
      "div",
      { class: "pictures" },
      h(
        "figure",
        {},
        lines(series, {
          title: "score over labels",
          xTitle: "target labels (log)",
          yTitle: entries[0].metric,
          log: true,
        }),
      ),
    ),
  ];
}

// Flags in the same words are said once, with the names of the results that have them.
function flagsOf(entries) {
  const said = new Map();
  for (const entry of entries)
    for (const [, text] of entry.flags) said.set(text, [...(said.get(text) || []), entry.label]);
  return folded(
    "Flags: what to know before believing a number",
    [...said].map(([text, names]) => h("li", {}, h("b", {}, distinct(names).join(", ")), `: ${text}`)),
  );
}

function missingView(what) {
  return [
    h("h1", {}, "Not here"),
    h("p", { class: "empty" }, `${what} is not on this board. `, link(address("board"), "All results")),
  ];
}
