// Results without a score: those that were skipped are one line with their reasons, those that failed are listed one by one.

const skipped = (entry) => entry.status === "skipped";

// A reason does not begin with the name of the strategy, so that several share it.
function reasonOf(entry) {
  const reason = factValue(entry.runs[0], "reason") || "no reason is given";
  const name = `"${entry.strategy}" `;
  return reason.startsWith(name) ? reason.slice(name.length) : reason;
}

// `name`: what an entry is called in the list.
function skippedReasons(entries, name) {
  const reasons = new Map();
  for (const entry of entries) reasons.set(reasonOf(entry), [...(reasons.get(reasonOf(entry)) || []), entry]);
  const linkTo = (entry, place) => [place ? ", " : "", link(address(`run/${entry.runs[0].id}`), name(entry))];
  return h(
    "ul",
    {},
    [...reasons].map(([reason, some]) => h("li", {}, some.map(linkTo), `: ${reason}`)),
  );
}

// A line that opens to the reasons.
function skippedLine(entries, open) {
  const several = distinct(entries.map((entry) => entry.backbone)).length > 1;
  const name = (entry) => (several ? `${entry.label} with ${entry.backbone}` : entry.label);
  return h(
    "details",
    { open },
    h("summary", {}, `${entries.length} skipped: ${joined(distinct(entries.map((entry) => entry.label)))}`),
    skippedReasons(entries, name),
  );
}

function failedOf(entries) {
  const failed = entries.filter((entry) => !entry.ok && !skipped(entry));
  return failed.length
    ? [
        h("h2", {}, "Without a score"),
        h(
          "ul",
          {},
          failed.map((entry) => h("li", {}, entry.why)),
        ),
      ]
    : "";
}

// Long lists are closed.
const MOST_OPEN = 10;

function folded(title, items) {
  return h("details", { open: items.length <= MOST_OPEN }, h("summary", {}, title), h("ul", {}, items));
}
