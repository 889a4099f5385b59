// A strategy: what it is, and where it helped.

function strategyView(name) {
  const entries = ENTRIES.filter((entry) => entry.strategy === name);
  if (!entries.length) return missingView(`Strategy ${name}`);
  const about = STRATEGIES.get(name);
  const there = entries.filter((entry) => entry.ok);
  return [
    h("h1", {}, name),
    about && h("p", { class: "subtitle" }, about.title),
    cardFacts(about),
    about ? "" : facts([["data access", joined(distinct(entries.map((entry) => entry.access_words)))]]),
    h("h2", {}, "Where it helped"),
    helped(there),
    h(
      "p",
      {},
      link(address("board", { strategy: name }), "All its results"),
      partnersOf("strategy", name).length
        ? [" · ", link(address("compare", { by: "strategy", a: name }), "Compare it with another strategy")]
        : "",
    ),
    failedOf(entries),
    entries.some(skipped) && [
      h("h2", {}, "Skipped"),
      skippedReasons(entries.filter(skipped), (entry) => shortTask(entry.task)),
    ],
  ];
}

function helped(entries) {
  const measure = entries.some((entry) => isNumber(entry.over_source_only)) ? "source_only" : "scratch";
  const word =
    measure === "source_only" ? "source-only, the model without adaptation" : "scratch, training from random weights";
  const known = entries
    .filter((entry) => isNumber(entry[`over_${measure}`]))
    .sort((a, b) => b[`over_${measure}`] - a[`over_${measure}`]);
  if (!known.length) return h("p", { class: "empty" }, "There is no baseline beside it.");
  const gain = (entry) => entry[`over_${measure}`];
  const down = known.filter((entry) => entry[`over_${measure}_decided`] && gain(entry) < 0);
  const learntNothing = (entry) => entry.flags.some(([name]) => name === "not-above-constant");
  const up = known.filter((entry) => entry[`over_${measure}_decided`] && gain(entry) > 0);
  const empty = up.filter(learntNothing).length;
  const most = largest(
    known.map((entry) => ({ metric: entry.metric, difference: gain(entry), error: entry[`over_${measure}_error`] })),
  );
  return [
    h(
      "p",
      { class: "count" },
      `Against ${word}: significantly better in ${up.length} of ${counted(known.length, "result")}` +
        `${empty ? `, ${empty} of them not above the constant prediction` : ""}; worse in ${down.length}. ` +
        "A result is one task with one backbone. Bars of one metric have one scale; the dashed line is no difference.",
    ),
    h(
      "div",
      { class: "scroll", role: "region", tabindex: "0", "aria-label": "Where it helped" },
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, `Difference from ${word}`),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["Task", "Score", "Difference", "Forgetting", "Adaptation (CPU s)"].map((title, place) =>
              h("th", { scope: "col", class: place ? "numeric" : "" }, title),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          known.map((entry) => {
            const decided = entry[`over_${measure}_decided`];
            const one = {
              metric: entry.metric,
              difference: gain(entry),
              error: entry[`over_${measure}_error`],
              verdict: decided ? (gain(entry) > 0 ? "better" : "worse") : "undecided",
            };
            return h(
              "tr",
              {},
              h(
                "th",
                { scope: "row", class: "first" },
                link(address(`task/${entry.task}`), entry.task),
                h(
                  "small",
                  { class: "under" },
                  link(address(`run/${entry.runs[0].id}`), entry.backbone),
                  entry.selection && `, selection ${entry.selection}`,
                ),
                learntNothing(entry) ? h("small", { class: "under flag" }, "⚑ not above the constant prediction") : "",
              ),
              h("td", { "data-label": "Score", class: "numeric" }, scoreCell(entry)),
              h("td", { "data-label": "Difference", class: "numeric" }, differenceCell(one, most)),
              h("td", { "data-label": "Forgetting", class: "numeric" }, forgettingCell(entry)),
              h("td", { "data-label": "Adaptation (CPU s)", class: "numeric" }, secondsCell(entry)),
            );
          }),
        ),
      ),
    ),
  ];
}
