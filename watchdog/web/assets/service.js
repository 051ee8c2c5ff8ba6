// One service in depth: checks, availability, latency, incidents, and what may be done to it.

import { mayAct } from "./access.js";
import { get } from "./api.js";
import { Actions } from "./actions.js";
import { availability } from "./availability.js";
import { h, left, mend, show } from "./dom.js";
import { incidentRows } from "./incident.js";
import { Latency } from "./latency.js";
import { incidentName, notes, state } from "./parts.js";
import { many, ms, verdict } from "./words.js";

export class Service {
  constructor(main, services, name) {
    this.services = services;
    this.name = name;
    this.path = `services/${encodeURIComponent(name)}`;
    this.head = h("section", { class: "card", "aria-label": "How it stands" });
    this.days = h("section", { class: "card", "aria-label": "Availability" });
    this.incidents = h("section", { class: "card", "aria-label": "Incidents" });
    this.latency = new Latency(this.path);
    this.actions = new Actions(this.path, name);
    show(main, h("p", { class: "path" }, h("a", { href: "#/" }, "All services")),
      this.head, this.actions.place, this.days, this.latency.place, this.incidents);
    this.draw();
    this.load();
  }

  close() {
    this.latency.close();
  }

  /** Ask for all of it again: there was no connection for a while. */
  again() {
    this.load();
    this.latency.load();
  }

  update(names) {
    if (!names.includes(this.name)) return;
    const before = this.incident;
    this.draw();
    this.latency.soon();
    if (before !== this.incident) this.load();
  }

  draw() {
    const service = this.services.get(this.name);
    this.incident = service?.incident?.id;
    this.suit();
    const [tone, ...children] = service ? inDepth(service) : missing(this.name);
    mend(this.head, h("section", { class: `card ${tone}-edge`, "aria-label": "How it stands" }, children));
  }

  /** Offer what may be done from here. */
  suit() {
    this.actions.suit(mayAct() ? this.services.get(this.name) : null);
  }

  load() {
    into(this.days, "Availability", async () => availability(await get(`${this.path}/availability?days=90`)));
    into(this.incidents, "Incidents", async () =>
      incidentRows((await get(`incidents?limit=20&service=${encodeURIComponent(this.name)}`)).incidents, false));
  }
}

function missing(name) {
  return ["none", h("h2", {}, name), h("p", {}, "There is no service of this name, or not yet.")];
}

function inDepth(service) {
  const [tone, badge, since] = state(service.phase, service);
  const told = service.checks.some((check) => service.reason.endsWith(check.reason));
  return [tone,
    h("div", { class: "line" }, h("h2", {}, service.name), h("p", { class: "stands" }, badge, " ", since)),
    service.reason && !told ? h("p", { class: "reason bad" }, service.reason) : null,
    h("ol", { class: "checks", "aria-label": "Checks" }, service.checks.map(check)),
    h("p", { class: "facts" },
      service.incident ? h("a", { href: `#/incident/${service.incident.id}` }, incidentName(service.incident)) : null,
      h("span", {}, `${many(service.failures, "failure")} in a row, an incident at ${service.max_failures}`),
      h("span", {}, `${many(service.restarts_left, "restart")} left`),
      service.restart_in === null ? null : h("span", {}, "next restart in ", left(service.restart_in, service.at)),
      service.pid ? h("span", {}, `process ${service.pid}`) : null),
    ...notes(service)].filter((child) => child !== null);
}

function check(each) {
  const [tone, sign, words] = verdict(each.verdict);
  return h("li", {},
    h("span", { class: `sign ${tone}`, "aria-label": words, role: "img" }, sign),
    h("strong", {}, each.check),
    h("span", { class: "quiet number" }, each.ms ? ms(each.ms) : ""),
    h("span", { class: `reason ${each.verdict === "fail" ? "bad" : ""}` }, each.reason));
}

async function into(section, title, ask) {
  try {
    show(section, h("h2", {}, title), ...(await ask()));
  } catch (error) {
    show(section, h("h2", {}, title), h("p", { class: "bad" }, error.message));
  }
}
