"use client";
/** The React hook of the client; needs React 18 or newer. */

import { useEffect, useMemo, useSyncExternalStore } from "react";
import { LiveSession, NO_SESSION, type LiveOptions, type SessionCalls, type SessionState } from "./live-session.js";

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
export function useSession(
  calls: SessionCalls,
  id: string | undefined,
  { store }: LiveOptions = {},
): SessionState & SessionControls {
  const live = useMemo(
    () => (id === undefined ? undefined : new LiveSession(calls, id, store === undefined ? {} : { store })),
    [calls, id, store],
  );
  useEffect(() => live?.start(), [live]);
  const state = useSyncExternalStore(live?.subscribe ?? never, live?.getState ?? none, none);
  return useMemo(() => ({ ...state, ...controls(live) }), [state, live]);
}

const NO_CONTROLS: SessionControls = {
  goTo: () => undefined,
  answer: () => undefined,
  cancel: async () => undefined,
  forget: () => undefined,
};

function controls(live: LiveSession | undefined): SessionControls {
  if (live === undefined) return NO_CONTROLS;
  const { goTo, answer, cancel, forget } = live;
  return { goTo, answer, cancel, forget };
}

function none(): SessionState {
  return NO_SESSION;
}

function never(): () => void {
  return () => undefined;
}
