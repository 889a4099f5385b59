// A table of results: sorted by any column, grouped by task and access if it is not, a page at a time.

// Number of an entry than which no other with the same access and labels is significantly better -> what it is called.
const LEADERS = new Map(
  CASES.filter((one) => one.members > 1).flatMap((one) => {
    const { leaders } = decide(one, { forgetting: null, ms: null });
    const name = `${leaders.length > 1 ? "tied best" : "best"}${one.condition ? ` (${one.condition})` : ""}`;
    return leaders.map((a) => [one.entries[a].id, name]);
  }),
);

const scoreCell = (entry) =>
  h(
    "span",
    {},
    h("b", {}, entry.ok ? number(entry.score) : entry.status),
    " ",
    h("small", {}, interval(entry.score_low, entry.score_high)),
    intervalBar(entry),
  );
const flagMark = (entry) =>
  entry.flags.length
    ? h(
        "details",
        { class: "flag" },
        h("summary", {}, `⚑ ${entry.flags.length}`, h("span", { class: "unseen" }, " flags")),
        entry.flags.map((flag) => h("p", {}, flag[1])),
      )
    : "";
const overCell = (name) => (entry) =>
  isNumber(entry[`over_${name}`])
    ? [
        signed(entry[`over_${name}`]),
        h("small", {}, isNumber(entry[`over_${name}_error`]) ? ` ± ${number(entry[`over_${name}_error`])}` : ""),
      ]
    : NONE;

// key, heading, how it reads, and whether a first click sorts the highest first.
const COLUMNS = [
  { key: "label", title: "Strategy", brief: true, text: true, cell: strategyCell },
  { key: "score", title: "Score", brief: true, cell: scoreCell, down: true },
  { key: "forgetting", title: "Forgetting", brief: true, cell: forgettingCell },
  {
    key: "p50_ms",
    title: "Latency (ms)",
    brief: true,
    cell: (entry) => (entry.pending ? "pending" : short(entry.p50_ms) + (entry.contended ? " †" : "")),
  },
  {
    key: "adapt_s",
    title: "Adaptation (CPU s)",
    brief: true,
    cell: secondsCell,
  },
  { key: "rank", title: "Rank", cell: (entry) => entry.rank ?? NONE },
  { key: "access", title: "Access", text: true, cell: (entry) => entry.access_words },
  { key: "budget", title: "Labels", text: true, cell: (entry) => entry.budget || NONE },
  { key: "over_source_only", title: "Over source-only", cell: overCell("source_only"), down: true },
  { key: "over_scratch", title: "Over scratch", cell: overCell("scratch"), down: true },
  { key: "gap_closed", title: "Gap closed", cell: (entry) => number(entry.gap_closed, 2), down: true },
  { key: "score_sd", title: "Seed sd", cell: (entry) => number(entry.score_sd) },
  { key: "seeds", title: "Seeds", cell: (entry) => String(entry.seeds), down: true },
  { key: "onnx_kb", title: "Size (kB)", cell: (entry) => short(entry.onnx_kb) },
  { key: "p50_ratio", title: "Relative latency", cell: (entry) => short(entry.p50_ratio) },
  { key: "selection", title: "Selection", text: true, cell: (entry) => entry.selection },
  { key: "setting", title: "Setting", text: true, cell: (entry) => entry.setting },
];

function strategyCell(entry, flat) {
  const tied = LEADERS.has(entry.number) ? h("span", { class: "badge" }, LEADERS.get(entry.number)) : "";
  return [
    h("a", { href: address(`run/${entry.runs[0].id}`), class: "name" }, entry.label),
    " ",
    tied,
    " ",
    flagMark(entry),
    marksOf(entry),
    h(
      "small",
      { class: "under" },
      flat ? [link(address(`task/${entry.task}`), entry.task), " · "] : "",
      entry.backbone,
    ),
  ];
}

function secondsCell(entry) {
  return isNumber(entry.adapt_s) ? `${short(entry.adapt_s)}${entry.gpu ? " on the GPU" : ""}` : NONE;
}

function forgettingCell(entry) {
  if (!isNumber(entry.forgetting)) return NONE;
  return [number(entry.forgetting), isNumber(entry.forgetting_head) ? "" : h("small", {}, " probe")];
}

