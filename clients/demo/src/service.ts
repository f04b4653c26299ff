/** The API as this page uses it: the client, and the result of a session. */

import { ApiError, TafawoqClient, Unreachable, type ErrorShape } from "@tafawoq/generation-client";
import type { useSession } from "@tafawoq/generation-client/react";

export type Kind = "exams" | "practice";

/** A session as `useSession` follows it. */
export type Live = ReturnType<typeof useSession>;

export interface Review {
  index: number;
  answerIndex: number;
  chosen: number | null;
  explanation: string;
  tip: string | null;
  solvingStrategy: string | null;
}

export interface Result {
  correct: number;
  answered: number;
  total: number;
  sections: { section: "quantitative" | "verbal"; correct: number; total: number }[];
  review: Review[];
}

/** A development server takes everybody for its demo user; a real page sends its student's token (`headers`). */
export const client = new TafawoqClient({ baseUrl: "" });

/** The server of this page grades; elsewhere the web app does. Throws ApiError and Unreachable as the client does. */
export async function grade(kind: Kind, id: string, answers: ReadonlyMap<number, number>): Promise<Result> {
  const response = await fetch(`/demo/${kind}/${id}/grade`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ answers: Object.fromEntries(answers) }),
  }).catch((cause: unknown) => {
    throw new Unreachable(cause);
  });
  if (response.ok) return (await response.json()) as Result;
  const body = (await response.json().catch(() => ({}))) as Partial<ErrorShape>;
  throw new ApiError(response.status, body, undefined);
}

/** The sentence for the student. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ApiError) return error.body.error ?? "حدث خطأ غير متوقع، حاول مرة أخرى بعد قليل.";
  return "تعذّر الاتصال بالخدمة. تحقّق من اتصالك بالشبكة.";
}

/** The key of the creating call, kept until the session exists: a double click or a reload creates one session. */
export const creationKey = {
  read(): string {
    const key = sessionStorage.getItem("tafawoq:create") ?? crypto.randomUUID();
    sessionStorage.setItem("tafawoq:create", key);
    return key;
  },
  used: () => sessionStorage.removeItem("tafawoq:create"),
};
