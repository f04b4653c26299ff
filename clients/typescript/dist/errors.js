/** An error answer of the API. `message` is the Arabic sentence for the student, `code` is for programs. */
export class ApiError extends Error {
    status;
    body;
    retryAfterS;
    code;
    constructor(status, body, 
    /** Seconds to wait before a retry; undefined when the API sent no Retry-After. */
    retryAfterS) {
        super(body.error ?? `HTTP ${status}`);
        this.status = status;
        this.body = body;
        this.retryAfterS = retryAfterS;
        this.name = "ApiError";
        this.code = body.code ?? "unknown";
    }
    /** Whether the same call may succeed later. */
    get isTemporary() {
        return this.retryAfterS !== undefined || this.status >= 500;
    }
}
/** No answer arrived: there is no network, or the connection to the API broke. */
export class Unreachable extends Error {
    constructor(cause) {
        super("The generation service could not be reached.", { cause });
        this.name = "Unreachable";
    }
}
export async function errorOf(response) {
    const body = (await response.json().catch(() => ({})));
    const seconds = Number(response.headers.get("Retry-After") ?? "none");
    return new ApiError(response.status, body, Number.isFinite(seconds) ? seconds : undefined);
}
