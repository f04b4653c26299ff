/** One method for each call of the API; types come from its OpenAPI description. */

import { ApiError, Unreachable, errorOf } from "./errors.js";
import { follow, pause, type FollowOptions, type SessionEvent } from "./events.js";
import type {
  BatchPending,
  BatchShape,
  CreateExam,
  CreatePractice,
  ProgressShape,
  ReportQuestion,
  ReportShape,
  SessionPage,
  SessionShape,
} from "./schema.js";

export interface ClientOptions {
  /** Where the API is, without /api: `https://generation.example`. */
  baseUrl: string;
  /** Called before every call for its headers, because an access token expires. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  fetch?: typeof fetch;
}

/** `waitS`: how long the API may wait for the batch, in seconds. Default: the setting of the API (45 s). */
export interface WaitOptions {
  waitS?: number;
  signal?: AbortSignal;
}

/** `tries`: how many times the call is made while it fails temporarily. Default: 5. */
export interface RetryOptions {
  tries?: number;
  signal?: AbortSignal;
}

export type Asked =
  | { ready: true; batch: BatchShape }
  | { ready: false; pending: BatchPending; retryAfterS: number };

type Creation = WaitOptions & { idempotencyKey?: string };
type Call = { method?: "GET" | "POST"; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal };

/** How many times a call is made when the network or the API fails temporarily. */
const TRIES = 5;
/** A longer Retry-After is not waited for but thrown as ApiError: a limit may last until midnight. */
const LONGEST_WAIT_S = 60;

export class TafawoqClient {
  readonly exams: Sessions<CreateExam>;
  readonly practice: Sessions<CreatePractice>;

  constructor(options: ClientOptions) {
    this.exams = new Sessions(options, "/api/exams");
    this.practice = new Sessions(options, "/api/practice");
  }
}

/** Exams, or practice sessions: the calls are the same. */
export class Sessions<Wanted> {
  readonly #options: ClientOptions;
  readonly #path: string;

  constructor(options: ClientOptions, path: string) {
    this.#options = options;
    this.#path = path;
  }

