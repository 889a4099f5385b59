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
    there.some((entry) => entry.marks.some(([name]) => name === "caught"))
      ? h("p", { class: "flag" }, "✗ Caught by an audit: the table below says where. It is not recommended there.")
      : "",
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

// The baseline that an entry is compared with, and how far it is above it: source-only, or else scratch, or neither.
const BASELINES = [
  ["source_only", "source-only"],
  ["scratch", "scratch"],
];
function differenceOf(entry) {
  const [field, name] = BASELINES.find(([one]) => isNumber(entry[`over_${one}`])) || [null, ""];
  if (!field) return { entry, name, metric: entry.metric, difference: null, error: null, verdict: "undecided" };
  const [difference, error] = [entry[`over_${field}`], entry[`over_${field}_error`]];
  const verdict = entry[`over_${field}_decided`] ? (difference > 0 ? "better" : "worse") : "undecided";
  return { entry, name, metric: entry.metric, difference, error, verdict };
}

const learntNothing = (entry) => entry.flags.some(([name]) => name === "not-above-constant");

// How often a strategy is better than each of the baselines, in words.
function summary(compared) {
  const sentences = [
    ["source-only", "source-only, the model without adaptation"],
    ["scratch", "scratch, training from random weights"],
  ].map(([name, words]) => {
    const some = compared.filter((one) => one.name === name);
    if (!some.length) return "";
    const up = some.filter((one) => one.verdict === "better");
    const empty = up.filter((one) => learntNothing(one.entry)).length;
    return (
      `Against ${words}: significantly better in ${up.length} of ${counted(some.length, "result")}` +
      `${empty ? `, ${empty} of them not above the constant prediction` : ""}; ` +
      `worse in ${some.filter((one) => one.verdict === "worse").length}.`
    );
  });
  const alone = compared.filter((one) => !one.name).length;
  const without = alone ? `No baseline beside ${counted(alone, "result")}.` : "";
  return [...sentences, without].filter(Boolean).join(" ");
}

function helped(entries) {
  if (!entries.length) return h("p", { class: "empty" }, "It has no result with a score.");
  const compared = entries.map(differenceOf).sort((a, b) => (b.difference ?? -Infinity) - (a.difference ?? -Infinity));
  const most = largest(compared.filter((one) => one.name));
  const headings = ["Task", "Score", "Difference", "Forgetting", "Adaptation (CPU s)"].map((title, place) =>
    h("th", { scope: "col", class: place ? "numeric" : "" }, title),
  );
  return [
    h(
      "p",
      { class: "count" },
      `${summary(compared)} A result is one task with one backbone. Bars of one metric have one scale; the dashed line is no difference.`,
    ),
    h(
      "div",
      { class: "scroll", role: "region", tabindex: "0", "aria-label": "Where it helped" },
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, "Difference from a baseline"),
        h("thead", {}, h("tr", {}, headings)),
        h(
          "tbody",
          {},
          compared.map((one) => helpedRow(one, most)),
        ),
      ),
    ),
  ];
}

function helpedRow(one, most) {
  const { entry } = one;
  const against = one.name
    ? [differenceCell(one, most), h("small", { class: "under" }, `over ${one.name}`)]
    : [NONE, h("small", { class: "under" }, "no baseline")];
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
        entry.label !== entry.strategy && `, ${entry.label}`,
        entry.selection && `, selection ${entry.selection}`,
      ),
      learntNothing(entry) ? h("small", { class: "under flag" }, "⚑ not above the constant prediction") : "",
      marksOf(entry),
    ),
    h("td", { "data-label": "Score", class: "numeric" }, scoreCell(entry)),
    h("td", { "data-label": "Difference", class: "numeric" }, against),
    h("td", { "data-label": "Forgetting", class: "numeric" }, forgettingCell(entry)),
    h("td", { "data-label": "Adaptation (CPU s)", class: "numeric" }, secondsCell(entry)),
  );
}
