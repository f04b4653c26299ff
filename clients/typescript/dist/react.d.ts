import { type LiveOptions, type SessionCalls, type SessionState } from "./live-session.js";
export interface SessionControls {
    /** Move to a position; waits for its question where it is not written yet. */
    goTo: (index: number) => void;
    /** Keep the student's choice (0 to 3) for a position, across reloads and tabs. */
    answer: (index: number, choice: number) => void;
    /** Abandon the session: generation and spending stop. */
    cancel: () => Promise<void>;
    /** Remove what the browser keeps of the session. */
    forget: () => void;
}
/**
 * Follow a session: its questions as they are written, the student's place and answers, what is being waited for
 * and what has failed. Reconnects by itself, and continues after a reload where the student was.
 *
 * `calls` is `client.exams` or `client.practice`, of a client that is made once and not in each render. Without an
 * `id` there is nothing to follow yet.
 */
export declare function useSession(calls: SessionCalls, id: string | undefined, { store }?: LiveOptions): SessionState & SessionControls;
