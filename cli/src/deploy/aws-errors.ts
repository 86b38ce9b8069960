/** Errors of the AWS SDK as errors for people: what was being done, whose credentials, what to run. */
import { CliError, type CliErrorDetails, usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { shellQuote } from '../ui/format.ts';

export interface Caller {
  /** What was going on: "reading stack batchml". */
  readonly doing: string;
  /** The AWS profile in use, and what named it (`--aws-profile`, `AWS_PROFILE`, a profile of ours). */
  readonly profile: string | undefined;
  readonly profileFrom: string | undefined;
  /** Keys come from environment variables. */
  readonly keysInEnvironment: boolean;
}

function field(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined;
}
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Credentials that can't be had, or that AWS knows no more. */
const NO_CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;
const REFUSED =
  /^(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired|InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignatureException|AuthFailure|MissingAuthenticationToken(Exception)?|IncompleteSignature(Exception)?|InvalidToken)$/;
const SKEWED = /^RequestTimeTooSkewed$|Signature not yet current|Signature expired/;
const DENIED =
  /^(AccessDenied(Exception)?|UnauthorizedOperation|NotAuthorized(Exception)?|Forbidden|OptInRequired)$/;
const THROTTLED = /^(Throttling(Exception)?|TooManyRequests(Exception)?|RequestLimitExceeded|SlowDown)$/;
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
]);

/** No answer came: a later request may get one. */
export function isUnreachable(error: unknown): boolean {
  const code = text(field(error, 'code'));
  return (
    UNREACHABLE.has(code) ||
    text(field(error, 'name')) === 'TimeoutError' ||
    /socket hang up|premature/i.test(text(field(error, 'message')))
  );
}

export function isDenied(error: unknown): boolean {
  const status = field(field(error, '$metadata'), 'httpStatusCode');
  return (
    DENIED.test(text(field(error, 'name'))) || (status === 403 && !REFUSED.test(text(field(error, 'name'))))
  );
}

/** Without credentials nothing else will do either. */
export function isRefused(error: unknown): boolean {
  const name = text(field(error, 'name'));
  return NO_CREDENTIALS.test(name) || REFUSED.test(name);
}

export function isThrottled(error: unknown): boolean {
  return THROTTLED.test(text(field(error, 'name')));
}

/** Any error as one that can be shown; those that are none of AWS's pass. */
export function explainAws(error: unknown, caller: Caller): unknown {
  if (CliError.is(error)) return error;
  const name = text(field(error, 'name'));
  const message = text(field(error, 'message'));
  const requestId = text(field(field(error, '$metadata'), 'requestId'));
  const data = requestId === '' ? {} : { data: { requestId } };
  const base = { cause: error, ...data };
  const make = (what: string, details: CliErrorDetails): CliError =>
    new CliError(what, { ...base, ...details });
  const why = requestId === '' ? message : `${message}\nRequest ID: ${requestId}`;
  if (/Region is missing/i.test(message))
    return usageError('which AWS region?', {
      ...base,
      why: 'neither --region nor AWS_REGION is given, and the AWS profile names none',
      next: ['say it: --region eu-west-1'],
    });
  if (SKEWED.test(`${name} ${message}`) || SKEWED.test(name))
    return make('AWS refuses the time of this machine', {
      code: 'clock_skew',
      exitCode: EXIT.refused,
      why,
      next: ['set its clock'],
    });
  if (isRefused(error))
    return make(
      NO_CREDENTIALS.test(name)
        ? `no AWS credentials from ${sourceOf(caller)}`
        : `AWS refuses the credentials from ${sourceOf(caller)}`,
      { code: 'credentials', exitCode: EXIT.refused, why, next: renewals(caller, message) },
    );
  if (isDenied(error))
    return make(`not allowed: ${caller.doing}`, {
      code: 'denied',
      exitCode: EXIT.refused,
      why,
      next: [
        `let ${caller.profile === undefined ? 'this user or role' : `profile ${caller.profile}`} do it, or take another: --aws-profile NAME`,
      ],
    });
  if (isThrottled(error))
    return make(`AWS asks to slow down: ${caller.doing}`, {
      code: 'throttled',
      why,
      next: ['wait a minute, then run the same command again'],
    });
  if (isUnreachable(error))
    return make(`AWS can't be reached: ${caller.doing}`, {
      code: 'unreachable',
      why: message,
      next: ['check the network (and HTTPS_PROXY), then run the same command again'],
    });
  if (field(error, '$fault') !== undefined || field(error, '$metadata') !== undefined)
    return make(`AWS refuses: ${caller.doing}`, { code: name === '' ? 'aws' : name, why });
  return error;
}

function sourceOf({ profile, profileFrom, keysInEnvironment }: Caller): string {
  if (profile !== undefined)
    return `AWS profile ${profile}${profileFrom === undefined ? '' : ` (${profileFrom})`}`;
  if (keysInEnvironment) return 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  return "the SDK's default chain (environment, default profile, SSO, process, container, instance)";
}

/** What to run, by what the error speaks of; the most useful last. */
function renewals({ profile, keysInEnvironment }: Caller, message: string): string[] {
  const named = profile === undefined ? '' : ` --profile ${shellQuote(profile)}`;
  if (/SSO|sso/.test(message)) return [`aws sso login${named}`];
  // The SDK says no more of a profile that there is not.
  if (profile !== undefined && /could not|not found/i.test(message))
    return [
      `aws configure sso${named}`,
      `aws sso login${named}`,
      'or see which profiles there are: aws configure list-profiles',
    ];
  if (profile === undefined && keysInEnvironment)
    return ['set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN anew, or unset them'];
  return [`aws configure${named}`, `aws sso login${named}`];
}
