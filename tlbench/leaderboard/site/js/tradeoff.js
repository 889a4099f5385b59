// Score against what it costs: one picture for each task.

const MOST_PICTURES = 24;

function tradeoffView(parameters) {
  const given = { on: DOMAINS[0] || "", x: "retention", ...parameters };
  const pictures = h("div", {});
  const measure = h("div", {});
  const draw = () => {
    const entries = ENTRIES.filter(
      (entry) =>
        entry.ok &&
        (entry.domain === given.on || entry.task === given.on) &&
        (given.baselines || !entry.baseline) &&
        (!given.group || entry.group === given.group || entry.baseline),
    );
    if (!offered(given.on).includes(given.x)) given.x = "retention";
    replace(pictures, scatters(entries, given.x));
    replace(
      measure,
      choice(
        "Score against",
        offered(given.on).map((name) => [name, MEASURES.get(name).short]),
        given.x,
        (x) => update({ x }),
      ),
    );
  };
  const update = (part) => {
    const focused = measure.contains(document.activeElement);
    Object.assign(given, part);
    draw();
    keep("tradeoff", given);
    if (focused) measure.querySelector("select").focus();
  };
  draw();
  return [
    h("h1", {}, "Trade-off"),
    h("p", { class: "lead" }, "Up is a higher score, right is a lower cost: good is up and right, in every picture."),
    h(
      "form",
      { class: "panel", onsubmit: (event) => event.preventDefault() },
      choice("Domain or task", FIELDS, given.on, (on) => update({ on })),
      measure,
      choice("Access", [["", "all"], ...GROUPS.map((group) => [group, group])], given.group || "", (group) =>
        update({ group }),
      ),
      h(
        "label",
        { class: "box" },
        h("input", {
          type: "checkbox",
          checked: Boolean(given.baselines),
          onchange: (event) => update({ baselines: event.target.checked ? "1" : "" }),
        }),
        "baselines",
      ),
    ),
    pictures,
  ];
}

// The costs of which a domain or task has results: labels only if there are several label budgets.
const offered = (on) =>
  [...MEASURES.keys()].filter((name) => name !== "label_budget" || [...SWEPT].some((task) => isOn(task, on)));

function scatters(entries, measure) {
  const shapes = shapesOf(entries);
  const tasks = distinct(entries.map((entry) => entry.task));
  const drawn = tasks.slice(0, MOST_PICTURES).map((task) => [
    task,
    scatter(
      entries.filter((entry) => entry.task === task),
      measure,
      { title: shortTask(task), shapes },
    ),
  ]);
  const without = drawn.filter(([, picture]) => !picture).map(([task]) => shortTask(task));
  if (without.length === drawn.length)
    return h("p", { class: "empty" }, `${MEASURES.get(measure).short} was not measured here.`);
  return [
    key(entries, shapes),
    h("div", { class: "pictures" }, drawn.map(([, picture]) => picture).filter(Boolean)),
    h(
      "p",
      { class: "note" },
      "Upright bars: 95 % interval of the score over test examples. Level bars: standard deviation of forgetting over seeds. " +
        "Dashed: the Pareto line of strategies, whatever their access. Below a picture: what lies outside it, and points for whose names there is no place. ",
      without.length ? `Not measured: ${joined(without, 9)}. ` : "",
      tasks.length > MOST_PICTURES ? `${tasks.length - MOST_PICTURES} further tasks: choose one.` : "",
    ),
  ];
}
