// The token, asked of whoever wants to act, or to read where reading takes one.

import { keep, token } from "./api.js";
import { h } from "./dom.js";

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
