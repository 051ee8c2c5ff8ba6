// One service in depth: checks, availability, latency, incidents, and what may be done to it.

import { Refused, get, post, token } from "./api.js";
import { Plot } from "./plot.js";
import { h, lasting, show } from "./dom.js";
import { chain, notes } from "./services.js";
import { percent, span, stamp, tone } from "./words.js";

export class Service {
  constructor(main, services, name) {
    this.services = services;
    this.name = name;
    this.head = h("section", { class: "card", "aria-label": "How it stands" });
    this.days = h("section", { class: "card", "aria-label": "Availability" });
    this.took = h("section", { class: "card", "aria-label": "Latency" });
    this.incidents = h("section", { class: "card", "aria-label": "Incidents" });
    this.said = h("p", { role: "status" });
    show(main, h("p", {}, h("a", { href: "#/" }, "All services")), this.head, actions(this),
      this.days, this.took, this.incidents);
    this.draw();
    this.load();
    this.timer = setInterval(() => this.plot(), 15_000);
  }

  get path() {
    return `services/${encodeURIComponent(this.name)}`;
  }

  close() {
    clearInterval(this.timer);
    this.chart?.close();
  }

  update(names) {
    if (!names.includes(this.name)) return;
    const before = this.incident;
    this.draw();
    this.plot();
    if (before !== this.incident) this.list();
  }

  draw() {
    const service = this.services.get(this.name);
    if (!service) {
      show(this.head, h("h2", {}, this.name), h("p", {}, "There is no service of this name, or not yet."));
      return;
    }
    this.incident = service.incident?.id;
    show(this.head,
      h("div", { class: "row" },
        h("h2", {}, service.name),
        h("span", { class: `phase ${tone(service.phase)}` }, service.phase),
        lasting(service.for, service.at),
        h("span", { class: "quiet" }, service.pid ? `process ${service.pid}` : ""),
        h("span", { class: "quiet" }, `failures ${service.failures} of ${service.max_failures}`),
        h("span", { class: "quiet" }, `${service.restarts_left} restarts left`)),
      chain(service),
      h("ul", { class: "plain" }, service.checks.map((check) =>
        h("li", { class: "quiet reason" }, `${check.check}: ${check.reason}`))),
      service.reason ? h("p", { class: "reason bad" }, service.reason) : null,
      notes(service));
  }

  async load() {
    await Promise.all([this.availability(), this.plot(), this.list()]);
  }

  async availability() {
    await this.into(this.days, "Availability", async () => {
      const found = await get(`${this.path}/availability?days=90`);
      const watched = found.days.filter((day) => day.up + day.down > 0).length;
      return [
        h("p", {}, `${percent(found.availability)} of the time watched in 90 days (${watched} with records), `,
          `${found.incidents} incidents`, found.mttr ? `, ${span(found.mttr)} to recover on average` : ""),
        h("div", { class: "bars", role: "img",
                   "aria-label": `Ninety days: ${found.days.filter((day) => day.down).length} with an outage` },
          found.days.map((day) => h("span", { class: kind(day), title: words(day) }))),
        h("p", { class: "quiet" }, `${found.days[0].day} to ${found.days.at(-1).day}`),
      ];
    });
  }

  async plot() {
    try {
      const { rows } = await get(`${this.path}/latency`);
      if (!this.chart) {
        this.place = h("div", { class: "plot" });
        show(this.took, h("h2", {}, "Latency"), this.place, this.note = h("p", { class: "quiet" }));
        this.chart = new Plot(this.place);
      }
      await this.chart.draw(rows);
      const missing = rows.filter(([, took]) => took === null).length;
      this.note.textContent = `the last ${rows.length} rounds` + (missing ? `, ${missing} did not pass` : "");
    } catch (error) {
      if (!(error instanceof Refused) && !(error instanceof TypeError)) throw error;
    }
  }

  async list() {
    await this.into(this.incidents, "Incidents", async () => {
      const found = await get(`incidents?limit=20&service=${encodeURIComponent(this.name)}`);
      if (!found.incidents.length) return [h("p", { class: "quiet" }, "none on record")];
      return [h("ul", { class: "plain" }, found.incidents.map((each) =>
        h("li", {}, h("a", { href: `#/incident/${each.id}` }, each.id), ` ${stamp(each.opened)} `,
          h("span", { class: each.closed ? "quiet" : "bad" }, each.closed ? `lasted ${span(each.closed - each.opened)}` : "open"),
          h("span", { class: "reason" }, `: ${each.reason}`))))];
    });
  }

  async into(section, title, ask) {
    try {
      show(section, h("h2", {}, title), ...(await ask()));
    } catch (error) {
      show(section, h("h2", {}, title), h("p", { class: "bad" }, error.message));
    }
  }
}

const kind = (day) => (day.down ? "down" : day.up ? "up" : "");
const words = (day) => `${day.day}: ${day.down ? `down ${span(day.down)}` : day.up ? "no outage" : "not watched"}`;

/** Return what may be done, if there is a token. */
function actions(view) {
  const act = async (call, body, question) => {
    if (question && !confirm(question)) return;
    view.said.textContent = `${call} …`;
    try {
      const service = await post(`${view.path}/${call}`, body);
      view.said.textContent = `${call}: ${service.name ?? view.name} is ${service.phase ?? "asked"}`;
    } catch (error) {
      view.said.textContent = error.message;
    }
  };
  const button = (label, call, body, question) =>
    h("button", { type: "button", onclick: () => act(call, body, question) }, label);
  if (!token()) return null;
  const reason = "asked for on the page";
  return h("section", { class: "tools", "aria-label": "What may be done" },
    button("Check now", "check", {}),
    button("Restart", "restart", {}, `Restart ${view.name}?`),
    button("Pause 30 min", "pause", { seconds: 1800, reason }, `No restarts and no alerts of ${view.name}?`),
    button("Resume", "resume", {}),
    button("Silence 1 h", "silence", { seconds: 3600, reason }),
    button("Unsilence", "unsilence", {}),
    button("Acknowledge", "ack", { reason }),
    view.said);
}