  /**
   * Creates a session. Retries when the network fails, with the same Idempotency-Key, so that a lost answer
   * creates only one session. Each call makes its own key: to make a double click safe too, pass a key that you
   * made when the page was shown.
   */
  async create(wanted: Wanted, { idempotencyKey = crypto.randomUUID(), ...options }: Creation = {}): Promise<SessionShape> {
    const headers = { ...prefer(options), "Idempotency-Key": idempotencyKey };
    const call = { method: "POST", body: wanted, headers, ...signal(options) } as const;
    return await withRetries(() => this.#json<SessionShape>("", call), options.signal);
  }

  async read(id: string, { tries, ...options }: RetryOptions = {}): Promise<SessionShape> {
    return await withRetries(() => this.#json<SessionShape>(`/${id}`, options), options.signal, tries);
  }

  async list(page: { limit?: number; before?: string } = {}): Promise<SessionPage> {
    const query = new URLSearchParams(Object.entries(page).map(([name, value]) => [name, String(value)]));
    return await this.#json<SessionPage>(`?${query}`);
  }

  /** One call for a batch, without retries. Throws ApiError 409 when the batch is in progress. */
  async ask(id: string, batchIndex: number, options: WaitOptions = {}): Promise<Asked> {
    const call = { method: "POST", body: { batchIndex }, headers: prefer(options), ...signal(options) } as const;
    const response = await this.#call(`/${id}/questions`, call);
    if (response.status !== 202) return { ready: true, batch: (await response.json()) as BatchShape };
    const retryAfterS = Number(response.headers.get("Retry-After") ?? 2);
    return { ready: false, pending: (await response.json()) as BatchPending, retryAfterS };
  }

  /**
   * The batch, however long it takes: joins a run in progress, retries after Retry-After and after a lost
   * connection. Throws ApiError when a retry would not help, or not within a minute.
   */
  async batch(id: string, batchIndex: number, options: { signal?: AbortSignal } = {}): Promise<BatchShape> {
    for (;;) {
      const asked = await withRetries(() => this.ask(id, batchIndex, { waitS: 30, ...options }), options.signal, Infinity);
      if (asked.ready) return asked.batch;
      await pause(asked.retryAfterS * 1000, options.signal);
    }
  }

  /** Reports the student's position, 0-based in the session; the API prefetches the next batch when it is due. */
  async progress(id: string, questionIndex: number, options: { signal?: AbortSignal } = {}): Promise<ProgressShape> {
    const call = { method: "POST", body: { questionIndex }, ...signal(options) } as const;
    return await withRetries(() => this.#json<ProgressShape>(`/${id}/progress`, call), options.signal);
  }

  /** Reports that the question at this index is wrong; a second report of the same question changes nothing. */
  async report(id: string, index: number, report: ReportQuestion): Promise<ReportShape> {
    const call = { method: "POST", body: report } as const;
    return await withRetries(() => this.#json<ReportShape>(`/${id}/questions/${index}/reports`, call));
  }

  async cancel(id: string): Promise<SessionShape> {
    return await this.#json<SessionShape>(`/${id}/cancel`, { method: "POST" });
  }

  async pause(id: string): Promise<SessionShape> {
    return await this.#json<SessionShape>(`/${id}/pause`, { method: "POST" });
  }

  async resume(id: string): Promise<SessionShape> {
    return await this.#json<SessionShape>(`/${id}/resume`, { method: "POST" });
  }

  /** All events of the session as they are committed, each once, across lost connections. */
  events(id: string, options: FollowOptions = {}): AsyncGenerator<SessionEvent> {
    const open = async (lastSeq: number, stop: AbortSignal) =>
      await this.#sent(`/${id}/events`, { headers: { "Last-Event-ID": String(lastSeq) }, signal: stop });
    return follow(open, options);
  }

  async #json<Answer>(path: string, call: Call = {}): Promise<Answer> {
    return (await (await this.#call(path, call)).json()) as Answer;
  }

  async #call(path: string, call: Call): Promise<Response> {
    const response = await this.#sent(path, call);
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  async #sent(path: string, { method = "GET", body, headers, signal }: Call): Promise<Response> {
    const { baseUrl, headers: own, fetch: send = globalThis.fetch } = this.#options;
    const sent = { ...(await own?.()), ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
    const init: RequestInit = { method, headers: sent, cache: "no-store" };
    if (body !== undefined) init.body = JSON.stringify(body);
    if (signal !== undefined) init.signal = signal;
    try {
      return await send(baseUrl + this.#path + path, init);
    } catch (error) {
      throw signal?.aborted ? error : new Unreachable(error);
    }
  }
}

function prefer({ waitS }: WaitOptions): Record<string, string> {
  return waitS === undefined ? {} : { Prefer: waitS === 0 ? "respond-async" : `wait=${waitS}` };
}

function signal(from: { signal?: AbortSignal }): { signal?: AbortSignal } {
  return from.signal === undefined ? {} : { signal: from.signal };
}

/**
 * Retries a call that may be repeated: after Retry-After, else after a pause that doubles. Throws the error after
 * `tries` calls, or when Retry-After is longer than LONGEST_WAIT_S: then the student should read why.
 */
async function withRetries<T>(call: () => Promise<T>, stop?: AbortSignal, tries = TRIES): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await call();
    } catch (error) {
      const isTemporary = error instanceof Unreachable || (error instanceof ApiError && error.isTemporary);
      if (!isTemporary || failures >= tries || stop?.aborted) throw error;
      const asked = error instanceof ApiError ? error.retryAfterS : undefined;
      if (asked !== undefined && asked > LONGEST_WAIT_S) throw error;
      await pause((asked ?? Math.min(30, 2 ** (failures - 1))) * 1000, stop);
    }
  }
}
