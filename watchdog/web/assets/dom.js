// Elements from values. Text is always text: nothing that a service said is ever read as HTML.

import { span } from "./words.js";

/** Return an element; attributes that are null or false are left out. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Return how long something has lasted that began *seconds* before *at* (ms); it goes on. */
export function lasting(seconds, at) {
  const element = h("span", { class: "quiet" });
  if (seconds === null) return element;
  element.dataset.began = at - seconds * 1000;
  element.textContent = `for ${span(seconds)}`;
  return element;
}

setInterval(() => {
  for (const element of document.querySelectorAll("[data-began]")) {
    element.textContent = `for ${span((Date.now() - element.dataset.began) / 1000)}`;
  }
}, 1000);

/** Show *children* in place of what is in *parent*. */
export function show(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null));
}
