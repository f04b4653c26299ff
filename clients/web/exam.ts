/** An exam in progress as a page needs it: no DOM, no framework, so that a page and a test can both use it. */

import { ApiError, type Question, type Session, type SessionEvent, type TafawoqClient } from "../../clients/typescript/src/index.js";

export type Notice = "connected" | "reconnecting" | "waiting" | "failed";

export class Exam {
  readonly questions = new Map<number, Question>();
  status: string;
  #next: number;
  readonly #sessions: TafawoqClient["exams"];
  readonly #stop = new AbortController();
  readonly #waiting = new Map<number, (question: Question) => void>();

  constructor(
    client: TafawoqClient,
    readonly session: Session,
    readonly changed: (notice: Notice) => void = () => undefined,
  ) {
    this.#sessions = client.exams;
    this.status = session.status;
    this.#next = session.generatedBatches;
    for (const question of session.questions) this.#take(question);
  }

  get total(): number {
    return this.session.totalQuestions;
  }

  /** Follow the session until it is over or `stop` is called; lost connections are its own business. */
  async follow(): Promise<void> {
    const onReconnect = () => this.changed("reconnecting");
    const { signal } = this.#stop;
    try {
      for await (const event of this.#sessions.events(this.session.id, { signal, onReconnect })) this.#heard(event);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /**
   * The question at this place, as soon as there is one. Reaching it tells the API where the student is,
   * which prefetches what comes next; a student who is ahead of that asks for the batch and waits for it.
   */
  async reach(index: number): Promise<Question> {
    const here = this.questions.get(index) ?? (await this.#missing(index));
    await this.#sessions.progress(this.session.id, index);
    return here;
  }

  async #missing(index: number): Promise<Question> {
    this.changed("waiting");
    const arrived = new Promise<Question>((resolve) => this.#waiting.set(index, resolve));
    const asked = this.#ask().then(() => arrived); // rejects when the batch cannot be had
    return await Promise.race([arrived, asked]);
  }

  /** Ask for the next batch once. One that is under way already is simply waited for, by its events. */
  async #ask(): Promise<void> {
    try {
      await this.#sessions.ask(this.session.id, this.#next, { waitS: 0, signal: this.#stop.signal });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "generation_in_progress") return;
      const expected = error.body.expectedBatchIndex; // we had lost step: the API says which is next
      if (expected === undefined && !error.isPassing) throw error;
      this.#next = expected ?? this.#next;
      await this.#sessions.batch(this.session.id, this.#next, { signal: this.#stop.signal });
    }
  }

  #heard(event: SessionEvent): void {
    if (event.kind === "question") this.#take(event.data);
    if (event.kind === "batch-ready") this.#next = Math.max(this.#next, event.data.batchIndex + 1);
    if (event.kind === "session") this.status = event.data.status;
    this.changed(event.kind === "batch-failed" ? "failed" : "connected");
  }

  #take(question: Question): void {
    this.questions.set(question.index, question);
    this.#waiting.get(question.index)?.(question);
    this.#waiting.delete(question.index);
  }
}
