/** What SageMaker's refusals and failures mean. Pure. */
import type { JobErrorCode } from '../core/job.ts';
import type { TransformStatus } from '../core/transform-job.ts';
import type { CreateOutcome, TransformFault } from '../ports/transforms.ts';

/** What of an error of the SDK is looked at. */
interface ServiceError {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number | undefined };
}

/** Throttles, by the names that AWS services use (AWS SDKs, retry behavior). */
const THROTTLED =
  /^(Throttl|TooManyRequests|RequestLimitExceeded|RequestThrottled|SlowDown|BandwidthLimitExceeded|LimitExceeded|PriorRequestNotComplete)/;
/** The caller's own credentials or clock: it says nothing of the transform job. */
const CREDENTIALS =
  /^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|RequestExpired|IncompleteSignature|MissingAuthenticationToken|CredentialsProvider|TokenProvider)/;
const DENIED = /^(AccessDenied|NotAuthorized|UnauthorizedOperation|OptInRequired)/;
/** What a ValidationException says when it is about the model, its role, its image, or what the role may read. */
const ABOUT_MODEL = /model|role|permission|access|authoriz|image|s3 url/i;

/** What a refused CreateTransformJob means; undefined when it is not known whether it was refused at all: throw it. */
export function refusalOf(error: unknown): Exclude<CreateOutcome, { kind: 'created' }> | undefined {
  const { name = '', message = '', $metadata } = error as ServiceError;
  const status = $metadata?.httpStatusCode;
  if (CREDENTIALS.test(name)) return undefined;
  if (name === 'ResourceLimitExceeded' || THROTTLED.test(name)) return later(name, message);
  if (DENIED.test(name) || name.startsWith('ResourceNotFound')) return never('model_unavailable', message);
  if (name === 'ValidationException')
    return never(ABOUT_MODEL.test(message) ? 'model_unavailable' : 'transform_failed', message);
  // Any other answer, 5xx too, is waited out: the jobs have a deadline, and then this is their reason.
  return status === undefined ? undefined : later(name, message);
}

function later(name: string, message: string): { kind: 'later'; reason: string } {
  return { kind: 'later', reason: `${name}: ${message}` };
}

function never(
  code: JobErrorCode,
  message: string,
): { kind: 'never'; error: { code: JobErrorCode; message: string } } {
  return { kind: 'never', error: { code, message } };
}

/** The name is taken: by this very job, as far as the name goes. */
export function isInUse(error: unknown): boolean {
  return (error as ServiceError).name === 'ResourceInUse';
}

/** DescribeTransformJob or StopTransformJob of a job that isn't there. */
export function isUnknownJob(error: unknown): boolean {
  const { name = '', message = '' } = error as ServiceError;
  return (
    name.startsWith('ResourceNotFound') ||
    (name === 'ValidationException' && /could not find|does not exist/i.test(message))
  );
}

/** StopTransformJob of a job that has ended or is stopping. */
export function isOver(error: unknown): boolean {
  const { name = '', message = '' } = error as ServiceError;
  return name === 'ValidationException' && /in status|already|cannot be stopped|has ended/i.test(message);
}

/** Nobody's fault but AWS's: capacity and internal errors. */
const PLATFORM =
  /CapacityError|InsufficientInstanceCapacity|InternalServerError|InternalFailure|ServiceUnavailable|unable to provision|insufficient capacity|internal error|throttl/i;
/** The container never answered `GET /ping`. */
const NOT_READY =
  /\bping\b|health ?check|(did|does|could) not (start|become)|failed to (start|become|launch)|never became|not (become )?ready/i;
/** The model's role may not read or write, or the model, its data or its image isn't there. */
const ACCESS =
  /access ?denied|not authoriz|forbidden|\b403\b|permission|assume (the )?role|no ?such ?bucket|could not (find|access) (the )?model|model (data|artifact|package)|(pull|find|access) .*image/i;

/** Whose fault it is that a transform job ended as it did; undefined for nobody's, and for one that was stopped. */
export function faultOf(status: TransformStatus, reason: string | undefined): TransformFault | undefined {
  if (status !== 'Failed') return undefined;
  const said = reason ?? '';
  if (PLATFORM.test(said)) return 'platform';
  if (NOT_READY.test(said)) return 'model';
  if (ACCESS.test(said)) return 'access';
  return 'records';
}
