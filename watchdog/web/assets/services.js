// The list of all services, those in trouble first.

import { chain, incidentName, notes, state } from "./parts.js";
import { h, mend, order, put, show } from "./dom.js";
import { isTroubled, many } from "./words.js";

const byCode = { 3: 1, 4: 2, 0: 4 }; // exit codes: not to be asked, busy, fine
const rank = (each) => (isTroubled(each) ? 0 : each.incident && each.code === 0 ? 3 : byCode[each.code]);
const some = 100; // services shown at first, and each time more are asked for

const groups = {
  all: ["All", () => true],
  trouble: ["In trouble", isTroubled],
  busy: ["Under way", (each) => !isTroubled(each) && each.code !== 0 && !each.maintenance],
  quiet: ["Paused or silenced", (each) => Boolean(each.maintenance || each.silence)],
  warned: ["Warned of", (each) => each.warnings.length > 0],
  fine: ["Healthy", (each) => each.code === 0],
};
const wanted = { text: "", group: "all" }; // for as long as the page is open

export class Services {
  constructor(main, services) {
    this.services = services;
    this.items = new Map();
    this.stale = new Set(); // names with news since they were drawn
    this.limit = some;
    this.filter = h("input", { type: "search", id: "filter", placeholder: "Name or phase", oninput: () => this.seek() });
    this.filter.value = wanted.text;
    this.chips = Object.fromEntries(Object.entries(groups).map(([key, [label]]) => [key, this.chip(key, label)]));
    this.list = h("ul", { class: "services", "aria-label": "Services" });
    this.none = h("p", { class: "empty" });
    this.more = h("button", { type: "button", onclick: () => { this.limit += some; this.draw(); } });
    show(main,
      h("div", { class: "tools" },
        h("label", { for: "filter" }, "Filter"), this.filter,
        h("fieldset", { class: "chips" }, h("legend", {}, "Show"), Object.values(this.chips).map((each) => each.label))),
      this.list, this.none, this.more);
    this.draw();
  }

  chip(key, label) {
    const count = h("span", { class: "count" });
    const input = h("input", { type: "radio", name: "group", value: key, onchange: () => this.seek() });
    input.checked = wanted.group === key;
    return { input, count, label: h("label", {}, input, h("span", {}, `${label} `, count)) };
  }

  seek() {
    wanted.text = this.filter.value.trim().toLowerCase();
    wanted.group = Object.values(this.chips).find((each) => each.input.checked).input.value;
    this.limit = some;
    this.draw();
  }

  /** Draw soon; news that come together are drawn together. */
  update(names) {
    for (const name of names) this.stale.add(name);
    this.due ??= requestAnimationFrame(() => this.draw());
  }

  close() {
    cancelAnimationFrame(this.due);
  }

  draw() {
    this.due = undefined;
    const all = [...this.services.values()];
    for (const [key, { count, label, input }] of Object.entries(this.chips)) {
      const found = all.filter(groups[key][1]).length;
      put(count, String(found));
      label.hidden = !found && key !== "all" && !input.checked;
    }
    const found = all
      .filter((each) => `${each.name} ${each.phase}`.toLowerCase().includes(wanted.text))
      .filter(groups[wanted.group][1])
      .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    const shown = found.slice(0, this.limit);
    const focused = document.activeElement;
    order(this.list, shown.map((each) => this.item(each)));
    if (focused !== document.activeElement && this.list.contains(focused)) focused.focus({ preventScroll: true });
    this.stale.clear();
    for (const name of this.items.keys()) if (!this.services.has(name)) this.items.delete(name);
    this.none.hidden = found.length > 0;
    put(this.none, all.length ? "No service is like that." : "Waiting for the daemon …");
    this.more.hidden = found.length <= this.limit;
    put(this.more, `Show ${Math.min(some, found.length - this.limit)} more of ${found.length - this.limit}`);
  }

  item(service) {
    const known = this.items.get(service.name);
    if (known && !this.stale.has(service.name)) return known;
    const fresh = row(service, known && known.dataset.phase !== service.phase);
    if (known) mend(known, fresh);
    else this.items.set(service.name, fresh);
    return this.items.get(service.name);
  }
}

function row(service, isNew) {
  const [tone] = state(service.phase);
  return h("li", { class: `${tone}-edge${isNew ? " new" : ""}`, "data-phase": service.phase },
    h("div", { class: "line" },
      h("h2", {}, h("a", { href: `#/service/${encodeURIComponent(service.name)}` }, service.name)),
      chain(service),
      h("p", { class: "stands" }, ...standing(service))),
    service.reason ? h("p", { class: "reason bad" }, service.reason) : null,
    isTroubled(service) || service.incident
      ? h("p", { class: "facts" },
          service.incident ? h("a", { href: `#/incident/${service.incident.id}` }, incidentName(service.incident)) : null,
          h("span", {}, `${many(service.failures, "failure")} in a row`),
          h("span", {}, `${many(service.restarts_left, "restart")} left`))
      : null,
    notes(service));
}

function standing(service) {
  const [, badge, since] = state(service.phase, service);
  return [badge, " ", since];
}
