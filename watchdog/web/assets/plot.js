// A plot of how long rounds took, by uPlot, which is fetched when the first one is drawn.

import { h } from "./dom.js";

let loading = null;

/** Return the library; its script knows no modules. */
function library() {
  loading ??= new Promise((done, failed) => {
    const beside = (name) => new URL(name, import.meta.url).href;
    document.head.append(
      h("link", { rel: "stylesheet", href: beside("uplot.min.css") }),
      h("script", { src: beside("uplot.min.js"), onload: () => done(window.uPlot), onerror: failed }));
  });
  return loading;
}

const at = (pattern) => new Intl.DateTimeFormat(undefined, { ...pattern, hourCycle: "h23" });
const seconds = at({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = at({ hour: "2-digit", minute: "2-digit" });

/** Label points in time (UNIX seconds), as exactly as their distance needs. */
function times(_plot, ticks, _axis, _space, step) {
  return ticks.map((tick) => (step < 60 ? seconds : minutes).format(tick * 1000));
}

export class Plot {
  constructor(place) {
    this.place = place;
    this.resized = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resized.observe(place);
  }

  size() {
    return { width: Math.max(200, this.place.clientWidth), height: 200 };
  }

  close() {
    this.resized.disconnect();
    this.plot?.destroy();
  }

  /** Draw rows of [UNIX seconds, milliseconds or null]. */
  async draw(rows) {
    const uPlot = await library();
    const data = [rows.map(([wall]) => wall), rows.map(([, took]) => took)];
    if (this.plot) {
      this.plot.setData(data);
      return;
    }
    const colour = (name) => getComputedStyle(this.place).getPropertyValue(name).trim();
    const axis = { stroke: () => colour("--quiet"), grid: { stroke: () => colour("--line"), width: 1 } };
    this.plot = new uPlot({
      ...this.size(),
      legend: { show: false },
      cursor: { drag: { x: false, y: false } },
      scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
      axes: [{ ...axis, values: times }, { ...axis, size: 60, values: (_plot, ticks) => ticks.map((tick) => `${tick} ms`) }],
      series: [{}, { stroke: () => colour("--plot"), width: 1.5, points: { size: 4 }, spanGaps: false }],
    }, data, this.place);
  }
}
