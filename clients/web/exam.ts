/** An exam in progress, for a page: without DOM and framework, so that a test can use it too. */

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

  /** Follow the session until it is over or `stop` is called; it reconnects by itself. */
  async follow(): Promise<void> {
    const onReconnect = () => this.changed("reconnecting");
    const { signal } = this.#stop;
    try {
      for await (const event of this.#sessions.events(this.session.id, { signal, onReconnect })) this.#handle(event);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  /**
   * The question at this position, as soon as it exists. Reports the position to the API, which prefetches the
   * next batch. When the question does not exist yet, asks for the batch and waits for it.
   */
  async reach(index: number): Promise<Question> {
    const here = this.questions.get(index) ?? (await this.#missing(index));
    await this.#sessions.progress(this.session.id, index);
    return here;
  }

  async #missing(index: number): Promise<Question> {
    this.changed("waiting");
    const arrived = new Promise<Question>((resolve) => this.#waiting.set(index, resolve));
    const asked = this.#ask().then(() => arrived); // rejects when the batch cannot be written
    return await Promise.race([arrived, asked]);
  }

  /** Ask once for the next batch. When it is in progress already, its events are enough. */
  async #ask(): Promise<void> {
    try {
      await this.#sessions.ask(this.session.id, this.#next, { waitS: 0, signal: this.#stop.signal });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === "generation_in_progress") return;
      const expected = error.body.expectedBatchIndex; // our index was wrong: the API says which is next
      if (expected === undefined && !error.isTemporary) throw error;
      this.#next = expected ?? this.#next;
      await this.#sessions.batch(this.session.id, this.#next, { signal: this.#stop.signal });
    }
  }

  #handle(event: SessionEvent): void {
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
