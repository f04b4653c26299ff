import type { ErrorShape } from "./schema.js";

/** An error answer of the API. `message` is the Arabic sentence for the student, `code` is for programs. */
export class ApiError extends Error {
  readonly code: ErrorShape["code"] | "unknown";

  constructor(
    readonly status: number,
    readonly body: Partial<ErrorShape>,
    /** Seconds to wait before a retry; undefined when the API sent no Retry-After. */
    readonly retryAfterS: number | undefined,
  ) {
    super(body.error ?? `HTTP ${status}`);
    this.name = "ApiError";
    this.code = body.code ?? "unknown";
  }

  /** Whether the same call may succeed later. */
  get isTemporary(): boolean {
    return this.retryAfterS !== undefined || this.status >= 500;
  }
}

/** No answer arrived: there is no network, or the connection to the API broke. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("The generation service could not be reached.", { cause });
    this.name = "Unreachable";
  }
}

export async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as Partial<ErrorShape>;
  const seconds = Number(response.headers.get("Retry-After") ?? "none");
  return new ApiError(response.status, body, Number.isFinite(seconds) ? seconds : undefined);
}
