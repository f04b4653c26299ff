/**
 * Takes a whole exam without a browser: `node dist/clients/web/runner.js API_URL [options]`.
 *
 *   --user ID       X-User-Id, for an API process without auth; also with API_SERVICE_TOKEN in the environment
 *   --track NAME    scientific or literary
 *   --cut-after N   break the event stream's connection after every N events, to test the reconnection
 *
 * Prints the result as one JSON object.
 */

import { parseArgs } from "node:util";
import { ApiError, TafawoqClient } from "../../clients/typescript/src/index.js";
import { Exam } from "./exam.js";

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
const seen = { bodies: "", reconnects: 0, streams: 0, joined: 0 };

function headers(): Record<string, string> {
  const token = process.env["API_SERVICE_TOKEN"];
  return {
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    ...(values.user === undefined ? {} : { "X-User-Id": values.user }),
  };
}

/** fetch that records every body, and breaks streams when --cut-after says so. */
async function recordingFetch(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
  const broken = new AbortController();
  const signal = AbortSignal.any([broken.signal, ...(init?.signal ? [init.signal] : [])]);
  const response = await fetch(url, { ...init, signal });
  const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream") === true;
  if (!isStream) {
    seen.bodies += await response.clone().text();
    return response;
  }
  seen.streams += 1;
  return new Response(response.body!.pipeThrough(breaking(broken)), response);
}

function breaking(connection: AbortController): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let events = 0;
  return new TransformStream({
    transform(chunk, controller) {
      const text = decoder.decode(chunk, { stream: true });
      seen.bodies += text;
      events += text.split("\nevent: ").length - 1;
      controller.enqueue(chunk);
      if (cutAfter > 0 && events >= cutAfter) connection.abort(new Error("cut"));
    },
  });
}

/** The first call waits for the batch that is being written; the other tab's gets 409, and follows the events. */
async function askFirst(client: TafawoqClient, sessionId: string): Promise<void> {
  await client.exams.ask(sessionId, 0).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.code !== "generation_in_progress") throw error;
    seen.joined += 1;
  });
}

async function main(): Promise<void> {
  const client = new TafawoqClient({ baseUrl, headers, fetch: recordingFetch });
  const wanted = { track: values.track as "scientific" | "literary" };
  const idempotencyKey = crypto.randomUUID();
  const session = await client.exams.create(wanted, { idempotencyKey, waitS: 0 });
  const again = await client.exams.create(wanted, { idempotencyKey, waitS: 0 }); // a double click
  const inTwoTabs = Promise.all([askFirst(client, session.id), askFirst(client, session.id)]);
  const exam = new Exam(client, session, (notice) => void (seen.reconnects += Number(notice === "reconnecting")));
  const following = exam.follow();
  const order: number[] = [];
  for (let index = 0; index < exam.total; index += 1) order.push((await exam.reach(index)).index);
  const batch = await client.exams.batch(session.id, 0); // a finished batch is returned and not written again
  exam.stop();
  await Promise.all([following, inTwoTabs]);
  report(session.id, again.id, order, batch.meta.cacheHit);
}

function report(sessionId: string, secondId: string, order: number[], cacheHit: boolean): void {
  const { bodies, ...counted } = seen;
  const leaks = ["answerIndex", "explanation", "worked", "fingerprint"].filter((word) => bodies.includes(`"${word}`));
  console.log(JSON.stringify({ sessionId, sameSession: sessionId === secondId, order, cacheHit, leaks, ...counted }));
}

await main();
