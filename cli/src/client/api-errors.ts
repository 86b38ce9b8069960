/** What can go wrong between this program and the API, as errors that can be shown. */
import { CliError, DISK_FULL, isDiskFull } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

const CLOSED = 'it was cancelled or closed; take another name: --submission-id NAME';

/** The API answered, with an error. */
export class ApiError extends CliError {
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(status: number, code: string, message: string, retryAfterMs?: number) {
    const why = status >= 500 ? { why: `the API answered ${status}` } : {};
    const next = code === 'closed' ? { next: [CLOSED] } : {};
    super(message, { code, ...why, ...next, ...(isDiskFull(message) ? DISK_FULL : {}) });
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** The API understood and said no: the same once more would be refused once more. */
  get refusal(): boolean {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

/** The API didn't answer. */
export class UnreachableError extends CliError {
  /** Nobody listens there: not a matter of waiting. */
  readonly nobody: boolean;

  private constructor(endpoint: string, code: string, text: string, cause: unknown) {
    super(`${endpoint} can't be reached`, {
      code: 'unreachable',
      why: text,
      next: ['is it running? The local one starts with: batchml local --model URL'],
      cause,
    });
    this.nobody = code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EHOSTUNREACH';
  }

  /** A failed request as this error; undefined when it wasn't the network that failed. */
  static from(endpoint: string, cause: unknown): UnreachableError | undefined {
    const { code, text } = reason(cause);
    return code === undefined ? undefined : new UnreachableError(endpoint, code, text, cause);
  }
}

/** Something answered that doesn't speak batchml's API. */
export function strangerError(endpoint: string, what: string): CliError {
  return new CliError(`this is not a batchml API: ${endpoint}`, {
    code: 'not_batchml',
    why: what,
    next: ['check BATCHML_ENDPOINT, or the profile: batchml info'],
  });
}

export function refusedError(endpoint: string): CliError {
  return new CliError(`${endpoint} refused the API key`, {
    code: 'key_refused',
    exitCode: EXIT.refused,
    next: [
      'see which key and endpoint are in use: batchml info',
      'set BATCHML_API_KEY, or choose a profile: --profile NAME',
    ],
  });
}

export function unknownIdError(id: string): CliError {
  return new CliError(`there is no job or submission ${id}`, {
    code: 'not_found',
    why: 'it was never accepted here, or another profile holds it',
    next: ['see what there is: batchml list'],
    data: { id },
  });
}

const TEXTS: Record<string, string> = {
  ECONNREFUSED: 'connection refused: nothing listens there',
  ENOTFOUND: 'the host name is not known',
  EHOSTUNREACH: 'no way to that host',
  ECONNRESET: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped half-way',
};

/** The innermost code and words of a network error. */
function reason(error: unknown): { code: string | undefined; text: string } {
  let code: string | undefined;
  let text = String(error);
  for (
    let at: unknown = error;
    typeof at === 'object' && at !== null;
    at = (at as { cause?: unknown }).cause
  ) {
    const found = (at as { code?: unknown }).code;
    if (typeof found === 'string') code = found;
    const message = (at as { message?: unknown }).message;
    if (typeof message === 'string' && message !== '') text = message;
  }
  return { code, text: (code === undefined ? undefined : TEXTS[code]) ?? text };
}
