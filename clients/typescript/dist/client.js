/** One method for each call of the API; types come from its OpenAPI description. */
import { ApiError, Unreachable, errorOf } from "./errors.js";
import { follow, pause } from "./events.js";
/** How many times a call is made when the network or the API fails temporarily. */
const TRIES = 5;
/** A longer Retry-After is not waited for but thrown as ApiError: a limit may last until midnight. */
const LONGEST_WAIT_S = 60;
export class TafawoqClient {
    exams;
    practice;
    constructor(options) {
        this.exams = new Sessions(options, "/api/exams");
        this.practice = new Sessions(options, "/api/practice");
    }
}
/** Exams, or practice sessions: the calls are the same. */
export class Sessions {
    #options;
    #path;
    constructor(options, path) {
        this.#options = options;
        this.#path = path;
    }
    /**
     * Creates a session. Retries when the network fails, with the same Idempotency-Key, so that a lost answer
     * creates only one session. Each call makes its own key: to make a double click safe too, pass a key that you
     * made when the page was shown.
     */
    async create(wanted, { idempotencyKey = crypto.randomUUID(), ...options } = {}) {
        const headers = { ...prefer(options), "Idempotency-Key": idempotencyKey };
        const call = { method: "POST", body: wanted, headers, ...signal(options) };
        return await withRetries(() => this.#json("", call), options.signal);
    }
    async read(id, { tries, ...options } = {}) {
        return await withRetries(() => this.#json(`/${id}`, options), options.signal, tries);
    }
    async list(page = {}) {
        const query = new URLSearchParams(Object.entries(page).map(([name, value]) => [name, String(value)]));
        return await this.#json(`?${query}`);
    }
    /** One call for a batch, without retries. Throws ApiError 409 when the batch is in progress. */
    async ask(id, batchIndex, options = {}) {
        const call = { method: "POST", body: { batchIndex }, headers: prefer(options), ...signal(options) };
        const response = await this.#call(`/${id}/questions`, call);
        if (response.status !== 202)
            return { ready: true, batch: (await response.json()) };
        const retryAfterS = Number(response.headers.get("Retry-After") ?? 2);
        return { ready: false, pending: (await response.json()), retryAfterS };
    }
    /**
     * The batch, however long it takes: joins a run in progress, retries after Retry-After and after a lost
     * connection. Throws ApiError when a retry would not help, or not within a minute.
     */
    async batch(id, batchIndex, options = {}) {
        for (;;) {
            const asked = await withRetries(() => this.ask(id, batchIndex, { waitS: 30, ...options }), options.signal, Infinity);
            if (asked.ready)
                return asked.batch;
            await pause(asked.retryAfterS * 1000, options.signal);
        }
    }
    /** Reports the student's position, 0-based in the session; the API prefetches the next batch when it is due. */
    async progress(id, questionIndex, options = {}) {
        const call = { method: "POST", body: { questionIndex }, ...signal(options) };
        return await withRetries(() => this.#json(`/${id}/progress`, call), options.signal);
    }
    /** Reports that the question at this index is wrong; a second report of the same question changes nothing. */
    async report(id, index, report) {
        const call = { method: "POST", body: report };
        return await withRetries(() => this.#json(`/${id}/questions/${index}/reports`, call));
    }
    async cancel(id) {
        return await this.#json(`/${id}/cancel`, { method: "POST" });
    }
    async pause(id) {
        return await this.#json(`/${id}/pause`, { method: "POST" });
    }
    async resume(id) {
        return await this.#json(`/${id}/resume`, { method: "POST" });
    }
    /** All events of the session as they are committed, each once, across lost connections. */
    events(id, options = {}) {
        const open = async (lastSeq, stop) => await this.#sent(`/${id}/events`, { headers: { "Last-Event-ID": String(lastSeq) }, signal: stop });
        return follow(open, options);
    }
    async #json(path, call = {}) {
        return (await (await this.#call(path, call)).json());
    }
    async #call(path, call) {
        const response = await this.#sent(path, call);
        if (!response.ok)
            throw await errorOf(response);
        return response;
    }
    async #sent(path, { method = "GET", body, headers, signal }) {
        const { baseUrl, headers: own, fetch: send = globalThis.fetch } = this.#options;
        const sent = { ...(await own?.()), ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
        const init = { method, headers: sent, cache: "no-store" };
        if (body !== undefined)
            init.body = JSON.stringify(body);
        if (signal !== undefined)
            init.signal = signal;
        try {
            return await send(baseUrl + this.#path + path, init);
        }
        catch (error) {
            throw signal?.aborted ? error : new Unreachable(error);
        }
    }
}
function prefer({ waitS }) {
    return waitS === undefined ? {} : { Prefer: waitS === 0 ? "respond-async" : `wait=${waitS}` };
}
function signal(from) {
    return from.signal === undefined ? {} : { signal: from.signal };
}
/**
 * Retries a call that may be repeated: after Retry-After, else after a pause that doubles. Throws the error after
 * `tries` calls, or when Retry-After is longer than LONGEST_WAIT_S: then the student should read why.
 */
async function withRetries(call, stop, tries = TRIES) {
    for (let failures = 1;; failures += 1) {
        try {
            return await call();
        }
        catch (error) {
            const isTemporary = error instanceof Unreachable || (error instanceof ApiError && error.isTemporary);
            if (!isTemporary || failures >= tries || stop?.aborted)
                throw error;
            const asked = error instanceof ApiError ? error.retryAfterS : undefined;
            if (asked !== undefined && asked > LONGEST_WAIT_S)
                throw error;
            await pause((asked ?? Math.min(30, 2 ** (failures - 1))) * 1000, stop);
        }
    }
}
