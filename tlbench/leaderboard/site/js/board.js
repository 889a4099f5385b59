// All results: filters above a table.

const FILTERS = [
  ["domain", "Domain"],
  ["task", "Task"],
  ["group", "Access"],
  ["strategy", "Strategy"],
  ["backbone", "Backbone"],
  ["kind", "Kind of problem"],
  ["budget", "Labels"],
  ["selection", "Selection"],
  ["setting", "Setting"],
  ["status", "Status"],
];
const FIRST = 3;

function filtered(given) {
  const words = (given.words || "").toLowerCase().split(/\s+/).filter(Boolean);
  return ENTRIES.filter(
    (entry) =>
      FILTERS.every(([name]) => !given[name] || entry[name] === given[name]) &&
      words.every((word) =>
        `${entry.task} ${entry.backbone} ${entry.label} ${entry.access_words}`.toLowerCase().includes(word),
      ),
  );
}

function boardView(parameters) {
  const given = { ...parameters };
  const table = h("div", {});
  const draw = () => {
    const found = filtered(given);
    const lost = found.filter(skipped).length;
    const full = given.columns === "full";
    document.getElementById("main").classList.toggle("wide", full);
    replace(
      table,
      h(
        "p",
        { class: "count" },
        `${counted(found.length, "result")}${lost ? `, ${lost} of them skipped` : ""}, means over seeds. `,
        h(
          "span",
          { class: "hint" },
          "Shaded: no strategy with the same access and labels is significantly better. Bars: 95 % interval, on one scale for each task.",
        ),
      ),
      found.length
        ? resultsTable(found, {
            sort: given.sort || "",
            page: Number(given.page) || 1,
            full,
            change: update,
            caption: "Results",
          })
        : h("p", { class: "empty" }, "No result fits these filters."),
    );
  };
  const update = (part) => {
    const focused = table.contains(document.activeElement) ? document.activeElement.dataset.name : "";
    Object.assign(given, part);
    if (!("page" in part)) given.page = "";
    keep("board", given);
    draw();
    say(`${counted(filtered(given).length, "result")}.`);
    // A heading that was just used keeps the focus although the table is a new one.
    if (focused) table.querySelector(`[data-name="${focused}"]`)?.focus();
  };
  draw();
  return [
    h("h1", {}, "Board"),
    h("form", { class: "panel filters", onsubmit: (event) => event.preventDefault() }, filters(given, update)),
    table,
  ];
}

function filters(given, update) {
  const selects = FILTERS.map(([name, title]) => {
    const values = distinct(ENTRIES.map((entry) => entry[name])).sort();
    return values.length > 1 || given[name]
      ? choice(title, [["", "all"], ...values.map((value) => [value, value])], given[name] || "", (value) =>
          update({ [name]: value }),
        )
      : "";
  });
  const more = h(
    "details",
    { open: FILTERS.slice(FIRST).some(([name]) => given[name]) },
    h("summary", {}, "More filters"),
    h("div", { class: "more" }, selects.slice(FIRST)),
  );
  return [
    h(
      "label",
      {},
      h("span", {}, "Search"),
      h("input", {
        type: "search",
        value: given.words || "",
        oninput: (event) => update({ words: event.target.value }),
      }),
    ),
    selects.slice(0, FIRST),
    choice(
      "Columns",
      [
        ["", "brief"],
        ["full", "all"],
      ],
      given.columns || "",
      (columns) => update({ columns }),
    ),
    more,
  ];
}
