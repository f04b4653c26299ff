/** What the student is told: problems with a retry, and questions to be answered. */

import { useEffect, useRef, useState, type ReactNode } from "react";
import { numeral } from "./words";

interface ProblemProps {
  text: string;
  onRetry: () => void;
  /** When the page tries again by itself, in ms since 1970. */
  retryAt?: number | undefined;
}

export function ProblemNotice({ text, onRetry, retryAt }: ProblemProps) {
  const left = useSecondsUntil(retryAt);
  return (
    <div role="alert" className="problem">
      <p>{text}</p>
      <button onClick={onRetry}>أعد المحاولة{left > 0 && <span aria-hidden="true"> ({numeral(left)})</span>}</button>
    </div>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** A modal question. Escape closes it; the browser keeps the focus inside and puts it back. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    if (shown && !shown.open) shown.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onCancel={(event) => {
      event.preventDefault();
      onClose();
    }}>
      <h2 id="dialog-title">{title}</h2>
      {children}
    </dialog>
  );
}

/** The time now, again each second. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function useSecondsUntil(time: number | undefined): number {
  const now = useNow();
  return time === undefined ? 0 : Math.max(0, Math.ceil((time - now) / 1000));
}