// options: sort ("", "score" or "-score"), page from 1, full, change(parts) where the reader sorts or turns the page.
function resultsTable(entries, { sort = "", page = 1, full = false, change, caption }) {
  const columns = COLUMNS.filter((column) => column.brief || full);
  // What was skipped has nothing to sort by.
  const by = entries.every(skipped) ? undefined : columns.find((column) => column.key === sort.replace("-", ""));
  const without = by ? entries.filter(skipped) : [];
  const pages = pagesOf(sorted(by ? entries.filter((entry) => !skipped(entry)) : entries, sort, by), !by);
  const at = Math.min(Math.max(1, page), pages.length);
  const shown = pages[at - 1];
  const turn = (sortBy) => change({ sort: sortBy, page: "" });
  return h(
    "div",
    { class: "results" },
    sortChoice(columns, sort, turn),
    by && metricsHint(entries, by),
    without.length ? h("p", { class: "hint" }, `${counted(without.length, "skipped result")} not shown. Sort by task and access to see why.`) : "",
    h(
      "div",
      { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, caption),
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            columns.map((column) => heading(column, by, sort, turn)),
          ),
        ),
        h("tbody", {}, by ? shown.map((entry) => row(entry, columns, true)) : grouped(shown, columns)),
      ),
    ),
    pages.length > 1 && pager(at, pages.length, entries.length - without.length, (next) => change({ page: next })),
  );
}

// Small screens have no headings: a choice sorts in their place.
function sortChoice(columns, sort, turn) {
  const orders = columns.flatMap(({ key, title, text }) => [
    [key, `${title}, ${text ? "A to Z" : "lowest first"}`],
    [`-${key}`, `${title}, ${text ? "Z to A" : "highest first"}`],
  ]);
  const label = choice("Sort", [["", "by task and access"], ...orders], sort, turn);
  label.classList.add("sorting");
  label.querySelector("select").dataset.name = "sorting";
  return label;
}

function metricsHint(entries, { key }) {
  const metrics = distinct(entries.map((entry) => entry.metric));
  return ["score", "over_source_only", "over_scratch"].includes(key) && metrics.length > 1
    ? h("p", { class: "hint" }, `Sorted together: ${joined(metrics, 9)}, which are not on one scale.`)
    : "";
}

function heading(column, by, sort, turn) {
  const active = by === column;
  const down = sort.startsWith("-");
  const first = column.down ? `-${column.key}` : column.key;
  const next = !active ? first : sort === first ? (down ? column.key : `-${column.key}`) : "";
  return h(
    "th",
    {
      scope: "col",
      "aria-sort": active ? (down ? "descending" : "ascending") : "none",
      class: column.text ? "" : "numeric",
    },
    h(
      "button",
      { type: "button", class: "sort", "data-name": column.key, onclick: () => turn(next) },
      column.title,
      h("span", { "aria-hidden": "true" }, active ? (down ? " ↓" : " ↑") : ""),
    ),
  );
}

function row(entry, columns, flat) {
  const kind = [
    LEADERS.has(entry.number) ? "tie" : "",
    entry.baseline ? "baseline" : "",
    entry.ok ? "" : "lost",
    colour(entry),
  ].join(" ");
  return h(
    "tr",
    { class: kind },
    columns.map((column, place) =>
      place
        ? h("td", { "data-label": column.title, class: column.text ? "" : "numeric" }, column.cell(entry, flat))
        : h("th", { scope: "row", class: "first" }, column.cell(entry, flat)),
    ),
  );
}

function grouped(entries, columns) {
  const found = [];
  let task, group;
  const alone = entries.every(skipped);
  const closeTask = () => {
    const left = entries.filter((entry) => entry.task === task && skipped(entry));
    if (left.length)
      found.push(h("tr", { class: "skipped" }, h("td", { colspan: columns.length }, skippedLine(left, alone))));
  };
  for (const entry of entries) {
    if (entry.task !== task) {
      closeTask();
      task = entry.task;
      found.push(
        h(
          "tr",
          { class: "task" },
          h(
            "th",
            { colspan: columns.length, scope: "rowgroup" },
            link(address(`task/${entry.task}`), entry.task),
            h("small", {}, ` ${entry.metric}, ${counted(TEST_SIZES.get(entry.task) || 0, "test example")}`),
          ),
        ),
      );
      group = undefined;
    }
    if (skipped(entry)) continue;
    if (entry.group !== group)
      found.push(
        h(
          "tr",
          { class: `group ${colour(entry)}` },
          h(
            "th",
            { colspan: columns.length, scope: "rowgroup" },
            entry.baseline ? "baselines" : `access: ${entry.group}`,
            entry.budget && !entry.baseline ? `, ${entry.budget}` : "",
          ),
        ),
      );
    group = entry.group;
    found.push(row(entry, columns, false));
  }
  closeTask();
  return found;
}

function pager(at, pages, count, turn) {
  const button = (text, next, label) =>
    h(
      "button",
      {
        type: "button",
        class: "quiet",
        disabled: next < 1 || next > pages,
        onclick: () => turn(next),
        "aria-label": label,
        "data-name": text === "→" ? "next" : "previous",
      },
      text,
    );
  return h(
    "nav",
    { class: "pager", "aria-label": "Pages of the table" },
    button("←", at - 1, "Previous page"),
    h("span", {}, `Page ${at} of ${pages}, ${counted(count, "result")}`),
    button("→", at + 1, "Next page"),
  );
}
