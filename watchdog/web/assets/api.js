// The daemon's API, and its events. The token is kept for this tab alone, and sent as a header: a
// cookie would be sent by other pages too.

const root = new URL("api/v1/", document.baseURI);
const key = "token";

export const token = () => sessionStorage.getItem(key);
export const keep = (value) => value ? sessionStorage.setItem(key, value) : sessionStorage.removeItem(key);

const headers = () => (token() ? { Authorization: `Bearer ${token()}` } : {});

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, body.error ?? `HTTP ${response.status}`);
  return body;
}

export const get = async (path) =>
  answered(await fetch(new URL(path, root), { headers: headers(), cache: "no-store" }));

export const post = async (path, body) =>
  answered(await fetch(new URL(path, root), {
    method: "POST",
    headers: { ...headers(), "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }));

/** Call *tell(kind, data)* for each event, for ever; *linked(reason)* says how the link stands. */
export async function follow(tell, linked) {
  for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
    try {
      const response = await fetch(new URL("events", root), { headers: headers(), cache: "no-store" });
      if (!response.ok) await answered(response);
      linked("");
      pause = 250;
      await read(response.body.pipeThrough(new TextDecoderStream()).getReader(), tell);
      linked("connection lost; trying again …");
    } catch (error) {
      linked(error.message, error.status);
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

async function read(reader, tell) {
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = Object.fromEntries(block.split("\n").map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at), line.slice(at + 1).trimStart()];
      }));
      if (event.data) tell(event.event, JSON.parse(event.data));
    }
  }
}
