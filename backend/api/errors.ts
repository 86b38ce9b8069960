/** The API's one error shape, and which errors become which answers. */
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { RefusedError } from '../pipeline/accept.ts';

/** An answer that isn't a success: HTTP status, a code for programs, a message for people. */
export class ApiError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  constructor(status: ContentfulStatusCode, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const REFUSED: Record<RefusedError['code'], ContentfulStatusCode> = {
  bad_record: 400,
  empty: 400,
  too_large: 413,
  conflict: 409,
  closed: 409,
  expired_id: 409,
};

/** Any error as an API error. What isn't known is 503: nothing was acknowledged, so sending it again is safe. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof RefusedError) return new ApiError(REFUSED[error.code], error.code, error.message);
  if (error instanceof HTTPException)
    return new ApiError(error.status as ContentfulStatusCode, 'bad_request', error.message);
  const message = error instanceof Error ? error.message : String(error);
  const full = /\bdisk\b|ENOSPC|EDQUOT/.test(message) ? ' (is the disk full?)' : '';
  return new ApiError(
    503,
    'unavailable',
    `it could not be stored or read: ${message}${full}; nothing was acknowledged, send it again`,
  );
}
