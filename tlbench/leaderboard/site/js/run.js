// A run: its score, what is known of its errors, speed and training, where it comes from, and how to repeat it.

function runView(id) {
  const run = RUN_BY_ID.get(id);
  if (!run) return missingView(`Run ${id}`);
  const entry = run.of;
  const title = `${entry.label} on ${shortTask(entry.task)}, seed ${run.seed}`;
  const value = (field) => factValue(run, field);
  const score = entry.ok ? `${entry.metric} ${number(value("score"))}` : entry.status;
  return [
    h("h1", {}, title),
    h(
      "p",
      { class: "crumbs" },
      link(address(`task/${entry.task}`), entry.task),
      " · ",
      link(address("board", { backbone: entry.backbone }), entry.backbone),
      " · ",
      link(address(`strategy/${entry.strategy}`), entry.strategy),
      ` · ${entry.baseline ? "baseline" : `access: ${entry.access_words}`}`,
      entry.budget && ` · ${entry.budget}`,
    ),
    BACKBONES.has(entry.backbone) &&
      h("p", { class: "note" }, `${entry.backbone}: ${BACKBONES.get(entry.backbone).summary}`),
    seedsOf(run),
    h(
      "p",
      { class: "score" },
      score,
      " ",
      h(
        "small",
        {},
        interval(value("score_low"), value("score_high")) &&
          `95 % interval ${interval(value("score_low"), value("score_high"))} over ${counted(entry.test_size || 0, "test example")}`,
      ),
    ),
    entry.ok && entry.runs.length > 1 ? h("p", {}, meanOf(entry)) : "",
    h(
      "div",
      { class: "tiles" },
      tile("Forgetting", number(value("forgetting_head") ?? value("forgetting_probe")), "of the source, 0 is none"),
      tile("Latency", latencyOf(entry.ok, value("p50_ms")), "p50 at batch 1"),
      tile("Adaptation", `${short(entry.adapt_s)} ${entry.gpu ? "s on the GPU" : "CPU s"}`, "mean over seeds"),
      overTile("Over source-only", entry, "source_only"),
      overTile("Over scratch", entry, "scratch"),
    ),
    told(run),
    predictions(run),
    training(run, entry),
    speed(run, value),
    analysed(run),
    everyField(run),
    repeat(run),
  ];
}

const tile = (name, text, note) =>
  text.startsWith(NONE) ? "" : h("div", { class: "tile" }, h("span", {}, name), h("b", {}, text), h("small", {}, note));

// How far a result is above a baseline, with its 95 % interval and whether that is significant.
function overTile(name, entry, other) {
  const error = entry[`over_${other}_error`];
  const gain = `${signed(entry[`over_${other}`])}${isNumber(error) ? ` ± ${number(error)}` : ""}`;
  return tile(name, gain, `mean over seeds${entry[`over_${other}_decided`] ? "" : "; not significant"}`);
}

function meanOf(entry) {
  const ends = interval(entry.score_low, entry.score_high);
  return `Mean over ${entry.runs.length} seeds: ${number(entry.score)}${ends && ` (${ends})`}`;
}

function factValue(run, field) {
  const fact = DATA.facts.find((one) => one.field === field);
  if (!fact || fact.of === "names") return null;
  return cell(fact.values, fact.of === "entry" ? run.entry : run.number);
}

function seedsOf(run) {
  const others = run.of.runs;
  return others.length > 1
    ? h(
        "nav",
        { class: "seeds", "aria-label": "Seeds" },
        "Seeds:",
        others.map((one) =>
          one === run
            ? h("b", { "aria-current": "page" }, String(one.seed))
            : link(address(`run/${one.id}`), String(one.seed)),
        ),
      )
    : "";
}

function told(run) {
  const said = [
    ...(SENTENCES.get(run.number) || []),
    ...run.of.marks.map(markSentence),
    ...run.of.flags.map((flag) => `⚑ ${flag[1]}`),
    ...(run.of.ok ? [] : [run.of.why]),
  ];
  return said.length
    ? h(
        "ul",
        {},
        said.map((text) => h("li", {}, text)),
      )
    : "";
}

function training(run, entry) {
  const found = TRAINING.get(run.number);
  if (!found) return "";
  const { losses, points, fitted } = found;
  const end = points.length ? points[points.length - 1][0] : 1;
  const loss =
    losses.length > 1 &&
    lines(
      [
        {
          name: "loss",
          kind: "g0",
          points: losses.map((value, place) => [((place + 0.5) / losses.length) * end, value]),
        },
      ],
      { title: "Training loss", xTitle: points.length ? "steps" : "part of the steps", yTitle: "loss" },
    );
  const test = { name: "target test split", kind: "g1", points: points.map(([, seconds, value]) => [seconds, value]) };
  const own = { name: "training labels", kind: "base", points: fitted.map((value, at) => [points[at][1], value]) };
  const score =
    points.length > 1 &&
    lines(fitted.length ? [own, test] : [test], {
      title: "Target score in training",
      xTitle: "seconds of adaptation",
      yTitle: entry.metric,
    });
  return [
    h("h2", {}, "Training"),
    h(
      "div",
      { class: "pictures" },
      [loss, score].filter(Boolean).map((picture) => h("figure", {}, picture)),
    ),
  ];
}

