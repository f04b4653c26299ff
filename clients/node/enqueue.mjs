/**
 * Enqueues a batch without the HTTP API: `REDIS_URL=... node enqueue.mjs SESSION_ID BATCH_INDEX [QUEUE]`.
 *
 * Needs only Node. With your own Redis client it is one command: LPUSH key message.
 * docs/queue-messages.md describes the message.
 */

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { realpathSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

const TASK = "generation.generate_batch";
const QUEUES = ["interactive", "prefetch"];
const TIMEOUT_MS = 5000;
const LAST_BATCH = 1000; // the workers and the API have the same bound
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const INDEX = /^\d{1,4}$/;
const USAGE = "Usage: REDIS_URL=redis://... node enqueue.mjs SESSION_ID BATCH_INDEX [interactive|prefetch]";

/** The message that Celery reads from a list in Redis: protocol 2, with a JSON body in Base64. */
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

/** The Redis list of a queue: the workers' REDIS_KEY_PREFIX and the queue's name. */
export function key(queue = "interactive", prefix = process.env.REDIS_KEY_PREFIX ?? "tafawoq:") {
  return prefix + queue;
}

/** Put a message into its queue; resolves when Redis has accepted it. */
export async function enqueue(redisUrl, sessionId, batchIndex, queue = "interactive") {
  await command(redisUrl, "LPUSH", key(queue), JSON.stringify(message(sessionId, batchIndex, queue)));
}

/** Send one command to Redis, after the login and the database of the URL. Rejects when Redis does not accept it. */
export async function command(redisUrl, ...parts) {
  const url = new URL(redisUrl);
  const isSocket = url.protocol === "unix:";
  const socket = isSocket ? connect(url.pathname) : connect(Number(url.port || 6379), url.hostname.replace(/^\[|\]$/g, ""));
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
  try {
    await once(socket, "connect");
    const login = url.password ? ["AUTH", ...(url.username ? [url.username] : []), decodeURIComponent(url.password)] : undefined;
    const database = isSocket ? url.searchParams.get("db") : url.pathname.slice(1);
    for (const sent of [login, database ? ["SELECT", database] : undefined, parts]) {
      if (sent !== undefined) await send(socket, sent);
    }
  } finally {
    socket.destroy();
  }
}

async function send(socket, parts) {
  socket.write(`*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`);
  const closed = once(socket, "close").then(() => Promise.reject(new Error("it closed the connection")));
  const [reply] = await Promise.race([once(socket, "data"), closed]);
  if (reply.toString().startsWith("-")) throw new Error(`it answered: ${reply.toString().slice(1).trim()}`);
}

/** What is wrong with the arguments, as a sentence; undefined when they are valid. */
export function problem(sessionId, batchIndex, queue = "interactive") {
  if (!UUID.test(sessionId)) return "SESSION_ID must be a UUID, as POST /api/exams returns it.";
  if (!INDEX.test(batchIndex) || Number(batchIndex) > LAST_BATCH) {
    return `BATCH_INDEX must be a whole number from 0 to ${LAST_BATCH}.`;
  }
  if (!QUEUES.includes(queue)) return `QUEUE must be ${QUEUES.join(" or ")}.`;
}

/** The exit code: 0 enqueued, 1 Redis did not take the message, 2 an argument or REDIS_URL is invalid. */
async function main(sessionId, batchIndex, queue, ...more) {
  const redisUrl = process.env.REDIS_URL || "redis://127.0.0.1:6379/0";
  const isComplete = batchIndex !== undefined && more.length === 0;
  const wrong = isComplete ? (problem(sessionId, batchIndex, queue) ?? addressProblem(redisUrl)) : USAGE;
  if (wrong !== undefined) {
    console.error(wrong);
    return 2;
  }
  try {
    await enqueue(redisUrl, sessionId, Number(batchIndex), queue);
  } catch (error) {
    console.error(`Redis at ${place(redisUrl)} did not take the message: ${reason(error)}. Start it, or correct REDIS_URL.`);
    return 1;
  }
  return 0;
}

function addressProblem(redisUrl) {
  const isAddress = URL.canParse(redisUrl) && ["redis:", "unix:"].includes(new URL(redisUrl).protocol);
  return isAddress ? undefined : "REDIS_URL must be like redis://user:password@host:6379/0. (rediss:// needs a Redis client.)";
}

/** The address without the password. */
function place(redisUrl) {
  const url = new URL(redisUrl);
  return url.host || url.pathname;
}

function reason(error) {
  return error.errors?.[0]?.message ?? error.message; // a host name with several addresses fails with one error for each
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(...process.argv.slice(2));
}
