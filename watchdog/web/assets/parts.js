// What is shown of a service in the list and in depth alike.

import { h, lasting, left } from "./dom.js";
import { ms, phase, verdict } from "./words.js";

/** Return the tone of a phase, its badge and, of *service*, for how long. */
export function state(name, service = null) {
  const [tone, sign] = phase(name);
  const badge = h("span", { class: `phase ${tone}`, "data-sign": sign }, name);
  return [tone, badge, service ? lasting(service.for, service.at) : null];
}

export const incidentName = (incident) => `incident ${incident.id}${incident.flapping ? " (flapping)" : ""}`;

/** Return the checks of the last round in order: unit → port → http. */
export function chain(service) {
  return h("ol", { class: "chain", "aria-label": `Checks of ${service.name}` },
    service.checks.map((check) => {
      const [tone, sign, words] = verdict(check.verdict);
      return h("li", { title: check.reason },
        `${check.check} `,
        h("span", { class: tone, "aria-label": words, role: "img" }, sign),
        h("span", { class: "quiet" }, check.ms ? ` ${ms(check.ms)}` : ""));
    }));
}

/** Return who has paused, silenced or seen it, and what it is warned of. */
export function notes(service) {
  const by = (what, it) =>
    h("p", { class: "note" }, `${what} by ${it.owner}, `, left(it.ends_in, service.at), `: ${it.reason}`);
  const held = service.maintenance;
  const seen = service.incident?.acknowledged ?? [];
  return [
    held ? by(held.deploy ? "being deployed" : "paused", held) : null,
    held?.under ? by("paused", held.under) : null,
    service.silence ? by("silenced", service.silence) : null,
    seen.length ? h("p", { class: "note" }, `acknowledged by ${seen.join(", ")}`) : null,
    ...service.warnings.map((each) => h("p", { class: "note warned" }, `warning: ${each.words}`)),
  ];
}
