// The data of the page: they are unpacked, and columns become records.

// JSON that was compressed with gzip and written in base64: `packing.py`.
async function unpacked(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at += 1) bytes[at] = letters.charCodeAt(at);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

if (!("DecompressionStream" in window)) {
  const why =
    "This browser cannot unpack the data of this page. Chrome or Edge 80, Firefox 113, Safari 16.4 and newer ones can. " +
    "The tables are also in the Markdown files of the board.";
  replace(document.getElementById("main"), h("h1", {}, "This page needs a newer browser"), h("p", { class: "empty" }, why));
  throw new Error(why);
}
const DATA = await unpacked(document.getElementById("data").textContent);
const TEXTS = DATA.texts;
const texts = (numbers) => numbers.map((place) => TEXTS[place]);
const cell = (column, place) => (Array.isArray(column) ? column[place] : (TEXTS[column.t[place]] ?? null));
const read = (column) =>
  Array.isArray(column) ? column : column.t.map((place) => (place === null ? null : TEXTS[place]));

function records(columns) {
  const names = Object.keys(columns);
  const values = names.map((name) => read(columns[name]));
  const size = values.length ? values[0].length : 0;
  return Array.from({ length: size }, (_, row) => {
    const record = Object.create(null);
    names.forEach((name, place) => {
      record[name] = values[place][row];
    });
    return record;
  });
}

const card = ([title, summary, told]) => ({
  title: TEXTS[title],
  summary: TEXTS[summary],
  facts: told.map(([name, value]) => [TEXTS[name], TEXTS[value]]),
});
const cards = (list) => new Map(list.map(([name, one]) => [TEXTS[name], card(one)]));
const byNumber = (list) => new Map(list);

const ENTRIES = records(DATA.entries);
ENTRIES.forEach((entry, place) => {
  entry.number = place;
  entry.runs = [];
  entry.flags = DATA.flags[place].map(([name, text]) => [TEXTS[name], TEXTS[text]]);
  entry.marks = DATA.marks[place].map(([name, text]) => [TEXTS[name], TEXTS[text]]);
  entry.ok = entry.status === "ok";
  entry.access = entry.access || "";
  entry.forgetting = entry.forgetting_head ?? entry.forgetting_probe ?? null;
  entry.forgetting_sd = isNumber(entry.forgetting_head) ? entry.forgetting_head_sd : entry.forgetting_probe_sd;
  entry.retention = isNumber(entry.forgetting) ? 1 - entry.forgetting : null;
  if (!entry.budget) entry.label_budget = null; // a strategy without target labels was given none
  entry.group = entry.baseline ? "baselines" : entry.access_words;
});
const RUNS = records(DATA.runs);
RUNS.forEach((run, place) => {
  run.number = place;
  run.of = ENTRIES[run.entry];
  run.of.runs.push(run);
});
const RUN_BY_ID = new Map(RUNS.map((run) => [run.id, run]));
const TASKS = new Map(
  DATA.tasks.map(([name, one, said, ties]) => [
    TEXTS[name],
    { name: TEXTS[name], card: one && card(one), said: texts(said), ties: texts(ties) },
  ]),
);
const STRATEGIES = cards(DATA.strategies);
const BACKBONES = cards(DATA.backbones);
const ANALYSES = cards(DATA.analyses_cards);
const CONFUSIONS = byNumber(DATA.confusions);
const RUN_ANALYSES = byNumber(DATA.analyses);

// A sentence in which {} stands for each of some numbers.
function sentence([pattern, ...numbers]) {
  return numbers.length
    ? TEXTS[pattern]
        .split("{}")
        .map((part, at) => part + (numbers[at] ?? ""))
        .join("")
    : TEXTS[pattern];
}
const SENTENCES = new Map(DATA.sentences.map(([run, said]) => [run, said.map(sentence)]));
const TRAINING = new Map(DATA.training.map(([run, losses, points, fitted]) => [run, { losses, points, fitted }]));
const LATENCIES = new Map(DATA.latencies.flatMap(([histogram, runs]) => runs.map((run) => [run, histogram])));
const CASES = DATA.cases;

const distinct = (values) => [
  ...new Set(values.filter((value) => value !== null && value !== undefined && value !== "")),
];
const DOMAINS = distinct(ENTRIES.map((entry) => entry.domain)).sort();
const TASK_NAMES = distinct(ENTRIES.map((entry) => entry.task)).sort();
// What a reader chooses to see one domain or one task.
const FIELDS = DOMAINS.flatMap((domain) => [
  [domain, `${domain}: all tasks`],
  ...TASK_NAMES.filter((task) => task.startsWith(`${domain}/`)).map((task) => [task, `  ${task}`]),
]);
const isOn = (task, on) => !on || task === on || task.startsWith(`${on}/`);
// The tasks in which something was measured with several label budgets.
const SWEPT = new Set(DATA.sweeps.map((group) => ENTRIES[group[0]].task));
// Strategies with equal access share a colour, that of the pictures of a board: `SHADES` in leaderboard/style.py.
const USUAL = [
  "target inputs",
  "target labels",
  "source and target inputs",
  "source and target labels",
  "target inputs and target labels",
  "no target data",
];
const GROUPS = distinct(ENTRIES.filter((entry) => !entry.baseline).map((entry) => entry.group)).sort(
  (a, b) => a.split(" and ").length - b.split(" and ").length || a.localeCompare(b),
);
const SHADES = [...USUAL, ...GROUPS.filter((group) => !USUAL.includes(group))];
const groupColour = (group) => `g${SHADES.indexOf(group) % USUAL.length}`;
const colour = (entry) => (entry.baseline ? "base" : groupColour(entry.group));

const TEST_SIZES = new Map(ENTRIES.filter((entry) => entry.test_size).map((entry) => [entry.task, entry.test_size]));

// The lowest and the highest end of an interval in a task: bars in cells of one task have one scale. The constant
// prediction, which is far below everything else, stands at its edge.
const SCALES = new Map();
for (const entry of ENTRIES.filter((one) => one.ok && isNumber(one.score) && one.strategy !== "constant")) {
  const key = `${entry.task} ${entry.metric}`;
  const [low, high] = SCALES.get(key) || [Infinity, -Infinity];
  SCALES.set(key, [Math.min(low, entry.score_low ?? entry.score), Math.max(high, entry.score_high ?? entry.score)]);
}
const scaleOf = (entry) => SCALES.get(`${entry.task} ${entry.metric}`);
