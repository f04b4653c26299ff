/** The live view of a session over fetch, which unlike EventSource can send an Authorization header. */

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
  /** Told each time the connection was lost and is opened again. */
  onReconnect?: (lastSeq: number) => void;
}

/** The API says something at least every 15 s; after this long the connection is taken for dead. */
const SILENCE_MS = 45_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export type Open = (lastSeq: number, signal: AbortSignal) => Promise<Response>;

/**
 * Every event after `after`, in order, each once, across any number of lost connections.
 * Ends when the session is over. Throws ApiError when the API will not show it (401, 404, ...).
 */
export async function* follow(open: Open, options: FollowOptions = {}): AsyncGenerator<SessionEvent> {
  let seq = options.after ?? 0;
  let failures = 0;
  for (;;) {
    const connection = new Connection(options.signal);
    try {
      const response = await connection.opened(open, seq);
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
      if (error instanceof ApiError && !error.isPassing) throw error;
      failures += 1;
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

/** Doubling, with jitter, so that a restarted API is not called by everybody at once. */
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

/** One connection, given up when the caller stops or when nothing has come for long. */
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

  /** The stream, or undefined when the session is over and everything has been seen. */
  async opened(open: Open, seq: number): Promise<Response | undefined> {
    this.#heard();
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
        this.#heard();
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

  #heard(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#ended.abort(new Error("silence")), SILENCE_MS);
  }
}

/** Text in any pieces to whole events; what the connection cut off is not an event. */
export class SseParser {
  #rest = "";

  *feed(text: string): Generator<SessionEvent> {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
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
