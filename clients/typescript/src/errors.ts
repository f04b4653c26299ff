import type { ErrorShape } from "./schema.js";

/** The API said no. `message` is the Arabic sentence for the student, `code` is for programs. */
export class ApiError extends Error {
  readonly code: ErrorShape["code"] | "unknown";

  constructor(
    readonly status: number,
    readonly body: Partial<ErrorShape>,
    /** Seconds until it makes sense to ask again; undefined when asking again would not help. */
    readonly retryAfterS: number | undefined,
  ) {
    super(body.error ?? `HTTP ${status}`);
    this.name = "ApiError";
    this.code = body.code ?? "unknown";
  }

  /** Whether the same call may succeed later. */
  get isPassing(): boolean {
    return this.retryAfterS !== undefined || this.status >= 500;
  }
}

/** No answer came: the network is away, or something between here and the API broke off. */
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
