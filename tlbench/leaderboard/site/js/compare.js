// Two strategies or two backbones: B minus A for each task, as tlbench compare prints it.

const VERDICTS = ["better", "worse", "undecided", "equal"];

function pairOf(by, a, b) {
  const { names, pairs } = DATA.compared[by];
  const number = (name) => names.find((place) => TEXTS[place] === name);
  const straight = pairs[`${number(a)} ${number(b)}`];
  if (straight) return { records: straight[0].map(comparison), reasons: straight[1] };
  const turned = pairs[`${number(b)} ${number(a)}`];
  return turned ? { records: turned[0].map(comparison).map(turn), reasons: turned[1] } : { records: [], reasons: [] };
}

function comparison([
  task,
  shared,
  budget,
  a,
  b,
  metric,
  scoreA,
  scoreB,
  difference,
  error,
  seeds,
  verdict,
  needed,
  head,
  probe,
  ms,
  contended,
]) {
  return {
    task: TEXTS[task],
    shared: TEXTS[shared],
    budget: TEXTS[budget],
    a: TEXTS[a],
    b: TEXTS[b],
    metric: TEXTS[metric],
    scoreA,
    scoreB,
    difference,
    error,
    seeds,
    verdict: VERDICTS[verdict],
    needed,
    forgetting: head ?? probe,
    ms,
    contended,
  };
}

function turn(one) {
  const negative = (value) => (isNumber(value) ? -value : value);
  return {
    ...one,
    a: one.b,
    b: one.a,
    scoreA: one.scoreB,
    scoreB: one.scoreA,
    difference: negative(one.difference),
    forgetting: negative(one.forgetting),
    ms: negative(one.ms),
    verdict: { better: "worse", worse: "better" }[one.verdict] || one.verdict,
  };
}

function compareView(parameters) {
  const given = { by: "strategy", ...parameters };
  const result = h("div", {});
  const form = h("form", { class: "panel", onsubmit: (event) => event.preventDefault() });
  const names = () => texts(DATA.compared[given.by === "backbone" ? "backbone" : "strategy"].names);
  const draw = () => {
    const known = names();
    if (!known.includes(given.a)) given.a = known.includes("frozen") ? "frozen" : known[0];
    if (!known.includes(given.b) || given.b === given.a)
      given.b =
        known.includes("finetune") && given.a !== "finetune" ? "finetune" : known.find((name) => name !== given.a);
    replace(
      result,
      known.length < 2 ? h("p", { class: "empty" }, "There is only one: nothing to compare.") : compared(given),
    );
  };
  const build = () =>
    replace(
      form,
      choice(
        "Compare",
        [
          ["strategy", "strategies"],
          ["backbone", "backbones"],
        ],
        given.by,
        (by) => {
          Object.assign(given, { by, a: "", b: "" });
          update({});
          build();
        },
      ),
      choice(
        "A",
        names().map((name) => [name, name]),
        given.a,
        (a) => update({ a }),
      ),
      choice(
        "B",
        names().map((name) => [name, name]),
        given.b,
        (b) => update({ b }),
      ),
      h(
        "button",
        {
          type: "button",
          class: "quiet",
          onclick: () => {
            update({ a: given.b, b: given.a });
            build();
          },
        },
        "Swap A and B",
      ),
    );
  const update = (part) => {
    Object.assign(given, part);
    draw();
    keep("compare", given);
  };
  draw();
  build();
  return [
    h("h1", {}, "Compare"),
    h(
      "p",
      { class: "lead" },
      "The difference of B from A on the same task, data and label budget, with its 95 % interval, paired by seed and test example.",
    ),
    form,
    result,
  ];
}

function compared({ by, a, b }) {
  const { records, reasons } = pairOf(by, a, b);
  const counts = VERDICTS.map((verdict) => [verdict, records.filter((one) => one.verdict === verdict).length]).filter(
    ([, count]) => count,
  );
  const why = reasons.length
    ? h(
        "details",
        {},
        h("summary", {}, "Not compared"),
        h(
          "ul",
          {},
          reasons.map(([reason, times]) => h("li", {}, `${TEXTS[reason]} (${times})`)),
        ),
      )
    : "";
  if (!records.length)
    return [h("p", { class: "empty" }, `${a} and ${b} have no results that answer the same question.`), why];
  const most = largest(records);
  const other = by === "strategy" ? "Backbone" : "Strategy";
  return [
    h(
      "p",
      { class: "count" },
      `${b} against ${a}: ${counts.map(([verdict, count]) => `${count} ${verdict}`).join(", ")}.`,
    ),
    h(
      "div",
      { class: "scroll", role: "region", tabindex: "0", "aria-label": "Comparisons" },
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, `${b} minus ${a}`),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["Task", other, "A", "B", "B − A", "Verdict on B", "Forgetting, B − A", "Latency, B − A (ms)"].map(
              (title, place) => h("th", { scope: "col", class: place < 2 || place === 5 ? "" : "numeric" }, title),
            ),
          ),
        ),
        h(
          "tbody",
          {},
          records.map((one) =>
            h(
              "tr",
              { class: one.verdict },
              h(
                "th",
                { scope: "row", class: "first" },
                link(address(`task/${one.task}`), one.task),
                h(
                  "small",
                  { class: "under" },
                  [one.metric, one.budget && `label budget ${one.budget}`].filter(Boolean).join(", "),
                ),
              ),
              h("td", { "data-label": other }, one.shared),
              h("td", { "data-label": "A", class: "numeric" }, number(one.scoreA)),
              h("td", { "data-label": "B", class: "numeric" }, number(one.scoreB)),
              h("td", { "data-label": "B − A", class: "numeric" }, differenceCell(one, most)),
              h(
                "td",
                { "data-label": "Verdict on B" },
                h(
                  "span",
                  {},
                  one.verdict,
                  one.verdict === "undecided"
                    ? h(
                        "small",
                        { class: "under" },
                        one.needed ? `about ${one.needed} seeds would decide` : "no number of seeds would decide",
                      )
                    : "",
                ),
              ),
              h("td", { "data-label": "Forgetting, B − A", class: "numeric" }, signed(one.forgetting)),
              h("td", { "data-label": "Latency, B − A", class: "numeric" }, isNumber(one.ms) ? signed(one.ms) : NONE),
            ),
          ),
        ),
      ),
    ),
    why,
    h(
      "p",
      { class: "note" },
      "Better or worse: the 95 % interval of the difference does not contain 0. Of 40 comparisons without a true difference, up to two may be called so by chance.",
    ),
  ];
}

function differenceCell(one, most) {
  return h(
    "span",
    {},
    h("b", {}, signed(one.difference)),
    h("small", {}, isNumber(one.error) ? ` ± ${number(one.error)}` : ""),
    differenceBar(one, most.get(one.metric)),
  );
}

function differenceBar(one, most) {
  const at = (value) => 60 + (57 * value) / (most || 1);
  const error = one.error ?? 0;
  const kind = one.verdict === "better" ? "up" : one.verdict === "worse" ? "down" : "base";
  return rangeBar(
    kind,
    at(one.difference - error),
    at(one.difference),
    at(one.difference + error),
    s("line", { x1: 60, x2: 60, y1: 0, y2: 14, class: "level" }),
  );
}

// The largest end of an interval by metric: bars of one metric have one scale.
function largest(records) {
  const found = new Map();
  for (const { metric, difference, error } of records)
    found.set(metric, Math.max(found.get(metric) || 0, Math.abs(difference) + (error ?? 0)));
  return found;
}
