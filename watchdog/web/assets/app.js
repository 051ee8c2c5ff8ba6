// The page: what is shown, and where news of it go.

import { follow, keep, token } from "./api.js";
import { h, show } from "./dom.js";
import { Services } from "./services.js";
import { showIncident } from "./incident.js";
import { Service } from "./service.js";

const main = document.getElementById("main");
const services = new Map();
let shown = null; // what takes news: { update(names) }

function route() {
  const [kind, name] = location.hash.slice(2).split("/").map(decodeURIComponent);
  shown?.close?.();
  if (kind === "service" && name) shown = new Service(main, services, name);
  else if (kind === "incident" && name) shown = showIncident(main, name);
  else shown = new Services(main, services);
}

function tell(kind, data) {
  if (kind === "services") for (const each of data) services.set(each.name, { ...each, at: Date.now() });
  if (kind === "gone") for (const name of data) services.delete(name);
  if (kind === "daemon") tellDaemon(data);
  if (kind !== "daemon") shown?.update?.(kind === "gone" ? data : data.map((each) => each.name));
  const broken = [...services.values()].filter((each) => each.code === 1);
  const count = `${services.size} service${services.size === 1 ? "" : "s"}`;
  const words = broken.length ? `${broken.length} of ${count} in trouble` : `${count}, no trouble`;
  const summary = document.getElementById("summary");
  if (summary.textContent !== words) summary.textContent = words;
  summary.className = broken.length ? "bad" : "good";
}

let troubles = null;
function tellDaemon(daemon) {
  document.getElementById("host").textContent = daemon.host;
  document.title = `${daemon.host}: service-watchdog`;
  document.getElementById("version").textContent = `service-watchdog ${daemon.version}`;
  const lines = [...daemon.trouble, ...daemon.warnings.map((each) => each.words)];
  troubles?.remove();
  troubles = lines.length
    ? h("section", { class: "card trouble", "aria-label": "Trouble of the watchdog itself" },
        lines.map((line) => h("p", {}, line)))
    : null;
  if (troubles) main.before(troubles);
}

function linked(reason, status) {
  document.getElementById("link").textContent = reason;
  document.body.classList.toggle("stale", Boolean(reason));
  if (status === 401) askToken(reason);
}

function askToken(reason = "") {
  if (document.querySelector("dialog[open]")) return;
  const input = h("input", { type: "password", autocomplete: "off", required: true, id: "token" });
  const done = (event) => {
    event.preventDefault();
    keep(input.value.trim());
    location.reload();
  };
  const forget = h("button", { type: "button", onclick: () => { keep(""); location.reload(); } }, "Forget it");
  const dialog = h("dialog", { "aria-label": "Token" },
    h("form", { method: "dialog", onsubmit: done },
      h("p", {}, reason || "With the token of [web] you may restart, pause and silence. It is kept for this tab."),
      h("label", { for: "token" }, "Token"), input,
      h("p", { class: "tools" }, h("button", {}, "Use it"), token() ? forget : null)));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.getElementById("key").addEventListener("click", () => askToken());
window.addEventListener("hashchange", () => {
  route();
  main.focus();
});
show(main, h("p", { class: "quiet" }, "Loading …"));
route();
follow(tell, linked);
