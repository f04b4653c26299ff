/** A session as a page needs it: followed, kept across reloads and tabs, and repaired. Without DOM or framework. */
import { ApiError, Unreachable } from "./errors.js";
import { type KeyValueStore } from "./saved.js";
import type { Sessions } from "./client.js";
import type { QuestionShape, SessionShape } from "./schema.js";
/** `client.exams` or `client.practice`. */
export type SessionCalls = Pick<Sessions<never>, "ask" | "cancel" | "events" | "progress" | "read">;
export interface LiveOptions {
    /** Where answers, place and cursor are kept. Default: localStorage, which all tabs share. */
    store?: KeyValueStore;
}
/** A call that failed. A temporary problem is tried again at `retryAt` (ms since 1970); `retry` tries at once. */
export interface Problem {
    error: ApiError | Unreachable | Error;
    retryAt: number | undefined;
    retry: () => void;
}
export interface SessionState {
    /** Undefined until the first answer of the API. */
    session: SessionShape | undefined;
    /** in_progress, paused, completed or abandoned; empty until known. */
    status: string;
    total: number;
    /** Every question so far, by its 0-based position. */
    questions: ReadonlyMap<number, QuestionShape>;
    /** The student's place, and its question; undefined while it is being written. */
    index: number;
    question: QuestionShape | undefined;
    /** The chosen choice (0 to 3) by position; of all tabs. */
    answers: ReadonlyMap<number, number>;
    connection: "connecting" | "open" | "lost" | "closed";
    /** Whether the question at `index` is being waited for. */
    isWaiting: boolean;
    /** The batch that is being written ahead of the student. */
    prefetching: number | undefined;
    problem: Problem | undefined;
}
export declare const NO_SESSION: SessionState;
export declare class LiveSession {
    #private;
    readonly id: string;
    constructor(calls: SessionCalls, id: string, { store }?: LiveOptions);
    /** The current state: the same object until something changes. */
    readonly getState: () => SessionState;
    /** Calls back after each change; returns how to stop that. */
    readonly subscribe: (listener: () => void) => (() => void);
    /** Load the session and follow it; returns how to stop. May be started again. */
    start(): () => void;
    /** Move to a position. When its question does not exist yet, asks for it and waits. Until the session is known: nothing. */
    readonly goTo: (index: number) => void;
    /** Keep the student's choice for a position, 0 to 3. */
    readonly answer: (index: number, choice: number) => void;
    /** Abandon the session: generation and spending stop. */
    readonly cancel: () => Promise<void>;
    /** Remove what the browser keeps of the session. */
    readonly forget: () => void;
}
