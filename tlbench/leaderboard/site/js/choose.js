// What a person has and allows -> a ranked shortlist, by the rules of the advice.

const FORGETTING = [
  ["", "any amount"],
  ["0", "nothing (0.000)"],
  ["0.01", "at most 0.01"],
  ["0.02", "at most 0.02"],
  ["0.05", "at most 0.05"],
  ["0.1", "at most 0.10"],
];

const positive = (text) => (text !== "" && Number.isFinite(Number(text)) && Number(text) >= 0 ? Number(text) : null);

// Which cases a reader could have, with enough labels: those whose data they have, of the tasks that they are interested in.
function possible(given) {
  const has = new Set([
    given.inputs !== "0" && "target-inputs",
    given.source !== "0" && "source",
    given.labels !== "0" && "target-labels",
  ]);
  return CASES.filter(
    (one) =>
      (!given.on || one.task === given.on || one.task.startsWith(`${given.on}/`)) &&
      one.access.every((part) => has.has(part)),
  );
}

function tooManyLabels(given) {
  const most = positive(given.labels || "");
  return (one) => one.access.includes("target-labels") && most !== null && one.labels > most;
}

function allowed(given) {
  const tooMany = tooManyLabels(given);
  return possible(given).filter((one) => !tooMany(one));
}

function decisions(given) {
  const limits = { forgetting: positive(given.forgetting || ""), ms: positive(given.ms || "") };
  return allowed(given).map((one) => decide(one, limits));
}

const scoreOf = (found) => (found.use === null ? -Infinity : ENTRIES[found.one.entries[found.use].id].score);

// Decisions by task, each with the highest score first.
function byTask(found) {
  const tasks = new Map();
  for (const one of found) tasks.set(one.one.task, [...(tasks.get(one.one.task) || []), one]);
  for (const [task, some] of tasks)
    tasks.set(
      task,
      some.sort((a, b) => scoreOf(b) - scoreOf(a)),
    );
  return tasks;
}

// Of the entries that fit in a task, those with the highest score: more than one if they are equal.
function highest(found) {
  const fitting = found.flatMap(({ one, eligible }) => eligible.map((a) => ENTRIES[one.entries[a].id]));
  const most = Math.max(...fitting.map((entry) => entry.score));
  return fitting.filter((entry) => entry.score === most);
}

// Strategies over several tasks: how often each has the highest score of all that fit, and how often it is named.
function shortlist(tasks) {
  const names = new Map();
  const of = (strategy) =>
    names.get(strategy) ||
    names.set(strategy, { strategy, first: [], recommended: [], entries: [], access: [] }).get(strategy);
  for (const [task, found] of tasks) {
    for (const entry of highest(found)) {
      const told = of(entry.strategy);
      told.first = distinct([...told.first, task]);
      told.access = distinct([...told.access, entry.access_words]);
    }
    for (const one of found.filter((each) => each.use !== null)) {
      const entry = ENTRIES[one.one.entries[one.use].id];
      const told = of(entry.strategy);
      told.recommended.push(one);
      told.entries.push(entry);
      told.access = distinct([...told.access, entry.access_words]);
    }
  }
  return [...names.values()].sort(
    (a, b) =>
      b.first.length - a.first.length ||
      b.recommended.length - a.recommended.length ||
      a.strategy.localeCompare(b.strategy),
  );
}

function chooseView(parameters) {
  const given = { on: "", labels: "", inputs: "1", source: "1", forgetting: "", ms: "", ...parameters };
  const result = h("section", { class: "shortlist", "aria-label": "Shortlist" });
  const update = (part) => {
    Object.assign(given, part);
    keep("choose", { ...given, inputs: given.inputs === "0" ? "0" : "", source: given.source === "0" ? "0" : "" });
    const found = decisions(given);
    replace(result, answer(given, found));
    say(`${counted(found.length, "recommendation")}.`);
  };
  replace(result, answer(given, decisions(given)));
  return [
    h("h1", {}, "Which strategy?"),
    h(
      "p",
      { class: "lead" },
      "Say what you have and what you allow. The shortlist comes from measured results, by the rules of tlbench advise.",
    ),
    h("form", { class: "panel", onsubmit: (event) => event.preventDefault() }, controls(given, update)),
    result,
  ];
}

function controls(given, update) {
  const amount = (label, name, hint) =>
    h(
      "label",
      {},
      h("span", {}, label),
      h("input", {
        type: "number",
        min: "0",
        step: "any",
        inputmode: "decimal",
        value: given[name],
        placeholder: hint,
        oninput: (event) => update({ [name]: event.target.value }),
      }),
    );
  const box = (label, name) =>
    h(
      "label",
      { class: "box" },
      h("input", {
        type: "checkbox",
        checked: given[name] !== "0",
        onchange: (event) => update({ [name]: event.target.checked ? "1" : "0" }),
      }),
      label,
    );
  return [
    choice("Domain or task", [["", "all domains"], ...FIELDS], given.on, (on) => update({ on })),
    amount("Target labels you have", "labels", "any number; 0 for none"),
    choice("It may forget of the source", FORGETTING, given.forgetting, (forgetting) => update({ forgetting })),
    amount("Milliseconds per example", "ms", "any"),
    h(
      "fieldset",
      {},
      h("legend", {}, "You also have"),
      box("unlabelled target data", "inputs"),
      box("source data", "source"),
    ),
  ];
}

