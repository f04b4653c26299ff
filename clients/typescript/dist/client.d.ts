/** One method for each call of the API; types come from its OpenAPI description. */
import { type FollowOptions, type SessionEvent } from "./events.js";
import type { BatchPending, BatchShape, CreateExam, CreatePractice, ProgressShape, ReportQuestion, ReportShape, SessionPage, SessionShape } from "./schema.js";
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
export type Asked = {
    ready: true;
    batch: BatchShape;
} | {
    ready: false;
    pending: BatchPending;
    retryAfterS: number;
};
type Creation = WaitOptions & {
    idempotencyKey?: string;
};
export declare class TafawoqClient {
    readonly exams: Sessions<CreateExam>;
    readonly practice: Sessions<CreatePractice>;
    constructor(options: ClientOptions);
}
/** Exams, or practice sessions: the calls are the same. */
export declare class Sessions<Wanted> {
    #private;
    constructor(options: ClientOptions, path: string);
    /**
     * Creates a session. Retries when the network fails, with the same Idempotency-Key, so that a lost answer
     * creates only one session. Each call makes its own key: to make a double click safe too, pass a key that you
     * made when the page was shown.
     */
    create(wanted: Wanted, { idempotencyKey, ...options }?: Creation): Promise<SessionShape>;
    read(id: string, { tries, ...options }?: RetryOptions): Promise<SessionShape>;
    list(page?: {
        limit?: number;
        before?: string;
    }): Promise<SessionPage>;
    /** One call for a batch, without retries. Throws ApiError 409 when the batch is in progress. */
    ask(id: string, batchIndex: number, options?: WaitOptions): Promise<Asked>;
    /**
     * The batch, however long it takes: joins a run in progress, retries after Retry-After and after a lost
     * connection. Throws ApiError when a retry would not help, or not within a minute.
     */
    batch(id: string, batchIndex: number, options?: {
        signal?: AbortSignal;
    }): Promise<BatchShape>;
    /** Reports the student's position, 0-based in the session; the API prefetches the next batch when it is due. */
    progress(id: string, questionIndex: number, options?: {
        signal?: AbortSignal;
    }): Promise<ProgressShape>;
    /** Reports that the question at this index is wrong; a second report of the same question changes nothing. */
    report(id: string, index: number, report: ReportQuestion): Promise<ReportShape>;
    cancel(id: string): Promise<SessionShape>;
    pause(id: string): Promise<SessionShape>;
    resume(id: string): Promise<SessionShape>;
    /** All events of the session as they are committed, each once, across lost connections. */
    events(id: string, options?: FollowOptions): AsyncGenerator<SessionEvent>;
}
export {};
