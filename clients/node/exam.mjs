/**
 * Takes a whole exam without a browser: `node exam.mjs API_URL [options]`.
 *
 *   --user ID       X-User-Id, for an API process without auth; also with API_SERVICE_TOKEN in the environment
 *   --track NAME    scientific or literary
 *   --cut-after N   break the event stream's connection after every N events, to test the reconnection
 *
 * Prints the result as one JSON object.
 */

import { parseArgs } from "node:util";
import { ApiError, LiveSession, TafawoqClient, memoryStore } from "../typescript/dist/index.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    user: { type: "string" },
    track: { type: "string", default: "scientific" },
    "cut-after": { type: "string", default: "0" },
  },
});
const baseUrl = positionals[0] ?? "http://127.0.0.1:8000";
const cutAfter = Number(values["cut-after"]);
const seen = { bodies: "", streams: 0, cuts: 0, joined: 0 };

function headers() {
  const token = process.env.API_SERVICE_TOKEN;
  return {
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(values.user === undefined ? {} : { "X-User-Id": values.user }),
  };
}

/** fetch that records every body, and breaks streams when --cut-after says so. */
async function recordingFetch(url, init) {
  const broken = new AbortController();
  const signal = AbortSignal.any([broken.signal, ...(init?.signal ? [init.signal] : [])]);
  const response = await fetch(url, { ...init, signal });
  if (response.headers.get("Content-Type")?.startsWith("text/event-stream") !== true) {
    seen.bodies += await response.clone().text();
    return response;
  }
  seen.streams += 1;
  return new Response(response.body.pipeThrough(breaking(broken)), response);
}

/** Passes a stream on event by event, whatever the network sends at once, and breaks it behind the last one allowed. */
function breaking(connection) {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = "";
  let events = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const text = decoder.decode(chunk, { stream: true });
      seen.bodies += text;
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        controller.enqueue(encoder.encode(`${block}\n\n`));
        events += block.includes("\nevent: ") ? 1 : 0;
        if (cutAfter > 0 && events >= cutAfter) return cut();
      }
    },
  });

  function cut() {
    seen.cuts += 1;
    connection.abort(new Error("cut"));
  }
}

/** The first call waits for the batch that is being written; the other tab's gets 409, and follows the events. */
async function askFirst(client, sessionId) {
  await client.exams.ask(sessionId, 0).catch((error) => {
    if (!(error instanceof ApiError) || error.code !== "generation_in_progress") throw error;
    seen.joined += 1;
  });
}

/** The state as soon as it is so; rejects when something has failed for good. */
function when(live, isSo) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const state = live.getState();
      if (state.problem && state.problem.retryAt === undefined) reject(state.problem.error);
      else if (isSo(state)) resolve(state);
      else return;
      forget();
    };
    const forget = live.subscribe(look);
    look();
  });
}

/** The positions of the questions, in the order in which they were read. */
async function read(live) {
  const order = [];
  const { total } = await when(live, ({ session }) => session !== undefined);
  for (let index = 0; index < total; index += 1) {
    live.goTo(index);
    order.push((await when(live, ({ question }) => question?.index === index)).question.index);
  }
  return order;
}

async function main() {
  const client = new TafawoqClient({ baseUrl, headers, fetch: recordingFetch });
  const wanted = { track: values.track };
  const idempotencyKey = crypto.randomUUID();
  const session = await client.exams.create(wanted, { idempotencyKey, waitS: 0 });
  const again = await client.exams.create(wanted, { idempotencyKey, waitS: 0 }); // a double click
  const inTwoTabs = Promise.all([askFirst(client, session.id), askFirst(client, session.id)]);
  const live = new LiveSession(client.exams, session.id, { store: memoryStore() });
  let reconnects = 0;
  let before = "connecting";
  live.subscribe(() => {
    const { connection } = live.getState();
    if (before === "lost" && connection === "open") reconnects += 1;
    before = connection;
  });
  const stop = live.start();
  const order = await read(live);
  const batch = await client.exams.batch(session.id, 0); // a finished batch is returned and not written again
  stop();
  await inTwoTabs;
  report(session.id, again.id, order, batch.meta.cacheHit, reconnects);
}

function report(sessionId, secondId, order, cacheHit, reconnects) {
  const { bodies, ...counted } = seen;
  const leaks = ["answerIndex", "explanation", "worked", "fingerprint"].filter((word) => bodies.includes(`"${word}`));
  console.log(JSON.stringify({ sessionId, sameSession: sessionId === secondId, order, cacheHit, leaks, reconnects, ...counted }));
}

await main();
