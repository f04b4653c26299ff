/** The event stream of a session over fetch, which can send an Authorization header; EventSource cannot. */

import { ApiError, Unreachable, errorOf } from "./errors.js";
import type { QuestionShape } from "./schema.js";

export type SessionEvent =
  | { seq: number; kind: "question"; data: QuestionShape }
  | { seq: number; kind: "batch-ready"; data: { batchIndex: number } }
  | { seq: number; kind: "batch-failed"; data: { batchIndex: number; code: string } }
  | { seq: number; kind: "session"; data: { status: string } };

export interface FollowOptions {
  /** Begin after this event number; 0 is the beginning of the session. */
  after?: number;
  signal?: AbortSignal;
  /** Called each time a lost connection is opened again. */
  onReconnect?: (lastSeq: number) => void;
  /** Called when the stream has opened, and when it is lost. */
  onConnection?: (state: "open" | "lost") => void;
}

/** The API sends something at least every 15 s; after this silence the connection counts as lost. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export type Open = (lastSeq: number, signal: AbortSignal) => Promise<Response>;

/**
 * Every event after `after`, in order, each once, across any number of lost connections.
 * Ends when the session is over. Throws ApiError when the API does not allow the stream (401, 404, ...).
 */
export async function* follow(open: Open, options: FollowOptions = {}): AsyncGenerator<SessionEvent> {
  let seq = options.after ?? 0;
  let failures = 0;
  for (;;) {
    const connection = new Connection(options.signal);
    try {
      const response = await connection.opened(open, seq);
      options.onConnection?.("open");
      if (response === undefined) return;
      for await (const event of connection.events(response)) {
        failures = 0;
        if (event.seq <= seq) continue;
        seq = event.seq;
        yield event;
        if (isLast(event)) return;
      }
    } catch (error) {
      if (options.signal?.aborted) throw error;
      if (error instanceof ApiError && !error.isTemporary) throw error;
      failures += 1;
      options.onConnection?.("lost");
      await pause(pauseMs(failures, error), options.signal);
    } finally {
      connection.close();
    }
    options.onReconnect?.(seq);
  }
}

function isLast(event: SessionEvent): boolean {
  return event.kind === "session" && !["in_progress", "paused"].includes(event.data.status);
}

/** The pause doubles, with jitter, so that clients do not all call a restarted API at once. */
function pauseMs(failures: number, error: unknown): number {
  const asked = error instanceof ApiError ? (error.retryAfterS ?? 0) * 1000 : 0;
  const bound = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return Math.max(asked, bound / 2 + (Math.random() * bound) / 2);
}

export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** A controller that aborts with `outer`, too. (AbortSignal.any is missing in browsers from before 2024.) */
export function within(outer: AbortSignal): AbortController {
  const inner = new AbortController();
  if (outer.aborted) inner.abort(outer.reason);
  outer.addEventListener("abort", () => inner.abort(outer.reason), { once: true, signal: inner.signal });
  return inner;
}

/** One connection, aborted when the caller stops it or after SILENCE_MS without data. */
class Connection {
  readonly #ended = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #stop = () => this.#ended.abort(this.#outer?.reason);
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal | undefined) {
    this.#outer = outer;
    if (outer?.aborted) this.#stop();
    outer?.addEventListener("abort", this.#stop, { once: true });
  }

  /** The stream, or undefined when the session is over and the caller has every event. */
  async opened(open: Open, seq: number): Promise<Response | undefined> {
    this.#restartWatchdog();
    const response = await open(seq, this.#ended.signal);
    if (response.status === 204) return undefined;
    if (!response.ok || response.body === null) throw await errorOf(response);
    return response;
  }

  async *events(response: Response): AsyncGenerator<SessionEvent> {
    const parser = new SseParser();
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        this.#restartWatchdog();
        yield* parser.feed(value);
      }
    } catch (error) {
      throw this.#outer?.aborted ? error : new Unreachable(error);
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  close(): void {
    clearTimeout(this.#watchdog);
    this.#outer?.removeEventListener("abort", this.#stop);
    this.#ended.abort();
  }

  #restartWatchdog(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#ended.abort(new Error("silence")), SILENCE_MS);
  }
}

/** Turns text in pieces of any size into whole events; an incomplete event at the end is ignored. */
export class SseParser {
  #incomplete = "";

  *feed(text: string): Generator<SessionEvent> {
    const blocks = (this.#incomplete + text).split("\n\n");
    this.#incomplete = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parsed(block);
      if (event !== undefined) yield event;
    }
  }
}

function parsed(block: string): SessionEvent | undefined {
  const fields = new Map(
    block.split("\n").map((line): [string, string] => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    }),
  );
  const [seq, kind, data] = [fields.get("id"), fields.get("event"), fields.get("data")];
  if (seq === undefined || kind === undefined || data === undefined) return undefined;
  return { seq: Number(seq), kind, data: JSON.parse(data) } as SessionEvent;
}
