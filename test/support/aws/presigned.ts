/**
 * What Amazon S3 makes of a presigned URL, by its documentation ("Authenticating Requests: Using Query Parameters (AWS
 * Signature Version 4)"): the six parameters, the time that it is good for, and the signature, computed anew from the
 * request. An ended one is answered 403 `AccessDenied`, `Request has expired` (aws-sdk-js#3493 quotes it).
 */
import { createHash, createHmac } from 'node:crypto';

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

const MUST = ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature'];
/** S3 takes no longer time than this, in seconds. */
const LONGEST_S = 604_800;

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
/** As RFC 3986 has it: all but letters, digits and `-._~`. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/** Why S3 refuses the request; undefined: it takes it. */
export function presignedRefusal(request: Request, secret: string, now: number): Refusal | undefined {
  const url = new URL(request.url);
  const part = (name: string): string => url.searchParams.get(`X-Amz-${name}`) ?? '';
  const wrong = { status: 400, code: 'AuthorizationQueryParametersError' };
  const missing = MUST.filter((name) => part(name) === '');
  if (missing.length > 0)
    return { ...wrong, message: `Query-string authentication requires X-Amz-${missing[0]}` };
  const expires = Number(part('Expires'));
  if (!(expires > 0 && expires <= LONGEST_S))
    return { ...wrong, message: 'X-Amz-Expires must be less than a week (in seconds)' };
  const signedAt = Date.parse(
    part('Date').replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'),
  );
  if (now > signedAt + expires * 1000)
    return { status: 403, code: 'AccessDenied', message: 'Request has expired' };
  if (signatureOf(request, url, part, secret) !== part('Signature'))
    return { status: 403, code: 'SignatureDoesNotMatch', message: 'The signatures do not match' };
  return undefined;
}

function signatureOf(request: Request, url: URL, part: (name: string) => string, secret: string): string {
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const signed = part('SignedHeaders').split(';');
  const headers = signed.map(
    (name) => `${name}:${name === 'host' ? url.host : (request.headers.get(name) ?? '')}\n`,
  );
  const canonical = [
    request.method,
    url.pathname,
    query.join('&'),
    headers.join(''),
    signed.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const [, ...scope] = part('Credential').split('/');
  const toSign = [
    part('Algorithm'),
    part('Date'),
    scope.join('/'),
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  let key: string | Buffer = `AWS4${secret}`;
  for (const each of scope) key = hmac(key, each);
  return hmac(key, toSign).toString('hex');
}
