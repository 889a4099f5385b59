// Which strategy: the rules of tlbench/leaderboard/advice, for limits that the reader moves. A test compares the two.

const flip = ([mean, width, seeds, sign]) => [mean === null ? null : -mean, width, seeds, -sign];

function gapOf(one, a, b) {
  return a < b ? one.gaps[a][b - a - 1] : flip(one.gaps[b][a - b - 1]);
}

const better = (one, a, b) => a !== b && gapOf(one, a, b)[3] === 1;
const leadersOf = (one, some) => some.filter((a) => !some.some((b) => better(one, b, a)));
const infinite = (value) => (value === null ? Infinity : value);

function sizeOf([mean, width, seeds]) {
  const half = width === null ? "-" : width.toFixed(3);
  if (mean === null) return seeds ? `+0.000 ± ${half}` : `+nan ± ${half}`;
  const negative = mean < 0 || Object.is(mean, -0);
  return `${negative ? "-" : "+"}${Math.abs(mean).toFixed(3)} ± ${half}`;
}

const general = (value) => String(Number(value.toPrecision(6)));

function barOf(entry, limits) {
  if (entry.bar) return entry.bar;
  if (limits.forgetting !== null) {
    if (entry.forgetting === null) return entry.unmeasured;
    if (limits.forgetting === 0 ? !entry.keeps : entry.forgetting > limits.forgetting)
      return `it forgets ${entry.forgetting.toFixed(3)}, more than ${general(limits.forgetting)}`;
  }
  if (limits.ms !== null) {
    if (entry.ms === null) return "its latency is not measured yet";
    if (entry.ms > limits.ms) return `it takes ${entry.ms.toFixed(3)} ms, more than ${general(limits.ms)}`;
  }
  return "";
}

// `usual`: whether the limits leave out nothing more than no limits do. limits: {forgetting, ms}, each a number or null. Members and baselines are named by their places in `one.entries`.
function decide(one, limits) {
  const members = [...Array(one.members).keys()];
  const bars = one.entries.map((entry) => barOf(entry, limits));
  const leftOut = [
    ...members.filter((a) => bars[a]).map((a) => [one.entries[a].name, bars[a]]),
    ...Object.entries(one.failed),
  ];
  const eligible = members.filter((a) => !bars[a]);
  const leaders = leadersOf(one, eligible);
  const beatenBy = (a) =>
    ["classical", "scratch", "source-only"]
      .map((name) => one.entries[a].rivals[name])
      .filter((b) => b !== undefined && !bars[b] && better(one, b, a));
  const isBaseline = (a) => a >= one.members;
  const source = (a) => (isBaseline(a) ? undefined : one.entries[a].rivals["source-only"]);
  const gains = (a) => source(a) === undefined || better(one, a, source(a));
  let contenders = leaders.filter((a) => !beatenBy(a).length);
  if (contenders.some(gains)) contenders = contenders.filter(gains);
  if (!contenders.length) contenders = leadersOf(one, bestFirst(one, [...new Set(leaders.flatMap(beatenBy))]));
  const use = cheapest(one, contenders);
  const alike = use !== null && isBaseline(use) ? contenders : leaders;
  const rivals = alike.filter((a) => a !== use);
  const beaten = eligible.filter((a) => !leaders.includes(a));
  let decision = "none";
  if (use !== null) {
    if (isBaseline(use)) decision = "baseline";
    else if (rivals.length || !gains(use)) decision = "undecided";
    else decision = beaten.length ? "best" : "only";
  }
  const found = {
    one,
    use,
    eligible,
    leaders,
    contenders,
    rivals,
    beaten,
    leftOut,
    decision,
    beatenBy,
    gains,
    source,
    isBaseline,
    usual: bars.every((bar, a) => bar === one.entries[a].bar),
  };
  return { ...found, verdict: verdict(found), notDifferent: notDifferent(found) };
}

function bestFirst(one, places) {
  return [...places].sort((a, b) => one.entries[a].order - one.entries[b].order);
}

function cheapest(one, contenders) {
  if (!contenders.length) return null;
  const first = contenders[0];
  if (contenders.slice(1).some((other) => gapOf(one, first, other)[2] < 2)) return first;
  return ALIKE.reduce((left, _, part) => aboutLeast(one, left, part), contenders)[0];
}

// How much may be spent if this is the least: seconds, forgetting, ms.
const ALIKE = [(least) => Math.max(2 * least, least + 1), (least) => least + 0.01, (least) => 1.5 * least];

function aboutLeast(one, places, part) {
  const cost = (a) => infinite(one.entries[a].costs[part]);
  const most = ALIKE[part](Math.min(...places.map(cost)));
  return places.filter((a) => cost(a) <= most);
}

