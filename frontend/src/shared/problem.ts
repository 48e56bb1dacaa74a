/** One wrong field of a request, as the API's problem details list it. */
export interface FieldError {
  field: string;
  message: string;
  /** what would have been right, where that is not in the message */
  expected?: string;
  /** what kind of fault it is, and the values that the message speaks of: to say it in another language */
  code?: string;
  params?: Readonly<Record<string, unknown>>;
}

/** A request that failed, in the API's own words (RFC 9457), or because the network did not carry it. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    /** HTTP status; 0 when no answer came at all. */
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
    readonly requestId: string | null = null,
    /** Seconds that the server asked to wait before the next try. */
    readonly retryAfter: number | null = null,
    /** Stable name of the kind of problem; empty where none came. */
    readonly code = '',
  ) {
    super(detail || title);
  }

  get isNetwork(): boolean {
    return this.status === 0;
  }

  /** Whether the same request may succeed later: the network, an overload, or a dependency that is down. */
  get isTemporary(): boolean {
    return this.isNetwork || this.status === 429 || this.status >= 502;
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function asValues(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function asFieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null)
    .map((item) => {
      const [message, expected] = [asText(item.message), asText(item.expected)];
      return {
        field: asText(item.field),
        message: message || expected,
        ...(message && expected && { expected }),
        ...(asText(item.code) && { code: asText(item.code), params: asValues(item.params) }),
      };
    });
}

/** Reads a problem out of an answer's status, headers and parsed body; a body of another shape (a proxy's page) is no error. */
export function problemFrom(response: Response, body: unknown): ApiProblem {
  const fields = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ApiProblem(
    response.status,
    asText(fields.title) || response.statusText || `HTTP ${response.status}`,
    asText(fields.detail),
    asFieldErrors(fields.errors),
    asText(fields.request_id) || response.headers.get('x-request-id'),
    Number.isFinite(wait) ? wait : null,
    asText(fields.code),
  );
}

/** Any thrown value as a problem. */
export function toProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof Error) return new ApiProblem(-1, error.name, error.message);
  return new ApiProblem(-1, 'Error', String(error));
}
