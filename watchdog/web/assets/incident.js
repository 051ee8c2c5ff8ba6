// An incident in full: what happened when, what was seen, who was told.

import { get } from "./api.js";
import { h, show } from "./dom.js";
import { span, stamp } from "./words.js";

/** Show the incident *id* in *main*. */
export function showIncident(main, id) {
  const load = async () => {
    try {
      draw(main, (await get(`incidents/${encodeURIComponent(id)}`)).incident);
    } catch (error) {
      show(main, h("p", {}, h("a", { href: "#/" }, "All services")), h("p", { class: "bad" }, error.message));
    }
  };
  load();
  return { update: load };
}

function draw(main, incident) {
  const service = `#/service/${encodeURIComponent(incident.service)}`;
  show(main,
    h("p", {}, h("a", { href: "#/" }, "All services"), " / ", h("a", { href: service }, incident.service)),
    h("section", { class: "card" },
      h("h2", {}, `Incident ${incident.id}`),
      h("p", { class: "reason" }, incident.reason),
      h("p", {}, `${stamp(incident.opened)}, `,
        incident.closed ? `lasted ${span(incident.lasted ?? incident.closed - incident.opened)}` : "open"),
      incident.ending ? h("p", {}, incident.ending) : null),
    h("section", { class: "card", "aria-label": "Timeline" },
      h("h2", {}, "Timeline"),
      h("ol", { class: "events" }, incident.notes.map((note) =>
        h("li", {}, h("span", { class: "quiet" }, stamp(note.wall)), h("span", { class: "reason" }, h("strong", {}, note.kind), ` ${note.text}`))))),
    incident.evidence.length
      ? h("section", { class: "card", "aria-label": "Evidence" },
          h("h2", {}, "Evidence"), h("pre", { tabindex: "0" }, incident.evidence.join("\n")))
      : null,
    incident.alerts.length
      ? h("section", { class: "card", "aria-label": "Who was told" },
          h("h2", {}, "Who was told"),
          h("ol", { class: "events" }, incident.alerts.map((told) =>
            h("li", {}, h("span", { class: "quiet" }, stamp(told.ended ?? told.made)),
              `${told.kind} to ${told.destination}: ${told.status}${told.error ? ` (${told.error})` : ""}`))))
      : null);
}
