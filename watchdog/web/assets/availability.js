// Ninety days as bars: their height tells as much as their colour.

import { h } from "./dom.js";
import { many, percent, span } from "./words.js";

/** Return what is shown of an answer of the API. */
export function availability(found) {
  const bad = found.days.filter((day) => day.down);
  const watched = found.days.filter((day) => day.up + day.down > 0).length;
  return [
    h("p", { class: "facts" },
      h("strong", {}, percent(found.availability)),
      h("span", {}, many(found.incidents, "incident")),
      found.mttr ? h("span", {}, `${span(found.mttr)} to recover on average`) : null,
      h("span", {}, `${many(watched, "day")} on record`)),
    h("div", { class: "bars", role: "img", "aria-label": `Ninety days, ${many(bad.length, "day")} with an outage` },
      found.days.map((day) => h("span", { class: kind(day), title: words(day) }))),
    h("p", { class: "ends quiet" }, h("span", {}, found.days[0].day), h("span", {}, "today")),
    bad.length
      ? h("details", {}, h("summary", {}, `${many(bad.length, "day")} with an outage`),
          h("ul", { class: "plain" }, bad.reverse().map((day) => h("li", {}, words(day)))))
      : null,
  ];
}

const kind = (day) => (day.down ? "down" : day.up ? "up" : "");
const words = (day) => `${day.day}: ${day.down ? `down ${span(Math.max(1, day.down))}` : day.up ? "no outage" : "not watched"}`;
