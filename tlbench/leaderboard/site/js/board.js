// All results: filters above a table.

const FILTERS = [["domain", "Domain"], ["task", "Task"], ["kind", "Kind of problem"], ["group", "Access"], ["backbone", "Backbone"],
  ["strategy", "Strategy"], ["budget", "Labels"], ["selection", "Selection"], ["setting", "Setting"], ["status", "Status"]];

function filtered(given) {
  const words = (given.words || "").toLowerCase().split(/\s+/).filter(Boolean);
  return ENTRIES.filter((entry) => FILTERS.every(([name]) => !given[name] || entry[name] === given[name])
    && words.every((word) => `${entry.task} ${entry.backbone} ${entry.label} ${entry.access_words}`.toLowerCase().includes(word)));
}

function boardView(parameters) {
  const given = { ...parameters };
  const table = h("div", {});
  const draw = () => {
    const found = filtered(given);
    const full = given.columns === "full";
    replace(table, h("p", { class: "count" }, `${counted(found.length, "result")}, means over seeds. `,
      h("span", { class: "hint" }, "Shaded: the best of a group, or not significantly different from it. Bars: 95 % interval, on one scale for each task.")),
    found.length ? resultsTable(found, { sort: given.sort || "", page: Number(given.page) || 1, full, change: update, caption: "Results" })
      : h("p", { class: "empty" }, "No result fits these filters."));
  };
  const update = (part) => {
    const focused = document.activeElement && table.contains(document.activeElement) ? document.activeElement.textContent : null;
    Object.assign(given, part);
    if (!("page" in part)) given.page = "";
    keep("board", given);
    draw();
    say(`${counted(filtered(given).length, "result")}.`);
    // A heading that was just used keeps the focus although the table is a new one.
    const same = focused && [...table.querySelectorAll("button")].find((button) => button.textContent.slice(0, 6) === focused.slice(0, 6));
    if (same) same.focus();
  };
  draw();
  return [h("h1", {}, "Board"), h("form", { class: "panel filters", onsubmit: (event) => event.preventDefault() }, filters(given, update)), table];
}

function filters(given, update) {
  const selects = FILTERS.map(([name, title]) => {
    const values = distinct(ENTRIES.map((entry) => entry[name])).sort();
    return values.length > 1 || given[name] ? choice(title, [["", "all"], ...values.map((value) => [value, value])], given[name] || "", (value) => update({ [name]: value })) : "";
  });
  return [h("label", {}, h("span", {}, "Search"), h("input", { type: "search", value: given.words || "", oninput: (event) => update({ words: event.target.value }) })), selects,
    choice("Columns", [["", "brief"], ["full", "all"]], given.columns || "", (columns) => update({ columns }))];
}
