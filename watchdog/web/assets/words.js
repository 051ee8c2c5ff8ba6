// Times and figures as people read them.

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

/** Return a point in time (UNIX seconds) in the reader's own zone. */
export function stamp(wall) {
  const at = new Date(wall * 1000);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export const ms = (value) => `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))} ms`;

/** Return *share* in percent; what was down a little is never all. */
export function percent(share) {
  if (share === null || share === undefined) return "not watched";
  return share === 1 ? "100 %" : `${Math.min(share * 100, 99.999).toFixed(3)} %`;
}

const tones = { healthy: "good", suspect: "bad", failing: "bad", waiting: "bad", "gave-up": "bad" };
export const tone = (phase) => tones[phase] ?? (phase === "pending" ? "none" : "busy");

const signs = { pass: ["✓", "passes"], fail: ["✗", "fails"], hold: ["…", "is not judged now"] };
export const sign = (verdict) => signs[verdict] ?? ["?", "cannot be asked"];
const verdictTones = { pass: "good", fail: "bad", hold: "busy" };
export const verdictTone = (verdict) => verdictTones[verdict] ?? "none";
