// Numbers as people read them.

const NONE = "–";
const MINUS = "−";

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

function number(value, digits = 3) {
  return isNumber(value) ? value.toFixed(digits).replace("-", MINUS) : NONE;
}

function signed(value, digits = 3) {
  return isNumber(value) ? (value > 0 ? "+" : "") + number(value, digits) : NONE;
}

// Three significant digits for sizes that span powers of ten.
function short(value) {
  if (!isNumber(value)) return NONE;
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1).replace("-", MINUS);
  if (Math.abs(value) >= 10000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3))).replace("-", MINUS);
}

// A latency; that of a result with a score may still have to be measured.
const latencyOf = (ok, ms) => (ok && !isNumber(ms) ? "pending" : `${short(ms)} ms`);

const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

function interval(low, high) {
  return isNumber(low) && isNumber(high) ? `${number(low)} to ${number(high)}` : "";
}

function joined(names, most = 3) {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}

const shortTask = (task) => task.slice(task.indexOf("/") + 1);
