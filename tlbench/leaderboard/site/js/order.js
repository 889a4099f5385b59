// The order of a table of results, and its pages.

const PAGE = 250;

// By task and access: leaders first, then by score.
function inGroups(entries) {
  const places = new Map();
  const group = (entry) => `${entry.task} ${entry.group} ${entry.baseline ? "" : entry.budget}`;
  for (const entry of entries) if (!places.has(group(entry))) places.set(group(entry), places.size);
  const least = (a, b) =>
    LEADERS.has(b.number) - LEADERS.has(a.number) || (b.score ?? -Infinity) - (a.score ?? -Infinity);
  return [...entries].sort(
    (a, b) =>
      places.get(group(a)) - places.get(group(b)) || (a.baseline ? 0 : least(a, b)) || a.number - b.number,
  );
}

function sorted(entries, sort, column) {
  if (!column) return inGroups(entries);
  const sign = sort.startsWith("-") ? -1 : 1;
  const value = (entry) => entry[column.key];
  const missing = (entry) => value(entry) === null || value(entry) === undefined || value(entry) === "";
  return [...entries].sort((a, b) => {
    if (missing(a) || missing(b)) return missing(a) - missing(b) || a.number - b.number;
    const order = column.text ? String(value(a)).localeCompare(String(value(b))) : value(a) - value(b);
    return sign * order || a.number - b.number;
  });
}

// Pages of at most so many results; those of a task stay together unless they are more.
function pagesOf(ordered, together) {
  const pages = [[]];
  let start = 0;
  while (start < ordered.length) {
    let end = start + 1;
    while (together && end < ordered.length && ordered[end].task === ordered[start].task) end += 1;
    for (; start < end; start = Math.min(end, start + PAGE)) {
      const part = ordered.slice(start, Math.min(end, start + PAGE));
      if (pages[pages.length - 1].length + part.length > PAGE) pages.push([]);
      pages[pages.length - 1].push(...part);
    }
  }
  return pages;
}
