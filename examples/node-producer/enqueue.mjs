/**
 * Rings for a batch without the HTTP door: `REDIS_URL=... node enqueue.mjs SESSION_ID BATCH_INDEX [QUEUE]`.
 *
 * Needs nothing but Node. With a Redis client of your own it is one command: LPUSH key message.
 * The message is described in docs/queue-messages.md.
 */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";

const TASK = "generation.generate_batch";

/** The envelope that Celery reads from a list in Redis: protocol 2, a JSON body in Base64. */
export function message(sessionId, batchIndex, queue = "interactive") {
  const id = randomUUID();
  const kwargs = { session_id: sessionId, batch_index: batchIndex };
  const options = { callbacks: null, errbacks: null, chain: null, chord: null };
  return {
    body: Buffer.from(JSON.stringify([[], kwargs, options])).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: { lang: "js", task: TASK, id, root_id: id, parent_id: null, argsrepr: "()", kwargsrepr: `batch ${batchIndex}` },
    properties: {
      correlation_id: id,
      delivery_tag: randomUUID(),
      delivery_mode: 2,
      delivery_info: { exchange: "", routing_key: queue },
      priority: 0,
      body_encoding: "base64",
    },
  };
}

/** The list that workers take from: the queue's name behind the prefix that the workers were given. */
export function key(queue = "interactive", prefix = process.env.REDIS_KEY_PREFIX ?? "tafawoq:") {
  return prefix + queue;
}

/** Put a message in its queue; resolves when Redis has taken it. */
export async function enqueue(redisUrl, sessionId, batchIndex, queue = "interactive") {
  await command(redisUrl, "LPUSH", key(queue), JSON.stringify(message(sessionId, batchIndex, queue)));
}

/** One command to Redis, after logging in and choosing the database as the URL says. */
export async function command(redisUrl, ...parts) {
  const url = new URL(redisUrl);
  const isSocket = url.protocol === "unix:";
  const socket = isSocket ? connect(url.pathname) : connect(Number(url.port || 6379), url.hostname);
  await once(socket, "connect");
  const login = url.password ? ["AUTH", ...(url.username ? [url.username] : []), decodeURIComponent(url.password)] : undefined;
  const database = isSocket ? url.searchParams.get("db") : url.pathname.slice(1);
  for (const sent of [login, database ? ["SELECT", database] : undefined, parts]) {
    if (sent === undefined) continue;
    socket.write(`*${sent.length}\r\n${sent.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`);
    const [reply] = await once(socket, "data");
    if (reply.toString().startsWith("-")) throw new Error(`Redis refused: ${reply.toString().slice(1).trim()}`);
  }
  socket.end();
}

if (process.argv[1] === (await import("node:url")).fileURLToPath(import.meta.url)) {
  const [sessionId, batchIndex, queue] = process.argv.slice(2);
  await enqueue(process.env.REDIS_URL ?? "redis://127.0.0.1:6379/0", sessionId, Number(batchIndex), queue);
}
