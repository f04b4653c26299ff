/** The event stream of a session over fetch, which can send an Authorization header; EventSource cannot. */
import type { QuestionShape } from "./schema.js";
export type SessionEvent = {
    seq: number;
    kind: "question";
    data: QuestionShape;
} | {
    seq: number;
    kind: "batch-ready";
    data: {
        batchIndex: number;
    };
} | {
    seq: number;
    kind: "batch-failed";
    data: {
        batchIndex: number;
        code: string;
    };
} | {
    seq: number;
    kind: "session";
    data: {
        status: string;
    };
};
export interface FollowOptions {
    /** Begin after this event number; 0 is the beginning of the session. */
    after?: number;
    signal?: AbortSignal;
    /** Called each time a lost connection is opened again. */
    onReconnect?: (lastSeq: number) => void;
    /** Called when the stream has opened, and when it is lost. */
    onConnection?: (state: "open" | "lost") => void;
}
export type Open = (lastSeq: number, signal: AbortSignal) => Promise<Response>;
/**
 * Every event after `after`, in order, each once, across any number of lost connections.
 * Ends when the session is over. Throws ApiError when the API does not allow the stream (401, 404, ...).
 */
export declare function follow(open: Open, options?: FollowOptions): AsyncGenerator<SessionEvent>;
export declare function pause(ms: number, signal?: AbortSignal): Promise<void>;
/** A controller that aborts with `outer`, too. (AbortSignal.any is missing in browsers from before 2024.) */
export declare function within(outer: AbortSignal): AbortController;
/** Turns text in pieces of any size into whole events; an incomplete event at the end is ignored. */
export declare class SseParser {
    #private;
    feed(text: string): Generator<SessionEvent>;
}
