// What the words and the columns mean.

const WORDS = [
  ["task", "One transfer: a source domain, or none, and a target domain, with a metric and a number of target labels."],
  ["backbone", "A pre-trained encoder and what turns raw examples into its tensors."],
  ["strategy", "A way to adapt a model to the target domain."],
  [
    "access",
    "The data that a strategy is given to adapt: source examples, target inputs (unlabelled), target labels.",
  ],
  [
    "baseline",
    "What makes a score readable: constant (one prediction for all), source-only (no adaptation), scratch (random weights), classical (no neural network), all-labels (an upper bound).",
  ],
  ["seed", "One repetition with other random numbers: a result is the mean over its seeds."],
  ["commit", "The version of tlbench's code that computed a result: with another one, numbers may differ."],
];

const strategiesHere = () =>
  distinct(ENTRIES.map((entry) => entry.strategy))
    .sort()
    .map((name) => [
      link(address(`strategy/${name}`), name),
      STRATEGIES.has(name)
        ? STRATEGIES.get(name).summary
        : `Access: ${joined(distinct(ENTRIES.filter((one) => one.strategy === name).map((one) => one.access_words)))}.`,
    ]);

function aboutView() {
  return [
    h("h1", {}, "How to read this"),
    h(
      "p",
      { class: "lead" },
      "One result is one task, one backbone and one strategy, as means over seeds. The score is that of the exported ONNX file on the target test split.",
    ),
    facts(DATA.legend.map(([title, text]) => [title, text])),
    h("h2", {}, "Words"),
    facts(WORDS),
    h("h2", {}, "Strategies and baselines of this board"),
    facts(strategiesHere()),
    h("h2", {}, "Rules"),
    h(
      "ul",
      {},
      [
        "Strategies with different data access are not ranked together: more data is an advantage that is not the strategy's own.",
        'Shaded: no strategy with the same access, labels and data is significantly better. "Tied best": the 95 % intervals of their paired differences contain 0.',
        "Colour is the data access, shape the backbone. Grey is a baseline.",
        "Milliseconds are those of the machine that measured; relative latency compares machines.",
        "⚑ marks a result with something to know before believing its numbers: its page says what.",
      ].map((text) => h("li", {}, text)),
    ),
  ];
}
