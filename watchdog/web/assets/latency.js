// How long rounds took: the recent ones one by one, or a day in a few minutes each.

import { get } from "./api.js";
import { h, put, show } from "./dom.js";
import { Plot } from "./plot.js";
import { clock, many, ms } from "./words.js";

const pause = 2_000; // ms between two looks, at least
const rest = 30_000; // and at most: rounds that are all alike are no news

const views = {
  rounds: ["Recent rounds", async (path) => {
    const rows = (await get(`${path}/latency`)).rows.map(([wall, took]) => [wall, took, took, took, took === null ? 0 : 1, took === null ? 1 : 0]);
    return { rows, from: rows[0]?.[0], to: rows.at(-1)?.[0], every: 0 };
  }],
  day: ["24 hours", async (path) => {
    const { rows, now, every } = await get(`${path}/latency/day`);
    return { rows, from: now - 86_400, to: now, every };
  }],
};
const wanted = { view: "rounds" };

export class Latency {
  constructor(path) {
    this.path = path;
    this.plot = h("div", { class: "plot", role: "img", "aria-label": "Latency" });
    this.note = h("p", { class: "quiet note-line" });
    this.place = h("section", { class: "card", "aria-label": "Latency" },
      h("div", { class: "line" }, h("h2", {}, "Latency"),
        h("fieldset", { class: "chips" }, h("legend", {}, "Of"), Object.entries(views).map(([key, [label]]) => this.chip(key, label)))),
      this.plot, this.note);
    this.chart = new Plot(this.plot, (row) => this.tell(row));
    this.load();
  }

  chip(key, label) {
    const choose = () => {
      wanted.view = key;
      this.load();
    };
    const input = h("input", { type: "radio", name: "view", value: key, onchange: choose });
    input.checked = wanted.view === key;
    return h("label", {}, input, h("span", {}, label));
  }

  close() {
    clearTimeout(this.timer);
    this.closed = true;
    this.chart.close();
  }

  /** Look again soon: there is news. */
  soon() {
    if (this.planned) return;
    this.planned = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), Math.max(0, pause - (Date.now() - this.loaded)));
  }

  async load() {
    clearTimeout(this.timer);
    this.planned = false;
    this.loaded = Date.now();
    const view = wanted.view;
    try {
      const found = await views[view][1](this.path);
      if (this.closed || view !== wanted.view) return;
      this.found = found;
      this.summary = summary(found);
      this.plot.setAttribute("aria-label", `Latency: ${this.summary}`);
      await this.chart.draw(found);
      this.tell(null);
    } catch (error) {
      put(this.note, error.message);
    }
    if (!this.closed && !this.planned) this.timer = setTimeout(() => this.load(), rest);
  }

  /** Tell of the row that is pointed at, or of all. */
  tell(row) {
    if (row === null) return put(this.note, this.summary);
    const [wall, low, mean, high, passed, missed] = row;
    const { every } = this.found;
    const when = every ? `${clock(wall, false)} to ${clock(wall + every, false)}` : clock(wall);
    const took = mean === null ? "did not pass" : every ? `${ms(mean)} on average, ${ms(low)} to ${ms(high)}` : ms(mean);
    const count = every ? `, ${many(passed + missed, "round")}${missed ? `, ${missed} did not pass` : ""}` : "";
    put(this.note, `${when}: ${took}${count}`);
  }
}

function summary({ rows, from, every }) {
  if (!rows.length) return "no round yet";
  const passed = rows.reduce((sum, row) => sum + row[4], 0);
  const missed = rows.reduce((sum, row) => sum + row[5], 0);
  const total = rows.reduce((sum, row) => sum + (row[2] ?? 0) * row[4], 0);
  const worst = Math.max(...rows.map((row) => row[3] ?? 0));
  const took = passed ? `: ${ms(total / passed)} on average, slowest ${ms(worst)}` : "";
  const begins = every && rows[0][0] > from + every ? `; on record since ${clock(rows[0][0], false)}` : "";
  return `${many(passed + missed, "round")}${missed ? `, ${missed} did not pass` : ""}${took}${begins}`;
}
