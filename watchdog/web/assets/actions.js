// What may be done to a service by whoever may act; only what suits how it stands is there.

import { post } from "./api.js";
import { h, put } from "./dom.js";

const spans = [["15 min", 900], ["30 min", 1800], ["1 h", 3600], ["4 h", 14_400], ["1 day", 86_400]];

export class Actions {
  constructor(path, name) {
    this.path = path;
    this.name = name;
    this.said = h("p", { role: "status", class: "note-line" });
    this.span = h("select", { id: "span" }, spans.map(([words, seconds]) => h("option", { value: seconds }, words)));
    this.span.value = "1800";
    this.reason = h("input", { id: "reason", placeholder: "for those who wonder later", maxlength: 200 });
    const why = () => ({ reason: this.reason.value.trim() || "asked for on the page" });
    const held = () => ({ ...why(), seconds: Number(this.span.value) });
    this.buttons = {
      check: this.button("Check now", () => this.act("check", {})),
      restart: this.button("Restart", () => confirm(`Restart ${name}?`) && this.act("restart", {})),
      ack: this.button("Acknowledge", () => this.act("ack", why())),
      pause: this.button("Pause", () => this.act("pause", held())),
      silence: this.button("Silence", () => this.act("silence", held())),
      resume: this.button("Resume", () => this.act("resume", {})),
      unsilence: this.button("Unsilence", () => this.act("unsilence", {})),
    };
    const { check, restart, ack, pause, silence, resume, unsilence } = this.buttons;
    this.place = h("section", { class: "card", "aria-label": "What may be done" },
      h("div", { class: "tools" }, check, restart, ack, resume, unsilence),
      h("div", { class: "tools" },
        h("span", { class: "pair" }, h("label", { for: "span" }, "For"), this.span),
        h("span", { class: "pair wide" }, h("label", { for: "reason" }, "Reason"), this.reason), pause, silence),
      h("p", { class: "quiet" }, "Paused: no restarts and no alerts. Silenced: restarts, no alerts."),
      this.said);
  }

  button(label, act) {
    return h("button", { type: "button", onclick: act }, label);
  }

  /** Offer what suits how *service* stands, if it is there; what has just been pressed stays where it is. */
  suit(service) {
    this.place.hidden = !service;
    const suits = {
      ack: Boolean(service?.incident), resume: Boolean(service?.maintenance), unsilence: Boolean(service?.silence),
    };
    for (const [call, button] of Object.entries(this.buttons)) {
      const isGone = suits[call] === false;
      if (isGone && button === document.activeElement) this.buttons.check.focus();
      button.hidden = isGone;
    }
  }

  async act(call, body) {
    put(this.said, `${call} …`);
    try {
      const answer = await post(`${this.path}/${call}`, body);
      const [service] = answer.services ?? [answer];
      put(this.said, `${call}: ${this.name} is ${service.phase}`);
    } catch (error) {
      put(this.said, error.message);
    }
  }
}
