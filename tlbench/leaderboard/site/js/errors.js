// Which classes a run took for which, and whether its confidence can be believed: counted from stored predictions.

function predictions(run) {
  const found = CONFUSIONS.get(run.number);
  if (!found) return elsewhere(run);
  const labels = texts(found.labels);
  return [
    h("h2", {}, "Errors"),
    h(
      "div",
      { class: "side" },
      confusionTable(labels, found.counts),
      h("div", {}, perClass(labels, found.counts), reliability(found.bins)),
    ),
  ];
}

// Of many results, the page has the errors of the seed with the median score.
function elsewhere(run) {
  const other = run.of.runs.find((one) => CONFUSIONS.has(one.number));
  return other
    ? h("p", { class: "note" }, "Errors by class are on the page of ", link(address(`run/${other.id}`), `seed ${other.seed}`), ".")
    : "";
}

function confusionTable(labels, counts) {
  const total = (target) => counts.filter(([a]) => a === target).reduce((sum, [, , count]) => sum + count, 0);
  const at = new Map(counts.map(([a, b, count]) => [`${a} ${b}`, count]));
  return h(
    "div",
    { class: "scroll", role: "region", tabindex: "0", "aria-label": "Confusion matrix" },
    h(
      "table",
      { class: "matrix" },
      h("caption", {}, "Rows: what it is. Columns: what was predicted."),
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("td", {}),
          labels.map((label) => h("th", { scope: "col" }, label)),
        ),
      ),
      h(
        "tbody",
        {},
        labels.map((label, a) => {
          const all = total(a);
          return h(
            "tr",
            {},
            h("th", { scope: "row" }, label),
            labels.map((_, b) => {
              const count = at.get(`${a} ${b}`) || 0;
              const step = all ? Math.min(5, Math.ceil((5 * count) / all)) : 0;
              return h("td", { class: `${a === b ? "right" : "wrong"} s${step}` }, count ? String(count) : "");
            }),
          );
        }),
      ),
    ),
  );
}

function perClass(labels, counts) {
  const sum = (keep) => counts.filter(keep).reduce((all, [, , count]) => all + count, 0);
  const share = (part, all) => (all ? number(part / all, 2) : NONE);
  return h(
    "table",
    { class: "small" },
    h("caption", {}, "Each class"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        ["Class", "Recall", "Precision", "Number"].map((title, place) =>
          h("th", { scope: "col", class: place ? "numeric" : "" }, title),
        ),
      ),
    ),
    h(
      "tbody",
      {},
      labels.map((label, place) => {
        const right = sum(([a, b]) => a === place && b === place);
        const [targets, taken] = [sum(([a]) => a === place), sum(([, b]) => b === place)];
        return h(
          "tr",
          {},
          h("th", { scope: "row" }, label),
          [share(right, targets), share(right, taken), String(targets)].map((text) =>
            h("td", { class: "numeric" }, text),
          ),
        );
      }),
    ),
  );
}

function reliability(bins) {
  if (bins.length < 2) return "";
  const sure = { name: "measured", kind: "g0", points: bins.map(([confidence, right]) => [confidence, right]) };
  const ideal = {
    name: "ideal",
    kind: "base",
    points: [
      [bins[0][0], bins[0][0]],
      [1, 1],
    ],
  };
  return h(
    "figure",
    {},
    lines([ideal, sure], { title: "Calibration", xTitle: "confidence", yTitle: "share that is right" }),
  );
}
