// Times, figures and states as people read them.

const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];

/** Return *seconds* in its two largest units, such as "2 h 5 min". */
export function span(seconds) {
  let rest = Math.max(0, Math.round(seconds));
  const parts = [];
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    if (count && parts.length < 2) parts.push(`${count} ${unit}`);
    else if (parts.length) break;
    rest -= count * size;
  }
  return parts.join(" ") || "0 s";
}

const two = (number) => String(number).padStart(2, "0");

/** Return the time of day of *wall* (UNIX seconds) in the reader's own zone. */
export function clock(wall, exact = true) {
  const at = new Date(wall * 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}${exact ? `:${two(at.getSeconds())}` : ""}`;
}

/** Return a point in time (UNIX seconds) in the reader's own zone. */
export function stamp(wall) {
  const at = new Date(wall * 1000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(wall)}`;
}

export function ms(value) {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ms`;
}

export const many = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Return *share* in percent; what was down a little is never all. */
export function percent(share) {
  if (share === null || share === undefined) return "not watched";
  return share === 1 ? "100 %" : `${Math.min(share * 100, 99.999).toFixed(3)} %`;
}

// A state is told by its word, by a sign and by a colour: nobody needs the last.
const phases = {
  healthy: ["good", "✓"], suspect: ["bad", "!"], failing: ["bad", "✗"], waiting: ["bad", "✗"],
  "gave-up": ["bad", "✗"], pending: ["none", "…"], maintenance: ["busy", "‖"],
};
export const phase = (name) => phases[name] ?? ["busy", "↻"];

/** Tell whether a service is in trouble: it is also while an incident of it is being mended. */
export const isTroubled = (service) => service.code === 1 || (service.code !== 0 && Boolean(service.incident));

const verdicts = {
  pass: ["good", "✓", "passes"], fail: ["bad", "✗", "fails"], hold: ["busy", "…", "is not judged now"],
};
export const verdict = (name) => verdicts[name] ?? ["none", "?", "cannot be asked"];
