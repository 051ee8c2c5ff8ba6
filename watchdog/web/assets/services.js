// The list of all services, those in trouble first.

import { h, lasting, show } from "./dom.js";
import { ms, sign, span, tone, verdictTone } from "./words.js";

const order = { 1: 0, 3: 1, 4: 2, 0: 3 }; // by exit code: broken, unasked, busy, fine
const page = 200; // services shown at first

export class Services {
  constructor(main, services) {
    this.services = services;
    this.items = new Map();
    this.phases = new Map();
    this.limit = page;
    this.filter = h("input", { type: "search", id: "filter", oninput: () => this.draw() });
    this.list = h("ul", { class: "services" });
    this.more = h("button", { type: "button", onclick: () => { this.limit += page; this.draw(); } });
    show(main,
      h("div", { class: "tools" }, h("label", { for: "filter" }, "Filter"), this.filter),
      this.list, this.more);
    this.draw();
  }

  update(names) {
    for (const name of names) this.items.delete(name);
    this.draw();
  }

  draw() {
    const wanted = this.filter.value.toLowerCase();
    const found = [...this.services.values()]
      .filter((each) => `${each.name} ${each.phase}`.toLowerCase().includes(wanted))
      .sort((a, b) => order[a.code] - order[b.code] || a.name.localeCompare(b.name));
    const shown = found.slice(0, this.limit).map((each) => {
      if (!this.items.has(each.name)) {
        const before = this.phases.get(each.name);
        this.phases.set(each.name, each.phase);
        this.items.set(each.name, item(each, before !== undefined && before !== each.phase));
      }
      return this.items.get(each.name);
    });
    const focused = document.activeElement?.closest?.("li")?.dataset.name;
    if (shown.length !== this.list.children.length || shown.some((each, at) => each !== this.list.children[at])) {
      this.list.replaceChildren(...shown);
      if (focused) this.items.get(focused)?.querySelector("a")?.focus();
    }
    this.more.hidden = found.length <= this.limit;
    this.more.textContent = `${found.length - this.limit} more`;
  }
}

function item(service, isNew) {
  return h("li", { class: isNew ? "card new" : "card", "data-name": service.name },
    h("div", { class: "row" },
      h("h2", {}, h("a", { href: `#/service/${encodeURIComponent(service.name)}` }, service.name)),
      h("span", { class: `phase ${tone(service.phase)}` }, service.phase),
      lasting(service.for, service.at),
      h("span", { class: "quiet" }, `failures ${service.failures} of ${service.max_failures}`),
      h("span", { class: "quiet" }, `${service.restarts_left} restarts left`),
      service.incident
        ? h("a", { href: `#/incident/${service.incident.id}` }, `incident ${service.incident.id}`)
        : null),
    chain(service),
    service.reason ? h("p", { class: "reason bad" }, service.reason) : null,
    notes(service));
}

/** Return the checks of the last round in order: unit → port → http. */
export function chain(service) {
  return h("ol", { class: "chain", "aria-label": `Checks of ${service.name}` },
    service.checks.map((check) => {
      const [mark, words] = sign(check.verdict);
      return h("li", { title: check.reason },
        `${check.check} `,
        h("span", { class: verdictTone(check.verdict), "aria-label": words, role: "img" }, mark),
        h("span", { class: "quiet" }, ` ${ms(check.ms)}`));
    }));
}

/** Return who has paused or silenced it, and what it is warned of. */
export function notes(service) {
  const by = (what, it) => `${what} by ${it.owner} for ${span(it.ends_in)} more: ${it.reason}`;
  return [
    service.maintenance ? h("p", { class: "busy" }, by("paused", service.maintenance)) : null,
    service.silence ? h("p", { class: "busy" }, by("silenced", service.silence)) : null,
    ...service.warnings.map((each) => h("p", { class: "busy" }, `warning: ${each.words}`)),
  ];
}
