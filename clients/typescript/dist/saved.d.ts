/** What a browser keeps of a session: the answers, the place, and the number of the last event seen. */
/** Where it is kept. `subscribe` calls back when another tab has changed the value, and returns how to stop that. */
export interface KeyValueStore {
    get(key: string): string | null;
    set(key: string, value: string): void;
    remove(key: string): void;
    subscribe(key: string, changed: () => void): () => void;
}
/**
 * localStorage (all tabs, until removed) or sessionStorage (this tab). Where the browser allows neither, or the
 * storage is full, the session goes on and is not kept.
 */
export declare function browserStore(kind?: "local" | "session"): KeyValueStore;
/** For Node, tests, and pages that must keep nothing. */
export declare function memoryStore(): KeyValueStore;
/** `at`: when it was chosen, in ms since 1970; of two tabs the later answer holds. */
export interface KeptAnswer {
    choice: number;
    at: number;
}
export interface Kept {
    seq: number;
    index: number;
    answers: Record<number, KeptAnswer>;
}
export declare function readKept(store: KeyValueStore, key: string): Kept;
/** Two tabs' knowledge as one: the later answers, and the later event. */
export declare function merged(ours: Kept, theirs: Kept): Kept;
