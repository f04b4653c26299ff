import type { ErrorShape } from "./schema.js";
/** An error answer of the API. `message` is the Arabic sentence for the student, `code` is for programs. */
export declare class ApiError extends Error {
    readonly status: number;
    readonly body: Partial<ErrorShape>;
    /** Seconds to wait before a retry; undefined when the API sent no Retry-After. */
    readonly retryAfterS: number | undefined;
    readonly code: ErrorShape["code"] | "unknown";
    constructor(status: number, body: Partial<ErrorShape>, 
    /** Seconds to wait before a retry; undefined when the API sent no Retry-After. */
    retryAfterS: number | undefined);
    /** Whether the same call may succeed later. */
    get isTemporary(): boolean;
}
/** No answer arrived: there is no network, or the connection to the API broke. */
export declare class Unreachable extends Error {
    constructor(cause: unknown);
}
export declare function errorOf(response: Response): Promise<ApiError>;
