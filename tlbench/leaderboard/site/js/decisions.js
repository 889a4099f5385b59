// The decisions on a task, each with its score, its reasons and what is not certain.

// What the data cannot tell of a decision, and what is worth trying: the sentences of tlbench advise. With limits that
// leave out more, those that do not depend on other strategies.
function remarksOn({ one, use, usual }) {
  const said = usual ? one.said : use === null ? [[], []] : one.entries[use].said;
  return said.map((some) => some.map(sentence));
}

// The decisions on a task; remarks that all of them have in common are said once.
function choices(found, beyond = []) {
  const every = found.map(remarksOn);
  const shared = [0, 1].map((at) =>
    every.length > 1 ? every[0][at].filter((text) => every.every((some) => some[at].includes(text))) : [],
  );
  const own = every.map((some) => some.map((part, at) => part.filter((text) => !shared[at].includes(text))));
  return [
    h(
      "ol",
      { class: "choices" },
      found.map((one, place) => choiceItem(one, own[place])),
      beyond,
    ),
    remarkLines(shared, "For all of them, "),
  ];
}

const remarkLines = (remarks, before = "") =>
  ["not certain", "worth trying"].map((name, at) => {
    const title = `${before}${before ? name : name[0].toUpperCase() + name.slice(1)}`;
    return remarks[at].length ? h("p", { class: "note" }, h("b", {}, `${title}: `), remarks[at].join(" ")) : "";
  });

function decisionName({ decision, rivals }) {
  const unsure = rivals.length ? "not decided" : "no sure gain";
  return { best: "clear", only: "the only one", undecided: unsure, baseline: "baseline is better" }[decision];
}

function choiceItem(found, remarks) {
  const { one, use } = found;
  const entry = use === null ? null : ENTRIES[one.entries[use].id];
  const given = `${one.given}${one.condition ? ` (${one.condition})` : ""}`;
  if (!entry) return h("li", { class: "none" }, h("p", { class: "given" }, given), h("p", {}, found.verdict), remarkLines(remarks));
  const kind = decisionName(found);
  return h(
    "li",
    { class: colour(entry) },
    h("p", { class: "given" }, given, " ", h("span", { class: `badge ${found.decision}` }, kind)),
    h(
      "p",
      { class: "pick" },
      link(address(`run/${entry.runs[0].id}`), h("b", {}, one.entries[use].name)),
      " ",
      h(
        "span",
        { class: "numbers" },
        `${entry.metric} ${number(entry.score)}`,
        intervalBar(entry),
        ` forgets ${number(entry.forgetting)} · ${entry.pending ? "latency pending" : `${short(entry.p50_ms)} ms`} · ${short(entry.adapt_s)} s to adapt`,
      ),
    ),
    h("p", {}, found.verdict),
    remarkLines(remarks),
    found.leftOut.length
      ? h(
          "details",
          { class: "note" },
          h("summary", {}, `Left out: ${counted(found.leftOut.length, "strategy", "strategies")}`),
          h("p", {}, listedOut(found.leftOut)),
        )
      : "",
  );
}