function answer(given, found) {
  const tasks = byTask(found);
  const beyond = possible(given).filter(tooManyLabels(given));
  const beyondIn = (task) => beyond.filter((one) => one.task === task).map((one) => beyondItem(one, given));
  const without = distinct(beyond.map((one) => one.task)).filter((task) => !tasks.has(task));
  const others = without.map((task) => taskAnswer(task, [], beyondIn(task), true));
  if (!found.length) return [h("p", { class: "empty" }, emptyReason(given)), others];
  const names = shortlist(tasks);
  const unknown = names.length
    ? ""
    : h(
        "p",
        { class: "empty" },
        `Nothing can be recommended${moreOf(given)}`,
      );
  const several = tasks.size > 1;
  return [
    several && names.length
      ? [h("h2", {}, `Shortlist for ${given.on || "all domains"}`), ranking(names, tasks)]
      : unknown,
    h("h2", {}, several ? "Task by task" : `Shortlist for ${[...tasks.keys()][0]}`),
    [...tasks].map(([task, some]) => taskAnswer(task, some, beyondIn(task), several)),
    others,
    h(
      "p",
      { class: "note" },
      "Highest score: of all that fit what you have. Named: chosen among the strategies that use the same data, by significant differences and then by costs. " +
        "Surely better: significantly better than the others or without another, and not undecided against source-only. Choices with different data are listed by score and not tested against each other. Scores are of the measured test splits: with your data they may differ.",
    ),
  ];
}

// Which of the limits that are set could be wider.
function moreOf(given) {
  const more = [given.forgetting && "more forgetting", positive(given.ms) !== null && "more milliseconds"].filter(Boolean);
  return more.length ? ` within these limits. The reasons are below: allow ${more.join(", or ")}.` : ". The reasons are below.";
}

function beyondItem(one, given) {
  const names = one.entries.slice(0, one.members).map((entry) => entry.name);
  return h(
    "li",
    { class: "none" },
    h("p", { class: "given" }, one.given),
    h("p", {}, `${joined(names)}: measured with ${counted(one.labels, "target label")}, you have ${given.labels}.`),
  );
}

function emptyReason(given) {
  const most = positive(given.labels || "");
  const budgets = possible(given)
    .filter(tooManyLabels(given))
    .map((one) => one.labels);
  if (most && budgets.length)
    return `No result was measured with at most ${short(most)} target labels: the fewest here are ${short(Math.min(...budgets))}.`;
  return "No strategy of this board works with this data alone. What is left is the model without adaptation (source-only) or training from scratch.";
}

function ranking(names, tasks) {
  return h(
    "ol",
    { class: "ranking" },
    names.slice(0, 8).map((one) => {
      const first = `highest score in ${one.first.length} of ${counted(tasks.size, "task")}`;
      const sure = one.recommended.filter((each) => ["best", "only"].includes(each.decision));
      const chosen = `named in ${tasksOf(one.recommended)}, surely better in ${tasksOf(sure)}`;
      return h(
        "li",
        {},
        link(address(`strategy/${one.strategy}`), h("b", {}, one.strategy)),
        ` (${joined(one.access, 2)}): ${first}, ${chosen}${costsOf(one.entries)}.`,
      );
    }),
  );
}

const tasksOf = (found) => distinct(found.map((one) => one.one.task)).length;

// What the entries for which a strategy is recommended cost; nothing if there are none.
function costsOf(entries) {
  if (!entries.length) return "";
  const forgets = entries.map((entry) => entry.forgetting).filter(isNumber);
  const lost = forgets.length ? `forgets ${range(forgets, number)}` : "its forgetting is not measured";
  return `; ${lost}, adapts in ${range(entries.map((entry) => entry.adapt_s).filter(isNumber))} s`;
}

function range(values, form = short) {
  if (!values.length) return NONE;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return form(low) === form(high) ? form(low) : `${form(low)} to ${form(high)}`;
}

function taskAnswer(task, found, beyond, several) {
  return h(
    "article",
    { class: "panel task-answer" },
    several && h("h3", {}, link(address(`task/${task}`), task)),
    choices(found, beyond),
  );
}

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

function choiceItem(found, remarks) {
  const { one, use } = found;
  const entry = use === null ? null : ENTRIES[one.entries[use].id];
  const given = `${one.given}${one.condition ? ` (${one.condition})` : ""}`;
  if (!entry) return h("li", { class: "none" }, h("p", { class: "given" }, given), h("p", {}, found.verdict), remarkLines(remarks));
  const unsure = found.rivals.length ? "not decided" : "no sure gain";
  const kind = { best: "clear", only: "the only one", undecided: unsure, baseline: "baseline is better" }[found.decision];
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
        ` forgets ${number(entry.forgetting)} · ${short(entry.p50_ms)} ms · ${short(entry.adapt_s)} s to adapt`,
      ),
    ),
    h("p", {}, found.verdict),
    remarkLines(remarks),
    found.leftOut.length ? h("p", { class: "note" }, `Left out: ${listedOut(found.leftOut)}`) : "",
  );
}
