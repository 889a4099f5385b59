// What a person has and allows -> a ranked shortlist, by the rules of the advice.

const FORGETTING = [
  ["", "any amount"],
  ["0", "nothing significant"],
  ["0.01", "at most 0.01"],
  ["0.02", "at most 0.02"],
  ["0.05", "at most 0.05"],
  ["0.1", "at most 0.10"],
];

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
      "Recommended: chosen among the strategies that use the same data, by significant differences and then by costs. " +
        "Surely better: recommended, and significantly better than the others and than source-only. Highest score: of all that fit what you have. " +
        "Choices with different data are listed by score and not tested against each other. Scores are of the measured test splits: with your data they may differ.",
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

const MOST_RANKED = 8;

function ranking(names, tasks) {
  const more = names.slice(MOST_RANKED).map((one) => one.strategy);
  return [
    h(
      "ol",
      { class: "ranking" },
      names.slice(0, MOST_RANKED).map((one) => rankingItem(one, tasks.size)),
    ),
    more.length ? h("details", {}, h("summary", {}, `and ${more.length} more`), h("p", {}, more.join(", "))) : "",
  ];
}

function rankingItem(one, size) {
  const sure = tasksOf(one.sure);
  const parts = [
    `recommended in ${tasksOf(one.recommended)} of ${counted(size, "task")}`,
    `surely better in ${sure}`,
    `highest score in ${one.first.length}`,
  ];
  return h(
    "li",
    {},
    link(address(`strategy/${one.strategy}`), h("b", {}, one.strategy)),
    ` (${joined(one.access, 2)}): ${parts.join(", ")}${costsOf(one.entries)}.`,
  );
}

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
  if (!several) return h("article", { class: "panel task-answer" }, choices(found, beyond));
  return h(
    "details",
    { class: "panel task-answer" },
    h("summary", {}, h("h3", {}, task), " ", h("span", {}, briefly(found, beyond))),
    choices(found, beyond),
    h("p", {}, link(address(`task/${task}`), `All results of ${task}`)),
  );
}

// The recommendation with the highest score, and how many there are for other data, on one line.
function briefly(found, beyond) {
  const used = found.filter((one) => one.use !== null);
  if (!used.length) return beyond.length && !found.length ? "measured with more labels" : "nothing can be recommended";
  const { one, use } = used[0];
  const entry = ENTRIES[one.entries[use].id];
  const others = used.length > 1 ? `, and ${used.length - 1} with other data` : "";
  return `${one.entries[use].name} (${entry.metric} ${number(entry.score)}, ${decisionName(used[0])})${others}`;
}
