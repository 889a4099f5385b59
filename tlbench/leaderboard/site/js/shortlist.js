// What a reader has and allows -> decisions, and strategies over several tasks.

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

const tasksOf = (found) => distinct(found.map((one) => one.one.task)).length;

// Strategies over several tasks: in how many each is recommended, surely better, and has the highest score of all that
// fit, the most often recommended first.
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
  for (const one of names.values()) one.sure = one.recommended.filter(({ decision }) => decision === "best");
  return [...names.values()].sort(
    (a, b) =>
      tasksOf(b.recommended) - tasksOf(a.recommended) ||
      tasksOf(b.sure) - tasksOf(a.sure) ||
      b.first.length - a.first.length ||
      a.strategy.localeCompare(b.strategy),
  );
}
