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
export function browserStore(kind: "local" | "session" = "local"): KeyValueStore {
  const storage = (): Storage => (kind === "local" ? globalThis.localStorage : globalThis.sessionStorage);
  return {
    get: (key) => allowed(() => storage().getItem(key)) ?? null,
    set: (key, value) => void allowed(() => storage().setItem(key, value)),
    remove: (key) => void allowed(() => storage().removeItem(key)),
    subscribe: (key, changed) => {
      const heard = (event: StorageEvent) => {
        if (event.key === key || event.key === null) changed();
      };
      globalThis.addEventListener?.("storage", heard);
      return () => globalThis.removeEventListener?.("storage", heard);
    },
  };
}

/** For Node, tests, and pages that must keep nothing. */
export function memoryStore(): KeyValueStore {
  const values = new Map<string, string>();
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
    subscribe: () => () => undefined,
  };
}

function allowed<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch {
    return undefined; // a browser may forbid the storage, or it is full
  }
}

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

const NOTHING: Kept = { seq: 0, index: 0, answers: {} };

export function readKept(store: KeyValueStore, key: string): Kept {
  try {
    const kept = JSON.parse(store.get(key) ?? "{}") as Partial<Kept>;
    return { seq: number(kept.seq), index: number(kept.index), answers: answersIn(kept.answers) };
  } catch {
    return NOTHING; // written by something else
  }
}

/** Two tabs' knowledge as one: the later answers, and the later event. */
export function merged(ours: Kept, theirs: Kept): Kept {
  const answers = { ...theirs.answers };
  for (const [index, answer] of Object.entries(ours.answers)) {
    const other = answers[Number(index)];
    if (other === undefined || answer.at >= other.at) answers[Number(index)] = answer;
  }
  return { seq: Math.max(ours.seq, theirs.seq), index: ours.index, answers };
}

function answersIn(kept: unknown): Record<number, KeptAnswer> {
  const entries = Object.entries((kept ?? {}) as Record<string, Partial<KeptAnswer> | null>);
  const whole = entries.filter(([, answer]) => Number.isInteger(answer?.choice) && Number.isFinite(answer?.at));
  return Object.fromEntries(whole) as Record<number, KeptAnswer>;
}

function number(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0;
}