function speed(run, value) {
  const found = LATENCIES.get(run.number);
  return found
    ? [h("h2", {}, "Latency"), h("div", { class: "pictures" }, histogram(found, value("p50_ms"), value("p99_ms")))]
    : "";
}

function analysed(run) {
  const found = RUN_ANALYSES.get(run.number);
  if (!found) return "";
  return [
    h("h2", {}, "Analyses"),
    found.map(([label, numbers, picture]) => {
      const about = ANALYSES.get(TEXTS[label].split(" (")[0]);
      return h(
        "section",
        {},
        h("h3", {}, about ? about.title : TEXTS[label]),
        about && h("p", { class: "note" }, about.summary),
        facts(numbers.map(([name, value]) => [TEXTS[name], short(value)])),
        picture && h("img", { src: `data:image/png;base64,${picture}`, alt: TEXTS[label], class: "picture" }),
      );
    }),
  ];
}

function everyField(run) {
  const groups = new Map();
  for (const fact of DATA.facts) {
    const text = factText(run, fact);
    if (text) groups.set(fact.group, [...(groups.get(fact.group) || []), [fact.heading, text]]);
  }
  return [
    h("h2", {}, "Everything on this result"),
    [...groups].map(([group, pairs]) => h("details", {}, h("summary", {}, group), facts(pairs))),
  ];
}

function factText(run, fact) {
  if (fact.of === "names") {
    const names = texts(fact.names[run.entry]);
    const values = fact.values[run.number];
    return names
      .map((name, place) => (values[place] === null ? "" : `${name} ${short(values[place])}`))
      .filter(Boolean)
      .join(", ");
  }
  const value = cell(fact.values, fact.of === "entry" ? run.entry : run.number);
  if (value === null || value === undefined) return "";
  const text = isNumber(value) ? (Number.isInteger(value) ? value.toLocaleString("en") : short(value)) : value;
  return fact.unit ? `${text} ${fact.unit}` : text;
}

function repeat(run) {
  const command = DATA.repeat.length
    ? TEXTS[DATA.repeat[run.entry]].replace(/--seeds \d+-\d+/, `--seeds ${run.seed}-${run.seed}`)
    : "";
  if (!command) return "";
  const places = [...command.matchAll(/(\w+)\.(\w+)=PATH/g)].map(([, owner, name]) =>
    owner === "backbone" ? `your weights file (${owner}.${name})` : `your file or folder of data (${owner}.${name})`,
  );
  const board = DATA.folder === null ? "" : ` --board ${TEXTS[DATA.folder]}`;
  const code = h("pre", {}, command);
  const copy = () => {
    getSelection().selectAllChildren(code);
    if (navigator.clipboard)
      navigator.clipboard.writeText(command).then(
        () => say("Copied."),
        () => say("Selected: press Ctrl-C."),
      );
  };
  return [
    h("h2", {}, "Repeat it"),
    code,
    h("button", { type: "button", class: "quiet", onclick: copy }, "Copy"),
    places.length ? h("p", {}, `PATH: ${joined(places)}.`) : "",
    expected(run),
    h("p", { class: "note" }, "Every field and the file of the result: ", h("code", {}, `tlbench show ${run.id}${board}`)),
  ];
}

// What a repeated run gives, and the command that compares it with this one.
function expected(run) {
  const score = factValue(run, "score");
  if (!isNumber(score)) return "";
  const [commit, device] = [factValue(run, "commit"), factValue(run, "device_name")];
  const where = `the same class of processor${device ? ` (${device})` : ""}${commit ? ` and with commit ${commit.slice(0, 7)}` : ""}`;
  const file = fileOf(run);
  return [
    h("p", {}, `Expect ${run.of.metric} ${number(score)}; bit for bit only on ${where}.`),
    file ? h("p", {}, "The same in one step, compared: ", h("code", {}, `tlbench verify ${file} --rerun 1`)) : "",
  ];
}

// Where the file of a result lies. A name that is not unique on the page is that of the file.
function fileOf(run) {
  if (DATA.folder === null) return "";
  const start = TEXTS[DATA.files[run.entry]];
  const name = run.id.includes("--") ? run.id : start && `${start}${run.seed}--${run.id}`;
  return name && `${TEXTS[DATA.folder]}/rows/${name}.json`;
}