function notDifferent({ one, use, rivals, gains, source, isBaseline }) {
  if (use === null) return [];
  const names = rivals.map((a) => one.entries[a].name);
  const over = !isBaseline(use) && source(use) !== undefined && gapOf(one, use, source(use))[2] > 1;
  return over && !gains(use) ? [...names, "source-only"] : names;
}

function namesOf(one, places) {
  const names = places.map((a) => one.entries[a].name);
  const shown = names.length > 3 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  return [shown.slice(0, -1).join(", "), shown[shown.length - 1]].filter(Boolean).join(" and ");
}

const listedOut = (leftOut) => (leftOut.length ? `${leftOut.map(([name, why]) => `${name}: ${why}`).join("; ")}.` : "");

function verdict(found) {
  const { one, use, leaders, rivals, beaten, leftOut, beatenBy, isBaseline, source } = found;
  if (use === null) return `No strategy can be recommended. ${listedOut(leftOut)}`;
  const name = one.entries[use].name;
  if (isBaseline(use)) {
    const best = leaders.find((a) => beatenBy(a).includes(use));
    return `Use ${name}, a baseline: it is significantly better than ${one.entries[best].name} (${sizeOf(gapOf(one, use, best))}).`;
  }
  const noGain = noGainOf(found);
  const also = noGain && gapOf(one, use, source(use))[2] > 1 ? ` But it is ${noGain}.` : "";
  if (rivals.length) return `${undecided(found)}${also}`;
  if (beaten.length) {
    const others = beaten.length > 1 ? ` and ${beaten.length - 1} more` : "";
    const gap = sizeOf(gapOf(one, use, beaten[0]));
    return `Use ${name}: it is significantly better than ${one.entries[beaten[0]].name} (${gap})${others}.${also}`;
  }
  const which = `the only strategy with this access${leftOut.length ? " that can be recommended" : ""}`;
  return noGain ? `Undecided: ${name}, ${which}, is ${noGain}.` : `Use ${name}, ${which}.`;
}

function noGainOf({ one, use, gains, source }) {
  if (gains(use)) return "";
  const gap = gapOf(one, use, source(use));
  const why = gap[2] > 1 ? sizeOf(gap) : "fewer than two common seeds decide nothing";
  return `not significantly better than source-only, the model without adaptation, which forgets nothing (${why})`;
}

function undecided(found) {
  const { one, use, leaders, rivals } = found;
  const name = one.entries[use].name;
  const also = highestOf(found);
  const gaps = rivals.map((a) => gapOf(one, use, a));
  if (gaps.some((gap) => gap[2] < 2)) {
    const why = use === leaders[0] ? "it has the highest score, which may be luck" : whyOf(found);
    return `Undecided between ${name} and ${namesOf(one, rivals)}: fewer than two common seeds decide nothing. Use ${name}: ${why}${also}.`;
  }
  const sizes = gaps.slice(0, 3).map(sizeOf).join(", ");
  return `Undecided: ${name} is not significantly different from ${namesOf(one, rivals)} (${sizes}). Use ${name}: ${whyOf(found)}${also}.`;
}

// The highest score, if that of another strategy is higher.
function highestOf({ one, use, eligible }) {
  const first = one.entries[eligible[0]];
  return first.score === one.entries[use].score ? "" : `; highest score: ${first.name} ${first.score}`;
}

const COSTS = [
  ["it is cheaper to train", (entry) => entry.seconds],
  ["it forgets less", (entry) => (entry.forgetting === null ? "-" : entry.forgetting.toFixed(3))],
  ["it is faster", (entry) => (entry.ms === null ? "pending" : `${entry.ms.toFixed(3)} ms`)],
];

function whyOf(found) {
  const { one, use, contenders } = found;
  if (contenders.length === 1) return whyAlone(found);
  if (contenders.slice(1).some((a) => gapOf(one, contenders[0], a)[2] < 2))
    return "of those that may be recommended it has the highest score, which may be luck";
  let left = contenders;
  for (let part = 0; part < COSTS.length; part += 1) {
    const kept = aboutLeast(one, left, part);
    if (kept.length === 1 && left.length > 1) {
      const cost = (a) => infinite(one.entries[a].costs[part]);
      const least = left.filter((a) => a !== use).reduce((low, a) => (cost(a) < cost(low) ? a : low));
      const [word, value] = COSTS[part];
      return `${word} (${value(one.entries[use])} against ${value(one.entries[least])})`;
    }
    left = kept;
  }
  return "of those that cost about the least it has the highest score";
}

function whyAlone({ one, rivals, beatenBy }) {
  const beaten = rivals.find((a) => beatenBy(a).length);
  if (beaten === undefined)
    return "it is significantly better than source-only, the model without adaptation, and no other is";
  const baseline = beatenBy(beaten)[0];
  const gap = sizeOf(gapOf(one, beaten, baseline));
  return `${one.entries[beaten].name} is significantly below ${one.entries[baseline].name}, a baseline (${gap})`;
}
