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
  if (seconds === null) return h("span", { class: "quiet" });
  const began = at - seconds * 1000;
  return h("span", { class: "quiet", "data-began": began }, since(began));
}

/** Return how much longer something lasts that ends *seconds* after *at* (ms). */
export function left(seconds, at) {
  const ends = at + seconds * 1000;
  return h("span", { "data-ends": ends }, until(ends));
}

const since = (began) => `for ${span((Date.now() - began) / 1000)}`;
const until = (ends) => `${span((ends - Date.now()) / 1000)} more`;

setInterval(() => {
  if (document.body.classList.contains("stale")) return; // nobody knows whether it goes on
  for (const each of document.querySelectorAll("[data-began]")) put(each, since(each.dataset.began));
  for (const each of document.querySelectorAll("[data-ends]")) put(each, until(each.dataset.ends));
}, 1000);

/** Give *element* this text, if it has another one. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Show *children* in place of what is in *parent*. */
export function show(parent, ...children) {
  parent.replaceChildren(...children.flat().filter((child) => child !== null));
}

/** Make *old* like *fresh* and keep what is alike: what is focused or pressed stays so. */
export function mend(old, fresh) {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const before = [...old.childNodes];
  const after = [...fresh.childNodes];
  after.forEach((node, at) => {
    const known = before[at];
    if (known === undefined) old.append(node);
    else if (known.nodeName !== node.nodeName) known.replaceWith(node);
    else if (node.nodeType === Node.TEXT_NODE) {
      if (known.data !== node.data) known.data = node.data;
    } else mend(known, node);
  });
  for (const node of before.slice(after.length)) node.remove();
}

/** Have *parent* contain *nodes* in this order; those at their place are not touched. */
export function order(parent, nodes) {
  let next = parent.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}
