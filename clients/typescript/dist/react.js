"use client";
/** The React hook of the client; needs React 18 or newer. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { LiveSession, NO_SESSION } from "./live-session.js";
/**
 * Follow a session: its questions as they are written, the student's place and answers, what is being waited for
 * and what has failed. Reconnects by itself, and continues after a reload where the student was.
 *
 * `calls` is `client.exams` or `client.practice`, of a client that is made once and not in each render. Without an
 * `id` there is nothing to follow yet.
 */
export function useSession(calls, id, { store } = {}) {
    const live = useMemo(() => (id === undefined ? undefined : new LiveSession(calls, id, store === undefined ? {} : { store })), [calls, id, store]);
    useEffect(() => live?.start(), [live]);
    const state = useSyncExternalStore(live?.subscribe ?? never, live?.getState ?? none, none);
    return useMemo(() => ({ ...state, ...controls(live) }), [state, live]);
}
const NO_CONTROLS = {
    goTo: () => undefined,
    answer: () => undefined,
    cancel: async () => undefined,
    forget: () => undefined,
};
function controls(live) {
    if (live === undefined)
        return NO_CONTROLS;
    const { goTo, answer, cancel, forget } = live;
    return { goTo, answer, cancel, forget };
}
function none() {
    return NO_SESSION;
}
function never() {
    return () => undefined;
}
