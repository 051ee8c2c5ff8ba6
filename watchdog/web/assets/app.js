// The page: what is shown, and where news of it go.

import { follow } from "./api.js";
import { askToken, takeAccess } from "./access.js";
import { h, put } from "./dom.js";
import { showIncident, showIncidents } from "./incident.js";
import { Service } from "./service.js";
import { Services } from "./services.js";
import { clock, isTroubled, many } from "./words.js";

const main = document.getElementById("main");
const services = new Map();
let shown = null; // what takes news: { update(names) }
let host = "service-watchdog";

function route() {
  const [kind, name] = location.hash.slice(2).split("/").map(decoded);
  shown?.close?.();
  if (kind === "service" && name) shown = new Service(main, services, name);
  else if (kind === "incident" && name) shown = showIncident(main, name);
  else if (kind === "incidents") shown = showIncidents(main);
  else shown = new Services(main, services);
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.hash === (kind?.startsWith("incident") ? "#/incidents" : "#/");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function tell(kind, data) {
  heard = Date.now();
  if (kind === "daemon") return tellDaemon(data);
  if (kind === "access") {
    takeAccess(data);
    return shown?.suit?.();
  }
  let names = [];
  if (kind === "services") {
    for (const each of data) services.set(each.name, { ...each, at: Date.now() });
    names = data.map((each) => each.name);
  }
  if (kind === "names") {
    const there = new Set(data);
    names = [...services.keys()].filter((name) => !there.has(name));
    for (const name of names) services.delete(name);
  }
  shown?.update?.(names);
  sumUp();
}

function sumUp() {
  const broken = [...services.values()].filter(isTroubled).length;
  const count = many(services.size, "service");
  const summary = document.getElementById("summary");
  put(summary, broken ? `${broken} of ${count} in trouble` : `${count}, no trouble`);
  summary.className = broken ? "bad" : "good";
  summary.dataset.sign = broken ? "✗" : "✓";
  document.title = `${broken ? `(${broken}) ` : ""}${host}: service-watchdog`;
  const icon = broken ? "assets/icon-bad.svg" : "assets/icon.svg";
  const link = document.getElementById("icon");
  if (link.getAttribute("href") !== icon) link.setAttribute("href", icon);
}

let troubles = null;
let version = null;
function tellDaemon(daemon) {
  if (version !== null && version !== daemon.version) location.reload(); // it has a page of its own
  ({ host, version } = daemon);
  put(document.getElementById("host"), host);
  put(document.getElementById("version"), `service-watchdog ${version}`);
  const lines = [...daemon.trouble, ...daemon.warnings.map((each) => each.words)];
  troubles?.remove();
  troubles = lines.length
    ? h("section", { class: "card trouble", "aria-label": "Trouble of the watchdog itself" },
        lines.map((line) => h("p", { class: "reason" }, line)))
    : null;
  if (troubles) main.before(troubles);
}

let heard = null;
function linked(reason, status) {
  const note = document.getElementById("link");
  const old = heard ? ` What you see is as of ${clock(heard / 1000)}.` : "";
  if (reason) put(note, `${reason}; trying again.${old}`);
  note.hidden = !reason;
  document.body.classList.toggle("stale", Boolean(reason));
  if (status === 401) askToken(reason);
  if (!reason && heard) shown?.again?.();
}

document.getElementById("key").addEventListener("click", () => askToken());
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // what follows # says what is shown
  main.focus();
});
window.addEventListener("hashchange", () => {
  route();
  scrollTo(0, 0);
  main.focus({ preventScroll: true });
});
route();
follow(tell, linked);
