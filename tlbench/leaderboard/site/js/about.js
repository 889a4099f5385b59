// What the columns mean.

function aboutView() {
  return [
    h("h1", {}, "How to read this"),
    h(
      "p",
      { class: "lead" },
      "One result is one task, one backbone and one strategy, as means over seeds. The score is that of the exported ONNX file on the target test split.",
    ),
    facts(DATA.legend.map(([title, text]) => [title, text])),
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
