/** A session as a page needs it: followed, kept across reloads and tabs, and repaired. Without DOM or framework. */
import { ApiError, Unreachable } from "./errors.js";
import { pause, within } from "./events.js";
import { browserStore, merged, readKept } from "./saved.js";
export const NO_SESSION = Object.freeze({
    session: undefined,
    status: "",
    total: 0,
    questions: new Map(),
    index: 0,
    question: undefined,
    answers: new Map(),
    connection: "connecting",
    isWaiting: false,
    prefetching: undefined,
    problem: undefined,
});
/** How long one call waits for a batch before it is made again. */
const WAIT_S = 30;
const LONGEST_PAUSE_MS = 30_000;
const LIVING = ["in_progress", "paused"];
export class LiveSession {
    id;
    #calls;
    #store;
    #key;
    #listeners = new Set();
    #state = NO_SESSION;
    #kept;
    #nextBatch = 0;
    #stop = new AbortController();
    #asking;
    #reported = -1;
    constructor(calls, id, { store = browserStore() } = {}) {
        this.id = id;
        this.#calls = calls;
        this.#store = store;
        this.#key = `tafawoq:${id}`;
        this.#kept = readKept(store, this.#key);
        this.#set({ index: this.#kept.index, answers: chosen(this.#kept) });
    }
    /** The current state: the same object until something changes. */
    getState = () => this.#state;
    /** Calls back after each change; returns how to stop that. */
    subscribe = (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    };
    /** Load the session and follow it; returns how to stop. May be started again. */
    start() {
        const stop = new AbortController();
        this.#stop = stop;
        this.#reported = -1;
        const forget = this.#store.subscribe(this.#key, () => this.#keep({}));
        const online = () => this.#state.problem?.retry();
        globalThis.addEventListener?.("online", online);
        void this.#run(stop.signal);
        return () => {
            stop.abort();
            forget();
            globalThis.removeEventListener?.("online", online);
        };
    }
    /** Move to a position. When its question does not exist yet, asks for it and waits. Until the session is known: nothing. */
    goTo = (index) => {
        if (this.#state.total === 0)
            return;
        this.#keep({ index: Math.max(0, Math.min(index, this.#state.total - 1)) });
        this.#asking?.abort();
        void this.#reach(this.#stop.signal);
    };
    /** Keep the student's choice for a position, 0 to 3. */
    answer = (index, choice) => {
        this.#keep({ answers: { ...this.#kept.answers, [index]: { choice, at: Date.now() } } });
    };
    /** Abandon the session: generation and spending stop. */
    cancel = async () => {
        const { status } = await this.#calls.cancel(this.id);
        this.#set({ status });
        this.#asking?.abort();
    };
    /** Remove what the browser keeps of the session. */
    forget = () => this.#store.remove(this.#key);
    async #run(signal) {
        const session = await this.#persist(signal, () => this.#calls.read(this.id, { signal, tries: 1 }));
        if (session === undefined)
            return;
        this.#nextBatch = session.generatedBatches;
        this.#take(session.questions, { session, status: session.status, total: session.totalQuestions });
        if (!LIVING.includes(session.status))
            return this.#set({ connection: "closed" });
        void this.#reach(signal);
        await this.#persist(signal, () => this.#follow(signal));
    }
    async #follow(signal) {
        const onConnection = (connection) => this.#set({ connection });
        for await (const event of this.#calls.events(this.id, { after: this.#kept.seq, signal, onConnection })) {
            this.#handle(event);
            this.#keep({ seq: event.seq });
        }
        this.#set({ connection: "closed" });
    }
    #handle(event) {
        if (event.kind === "question")
            this.#take([event.data]);
        if (event.kind === "batch-ready") {
            this.#nextBatch = Math.max(this.#nextBatch, event.data.batchIndex + 1);
            if (this.#state.prefetching === event.data.batchIndex)
                this.#set({ prefetching: undefined });
        }
        if (event.kind === "session") {
            this.#set({ status: event.data.status });
            if (event.data.status !== "in_progress")
                this.#asking?.abort();
            else
                void this.#reach(this.#stop.signal);
        }
    }
    /** Wait for the question at the student's place, then report the place: the API prefetches when it is due. */
    async #reach(signal) {
        if (this.#state.session === undefined || this.#state.status !== "in_progress")
            return;
        if (this.#state.question === undefined)
            await this.#untilWritten(signal);
        const { index, question } = this.#state;
        if (question === undefined || index === this.#reported || signal.aborted)
            return;
        this.#reported = index;
        try {
            const { prefetch } = await this.#calls.progress(this.id, index, { signal });
            if (prefetch)
                this.#set({ prefetching: prefetch.batchIndex });
        }
        catch {
            this.#reported = -1; // the next move reports again; until then only the prefetch is late
        }
    }
    async #untilWritten(signal) {
        const asking = within(signal);
        const { signal: either } = asking;
        this.#asking?.abort();
        this.#asking = asking;
        this.#set({ isWaiting: true });
        while (this.#state.question === undefined && !either.aborted)
            await this.#persist(either, () => this.#ask(either));
        asking.abort();
        if (this.#asking !== asking)
            return; // the student has moved on, and another call waits
        this.#asking = undefined;
        this.#set({ isWaiting: false });
    }
    /** Ask once for the next batch, and wait for it with the API; a question that an event brings ends the wait. */
    async #ask(signal) {
        try {
            const asked = await this.#calls.ask(this.id, this.#nextBatch, { waitS: WAIT_S, signal });
            if (!asked.ready)
                return await pause(asked.retryAfterS * 1000, signal);
            this.#nextBatch = Math.max(this.#nextBatch, asked.batch.meta.batchIndex + 1);
            this.#take(asked.batch.questions);
        }
        catch (error) {
            if (!(error instanceof ApiError))
                throw error;
            const { expectedBatchIndex } = error.body;
            if (error.code === "generation_in_progress")
                return await pause((error.retryAfterS ?? 2) * 1000, signal);
            if (expectedBatchIndex === undefined || expectedBatchIndex === this.#nextBatch)
                throw error;
            this.#nextBatch = expectedBatchIndex; // another tab is further
        }
    }
    #take(questions, changes = {}) {
        const all = new Map(this.#state.questions);
        for (const question of questions)
            all.set(question.index, question);
        this.#set({ ...changes, questions: all });
        if (this.#state.question !== undefined)
            this.#asking?.abort();
    }
    /** Repeats the work until it succeeds, or undefined once stopped. The state shows what is wrong meanwhile. */
    async #persist(signal, work) {
        let problem;
        try {
            for (let failures = 0; !signal.aborted; failures += 1) {
                try {
                    return await work();
                }
                catch (error) {
                    if (signal.aborted)
                        return undefined;
                    const again = within(signal);
                    problem = { error: asError(error), retryAt: retryAt(error, failures), retry: () => again.abort() };
                    this.#set({ problem });
                    await until(problem.retryAt, again.signal);
                    again.abort();
                }
            }
            return undefined;
        }
        finally {
            if (this.#state.problem === problem && problem !== undefined)
                this.#set({ problem: undefined });
        }
    }
    /** Keep these changes, together with what other tabs have kept meanwhile. */
    #keep(changes) {
        this.#kept = merged({ ...this.#kept, ...changes }, readKept(this.#store, this.#key));
        if (Object.keys(changes).length > 0)
            this.#store.set(this.#key, JSON.stringify(this.#kept));
        if (!("seq" in changes))
            this.#set({ index: this.#kept.index, answers: chosen(this.#kept) });
    }
    #set(changes) {
        const next = { ...this.#state, ...changes };
        this.#state = { ...next, question: next.questions.get(next.index) };
        for (const listener of this.#listeners)
            listener();
    }
}
function chosen({ answers }) {
    return new Map(Object.entries(answers).map(([index, { choice }]) => [Number(index), choice]));
}
function asError(error) {
    return error instanceof Error ? error : new Error(String(error));
}
/** When to try again: after Retry-After, else after a pause that doubles; never by itself when it would not help. */
function retryAt(error, failures) {
    if (!(error instanceof Unreachable || (error instanceof ApiError && error.isTemporary)))
        return undefined;
    const asked = error instanceof ApiError && error.retryAfterS !== undefined ? error.retryAfterS * 1000 : undefined;
    return Date.now() + (asked ?? Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** failures));
}
/** Ends at this time, or when stopped; without a time only when stopped. */
async function until(time, stop) {
    const longest = 2 ** 31 - 1;
    const left = time === undefined ? longest : Math.max(0, Math.min(longest, time - Date.now()));
    await pause(left, stop).catch(() => undefined);
}
