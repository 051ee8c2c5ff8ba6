// Incidents: the latest of all, and one in full: what happened when, what was seen, who was told.

import { get } from "./api.js";
import { h, show } from "./dom.js";
import { span, stamp } from "./words.js";

const toService = (name) => `#/service/${encodeURIComponent(name)}`;

/** Return a list of incidents; *named*: with their services. */
export function incidentRows(incidents, named = true) {
  if (!incidents.length) return [h("p", { class: "empty" }, "None on record.")];
  return [h("ul", { class: "plain incidents" }, incidents.map((each) =>
    h("li", { class: each.closed ? "" : "bad-edge" },
      h("p", { class: "facts" },
        h("a", { href: `#/incident/${each.id}` }, each.id),
        named ? h("a", { href: toService(each.service) }, each.service) : null,
        h("span", {}, stamp(each.opened)),
        each.closed
          ? h("span", {}, `lasted ${span(each.closed - each.opened)}`)
          : h("span", { class: "phase bad", "data-sign": "✗" }, "open")),
      h("p", { class: "reason" }, each.reason))))];
}

/** Show the latest incidents of all services in *main*. */
export function showIncidents(main) {
  const place = h("section", { class: "card", "aria-label": "Incidents" });
  show(main, place);
  const titled = (...children) => show(place, h("h2", {}, "Latest incidents"), ...children);
  return shown("incidents?limit=100", (found) => titled(...incidentRows(found.incidents)),
    (error) => titled(h("p", { class: "bad" }, error.message)));
}

/** Show the incident *id* in *main*. */
export function showIncident(main, id) {
  const place = h("div");
  show(main, h("p", { class: "path" }, h("a", { href: "#/incidents" }, "All incidents")), place);
  return shown(`incidents/${encodeURIComponent(id)}`, (found) => draw(place, found.incident),
    (error) => show(place, h("p", { class: "bad" }, error.message)));
}

/** Draw *path* now, and again when it has changed: what somebody reads or copies stands still. */
function shown(path, drawn, failed) {
  let timer = null;
  let last = null;
  let closed = false;
  const look = async () => {
    timer = null;
    const [found, error] = await get(path).then((got) => [got, null], (why) => [null, why]);
    const told = error ? error.message : JSON.stringify(found);
    if (closed || told === last) return;
    last = told;
    if (error) failed(error);
    else drawn(found);
  };
  look();
  return {
    update: () => { timer ??= setTimeout(look, 2000); },
    again: look,
    close: () => { closed = true; clearTimeout(timer); },
  };
}

function draw(place, incident) {
  const open = place.querySelector("pre")?.scrollTop ?? 0;
  show(place,
    h("section", { class: `card ${incident.closed ? "good" : "bad"}-edge` },
      h("div", { class: "line" }, h("h2", {}, `Incident ${incident.id}`),
        h("p", { class: "stands" }, h("span", {
          class: `phase ${incident.closed ? "good" : "bad"}`, "data-sign": incident.closed ? "✓" : "✗",
        }, incident.closed ? "over" : "open"))),
      h("p", { class: "reason" }, incident.reason),
      h("p", { class: "facts" }, h("a", { href: toService(incident.service) }, incident.service),
        h("span", {}, `since ${stamp(incident.opened)}`),
        incident.closed ? h("span", {}, `lasted ${span(incident.lasted ?? incident.closed - incident.opened)}`) : null),
      incident.ending ? h("p", {}, incident.ending) : null),
    h("section", { class: "card", "aria-label": "Timeline" },
      h("h2", {}, "Timeline"),
      h("ol", { class: "events" }, incident.notes.map((note) =>
        h("li", {}, h("span", { class: "quiet number" }, stamp(note.wall)),
          h("span", { class: "reason" }, h("strong", {}, note.kind), ` ${note.text}`))))),
    incident.evidence.length
      ? h("section", { class: "card", "aria-label": "Evidence" },
          h("h2", {}, "Evidence"), h("pre", { tabindex: "0" }, incident.evidence.join("\n")))
      : null,
    incident.alerts.length
      ? h("section", { class: "card", "aria-label": "Who was told" },
          h("h2", {}, "Who was told"),
          h("ol", { class: "events" }, incident.alerts.map((told) =>
            h("li", {}, h("span", { class: "quiet number" }, stamp(told.ended ?? told.made)),
              h("span", { class: "reason" }, `${told.kind} to ${told.destination}: ${told.status}${told.error ? ` (${told.error})` : ""}`)))))
      : null);
  if (open) place.querySelector("pre").scrollTop = open;
}
