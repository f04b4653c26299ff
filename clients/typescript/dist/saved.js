/** What a browser keeps of a session: the answers, the place, and the number of the last event seen. */
/**
 * localStorage (all tabs, until removed) or sessionStorage (this tab). Where the browser allows neither, or the
 * storage is full, the session goes on and is not kept.
 */
export function browserStore(kind = "local") {
    const storage = () => (kind === "local" ? globalThis.localStorage : globalThis.sessionStorage);
    return {
        get: (key) => allowed(() => storage().getItem(key)) ?? null,
        set: (key, value) => void allowed(() => storage().setItem(key, value)),
        remove: (key) => void allowed(() => storage().removeItem(key)),
        subscribe: (key, changed) => {
            const heard = (event) => {
                if (event.key === key || event.key === null)
                    changed();
            };
            globalThis.addEventListener?.("storage", heard);
            return () => globalThis.removeEventListener?.("storage", heard);
        },
    };
}
/** For Node, tests, and pages that must keep nothing. */
export function memoryStore() {
    const values = new Map();
    return {
        get: (key) => values.get(key) ?? null,
        set: (key, value) => void values.set(key, value),
        remove: (key) => void values.delete(key),
        subscribe: () => () => undefined,
    };
}
function allowed(access) {
    try {
        return access();
    }
    catch {
        return undefined; // a browser may forbid the storage, or it is full
    }
}
const NOTHING = { seq: 0, index: 0, answers: {} };
export function readKept(store, key) {
    try {
        const kept = JSON.parse(store.get(key) ?? "{}");
        return { seq: number(kept.seq), index: number(kept.index), answers: answersIn(kept.answers) };
    }
    catch {
        return NOTHING; // written by something else
    }
}
/** Two tabs' knowledge as one: the later answers, and the later event. */
export function merged(ours, theirs) {
    const answers = { ...theirs.answers };
    for (const [index, answer] of Object.entries(ours.answers)) {
        const other = answers[Number(index)];
        if (other === undefined || answer.at >= other.at)
            answers[Number(index)] = answer;
    }
    return { seq: Math.max(ours.seq, theirs.seq), index: ours.index, answers };
}
function answersIn(kept) {
    const entries = Object.entries((kept ?? {}));
    const whole = entries.filter(([, answer]) => Number.isInteger(answer?.choice) && Number.isFinite(answer?.at));
    return Object.fromEntries(whole);
}
function number(value) {
    return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
