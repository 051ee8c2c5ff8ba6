// A plot of how long rounds took, by uPlot, which is fetched when the first one is drawn.

import { h } from "./dom.js";
import { clock, ms } from "./words.js";

let loading = null;

/** Return the library; its script knows no modules. */
function library() {
  loading ??= new Promise((done, failed) => {
    const beside = (name) => new URL(name, import.meta.url).href;
    const gone = () => {
      loading = null; // it is tried again with the next look
      failed(new Error("cannot fetch what draws the plot"));
    };
    document.head.append(
      h("link", { rel: "stylesheet", href: beside("uplot.min.css") }),
      h("script", { src: beside("uplot.min.js"), onload: () => done(window.uPlot), onerror: gone }));
  });
  return loading;
}

export class Plot {
  /** Draw in *place*; *point(row)* is told which row is pointed at, or null. */
  constructor(place, point) {
    this.place = place;
    this.point = point;
    this.resized = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.resized.observe(place);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.repaint = () => this.plot?.redraw(false);
    this.scheme.addEventListener("change", this.repaint);
  }

  size() {
    return { width: Math.max(200, this.place.clientWidth), height: 200 };
  }

  close() {
    this.closed = true;
    this.resized.disconnect();
    this.scheme.removeEventListener("change", this.repaint);
    this.plot?.destroy();
  }

  /** Draw rows of [UNIX seconds, fastest, mean, slowest (ms or null), passed, missed]. */
  async draw({ rows, from, to, every }) {
    const uPlot = await library();
    if (this.closed) return;
    this.rows = rows;
    const middle = every / 2;
    const data = [rows.map((row) => row[0] + middle), ...[3, 1, 2].map((at) => rows.map((row) => row[at]))];
    this.range = [from, to];
    if (!this.plot) this.plot = new uPlot(this.options(), data, this.place);
    else this.plot.setData(data);
  }

  options() {
    const colour = (name) => getComputedStyle(this.place).getPropertyValue(name).trim();
    const axis = {
      stroke: () => colour("--quiet"), font: "12px system-ui, sans-serif",
      grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false },
    };
    const edge = { stroke: "transparent", points: { show: false } };
    return {
      ...this.size(),
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      scales: {
        x: { range: () => (this.range[0] < this.range[1] ? this.range : [this.range[0] - 30, this.range[0] + 30]) },
        y: { range: (_plot, _low, high) => [0, Math.max(1, (high ?? 0) * 1.1)] },
      },
      axes: [
        { ...axis, size: 28, space: 70, values: (_plot, ticks, _at, _space, step) => ticks.map((tick) => clock(tick, step < 60)) },
        { ...axis, size: 64, values: (_plot, ticks) => ticks.map(ms) },
      ],
      bands: [{ series: [1, 2], fill: () => colour("--band") }],
      series: [{}, edge, edge, { stroke: () => colour("--plot"), width: 1.75, points: { size: 4 }, spanGaps: false }],
      hooks: {
        draw: [(plot) => this.missed(plot, colour("--bar-bad"))],
        setCursor: [(plot) => this.point(plot.cursor.idx === null || plot.cursor.left < 0 ? null : this.rows[plot.cursor.idx])],
      },
    };
  }

  /** Mark at the foot where rounds did not pass: those have no latency. */
  missed(plot, colour) {
    const { ctx, bbox } = plot;
    const size = 6 * devicePixelRatio;
    ctx.fillStyle = colour;
    this.rows.forEach((row, at) => {
      if (!row[5]) return;
      const x = plot.valToPos(plot.data[0][at], "x", true);
      ctx.fillRect(x - size / 4, bbox.top + bbox.height - 2 * size, size / 2, 2 * size);
    });
  }
}
