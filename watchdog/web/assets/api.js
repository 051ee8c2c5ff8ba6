// The daemon's API, and its events. The token is kept for this tab alone, and sent as a header: a
// cookie would be sent by other pages too.

const root = new URL("api/v1/", document.baseURI);
const key = "token";
const deaf = 40_000; // ms; the daemon says something every 15 s

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

async function asked(path, how = {}) {
  try {
    return await fetch(new URL(path, root), { headers: headers(), cache: "no-store", ...how });
  } catch (error) {
    if (error instanceof TypeError) throw new Refused(0, "the daemon does not answer");
    throw error;
  }
}

export const get = async (path) => answered(await asked(path));

export const post = async (path, body) => answered(await asked(path, {
  method: "POST",
  headers: { ...headers(), "Content-Type": "application/json" },
  body: JSON.stringify(body),
}));

/** Call *tell(kind, data)* for each event, for ever; *linked(reason, status)*: how the link stands. */
export async function follow(tell, linked) {
  let pause = 250;
  for (;;) {
    const link = new AbortController();
    try {
      const response = await asked("events", { signal: link.signal });
      if (!response.ok) await answered(response);
      linked("");
      pause = 250;
      await read(response.body.pipeThrough(new TextDecoderStream()).getReader(), tell, () => link.abort());
      linked("The connection to the daemon is lost");
    } catch (error) {
      linked(error instanceof Refused && error.status ? error.message : "The daemon does not answer", error.status);
    }
    await rested(pause);
    pause = Math.min(pause * 2, 10_000);
  }
}

/** Return after *pause* ms, or as soon as there is hope: a network, or somebody who looks. */
function rested(pause) {
  return new Promise((done) => {
    const over = new AbortController();
    const end = () => { over.abort(); clearTimeout(timer); done(); };
    const timer = setTimeout(end, pause);
    addEventListener("online", end, { signal: over.signal });
    document.addEventListener("visibilitychange", () => document.hidden || end(), { signal: over.signal });
  });
}

async function read(reader, tell, abort) {
  let rest = "";
  for (;;) {
    const timer = setTimeout(abort, deaf); // a computer that slept hears of no end
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
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
