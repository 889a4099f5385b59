// Two strategies or two backbones: B minus A for each task, as tlbench compare prints it.

const VERDICTS = ["better", "worse", "undecided", "equal"];

// Strategies or backbones -> "A B" -> what is compared, and why the rest is not.
const PAIRS = new Map();
const pairsOf = (by) => PAIRS.get(by) || PAIRS.set(by, pairsIn(by)).get(by);
const namesOn = (by) => texts(DATA.compared[by].names);

function pairsIn(by) {
  const { records: table, reasons } = DATA.compared[by];
  const pairs = new Map();
  const of = (a, b) => pairs.get(`${a} ${b}`) || pairs.set(`${a} ${b}`, { records: [], reasons: [] }).get(`${a} ${b}`);
  for (const one of records(table)) {
    const [a, b] = [ENTRIES[one.a], ENTRIES[one.b]];
    of(a[by], b[by]).records.push(comparison(one, a, b, by));
  }
  for (const [a, b, reason, times] of reasons) of(TEXTS[a], TEXTS[b]).reasons.push([TEXTS[reason], times]);
  return pairs;
}

function pairOf(by, a, b) {
  const pairs = pairsOf(by);
  const turned = pairs.get(`${b} ${a}`);
  return (
    pairs.get(`${a} ${b}`) ||
    (turned ? { records: turned.records.map(turn), reasons: turned.reasons } : { records: [], reasons: [] })
  );
}

function comparison(one, a, b, by) {
  return {
    ...one,
    task: a.task,
    shared: by === "strategy" ? a.backbone : a.strategy,
    budget: (a.budget || "").split(" ")[0],
    metric: a.metric,
    scoreA: one.score_a ?? a.score,
    scoreB: one.score_b ?? b.score,
  };
}

function turn(one) {
  const negative = (value) => (isNumber(value) ? -value : value);
  return {
    ...one,
    scoreA: one.scoreB,
    scoreB: one.scoreA,
    difference: negative(one.difference),
    forgetting: negative(one.forgetting),
    ms: negative(one.ms),
    verdict: { better: "worse", worse: "better" }[one.verdict] || one.verdict,
  };
}

// The names that have a result which answers the same question as one of this name.
function partnersOf(by, name) {
  return namesOn(by).filter((other) => other !== name && pairOf(by, name, other).records.length);
}

// A and B as they are given, or else two that have something in common: frozen and finetune if they do.
function pairFrom(by, a, b) {
  const known = namesOn(by);
  const has = (name) => partnersOf(by, name).length;
  const first = known.includes(a) ? a : ["frozen", ...known].find((name) => known.includes(name) && has(name)) || known[0];
  if (known.includes(b) && b !== first) return [first, b];
  const partners = partnersOf(by, first);
  return [first, partners.includes("finetune") ? "finetune" : partners[0] || known.find((name) => name !== first)];
}

function compareView(parameters) {
  const given = { by: "strategy", on: "", ...parameters };
  if (given.by !== "backbone") given.by = "strategy";
  const result = h("div", {});
  const form = h("form", { class: "panel", onsubmit: (event) => event.preventDefault() });
  const names = () => namesOn(given.by);
  // The choices beside `other`, with a mark on those of which no result answers the same question.
  const marked = (other) => {
    const partners = partnersOf(given.by, other);
    const others = names().filter((name) => name !== other);
    return others.map((name) => [name, partners.includes(name) ? name : `${name} (nothing in common)`]);
  };
  const draw = () => {
    const known = names();
    [given.a, given.b] = pairFrom(given.by, given.a, given.b);
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
        marked(given.b),
        given.a,
        (a) => again({ a }, 1),
      ),
      choice(
        "B",
        marked(given.a),
        given.b,
        (b) => again({ b }, 2),
      ),
      choice("Domain or task", [["", "all domains"], ...FIELDS], given.on, (on) => update({ on })),
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
  // The other choice has other partners now; the one that was used keeps the focus.
  const again = (part, at) => {
    update(part);
    build();
    form.querySelectorAll("select")[at].focus();
  };
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
      "The difference of B from A on the same task, data and label budget, with its 95 % interval. It is paired by seed, and by test example if both have stored draws of their score.",
    ),
    form,
    result,
  ];
}

function compared({ by, a, b, on }) {
  const { records: every, reasons } = pairOf(by, a, b);
  const records = every.filter((one) => isOn(one.task, on));
  const counts = VERDICTS.map((verdict) => [verdict, records.filter((one) => one.verdict === verdict).length]).filter(
    ([, count]) => count,
  );
  const why = reasons.length
    ? h(
        "details",
        { open: !records.length },
        h("summary", {}, "Not compared"),
        h(
          "ul",
          {},
          reasons.map(([reason, times]) => h("li", {}, `${reason} (${times})`)),
        ),
      )
    : "";
  if (!records.length)
    return [
      h("p", { class: "empty" }, `${a} and ${b} have no results that answer the same question${on && ` in ${on}`}.`),
      why,
    ];
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
                        seedsToDecide(one.needed),
                      )
                    : "",
                ),
              ),
              h("td", { "data-label": "Forgetting, B − A", class: "numeric" }, signed(one.forgetting)),
              h("td", { "data-label": "Latency, B − A", class: "numeric" }, latencyChange(one)),
            ),
          ),
        ),
      ),
    ),
    why,
    h(
      "p",
      { class: "note" },
      "Better or worse: the 95 % interval of the difference does not contain 0. Upper bound: the difference is not paired by test example, so that its interval may be too wide. Bars of one metric have one scale; the dashed line is no difference. Of 40 comparisons without a true difference, up to two may be called so by chance.",
    ),
  ];
}

// More seeds than this are not worth a difference so small: `MANY_SEEDS` of the advice.
const MANY_SEEDS = 30;
const seedsToDecide = (needed) =>
  needed && needed <= MANY_SEEDS ? `about ${needed} seeds would decide` : "no practical number of seeds would decide";

const latencyChange = ({ ms, graph }) => (isNumber(ms) ? signed(ms) : graph ? "none: the same graph" : NONE);

function differenceCell(one, most) {
  return h(
    "span",
    {},
    h("b", {}, signed(one.difference)),
    h("small", {}, isNumber(one.error) ? ` ± ${number(one.error)}` : ""),
    isNumber(one.error) && one.paired === false ? h("small", {}, " upper bound") : "",
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
