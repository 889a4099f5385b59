// Marks: what somebody found out about a result beside its numbers. Each opens to its sentence.

const MARKS = new Map([
  ["reproduced", "✓ reproduced"],
  ["not-reproduced", "✗ not reproduced"],
  ["audited", "✓ audited"],
  ["caught", "✗ caught by an audit"],
]);
const markName = (name) => MARKS.get(name) || name;
const isBadMark = (name) => ["not-reproduced", "caught"].includes(name);
const markSentence = ([name, text]) => `${markName(name)}: ${text}`;

const marksOf = (entry) =>
  entry.marks.map(([name, text]) =>
    h(
      "details",
      { class: isBadMark(name) ? "flag" : "flag good" },
      h("summary", {}, markName(name)),
      h("p", {}, text),
    ),
  );
