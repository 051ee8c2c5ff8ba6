// The token, asked of whoever wants to act, or to read where reading takes one; what it is good for.

import { keep, token } from "./api.js";
import { h, put } from "./dom.js";

let acts = false;

/** Tell whether to offer what acts: the daemon says so, for it would refuse a token that only reads. */
export const mayAct = () => acts;

/** Take the daemon's word on what may be done from here. */
export function takeAccess(access) {
  ({ acts } = access);
  const words = acts ? "Change token" : "Change token: this one only reads";
  put(document.getElementById("key"), token() ? words : "Enter token");
}

/** Ask for the token; *reason*: why it is needed. */
export function askToken(reason = "") {
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
      h("p", { class: "tools" }, h("button", { class: "first" }, "Use it"), token() ? forget : null,
        h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
