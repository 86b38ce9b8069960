/** Requests and answers in the protocols of the services: query (form in, XML out), JSON, and REST. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from './index.ts';
import { type Xml, xml } from './xml.ts';

export interface Call {
  /** As the signature names it. */
  readonly service: string;
  readonly action: string;
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Members of a query or JSON request. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service takes
  readonly params: any;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The result of a query action, without its two envelopes. */
  readonly result?: Xml;
  readonly json?: unknown;
  readonly xml?: string;
  /** Of an answer without a body. */
  readonly length?: number;
}

export class ServiceError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export async function readCall(request: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://x');
  const path = decodeURIComponent(pathname);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const scope = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers['authorization'] ?? '');
  const service = scope?.[1] ?? (path.startsWith('/api/') ? 'api' : 'unsigned');
  const method = request.method ?? 'GET';
  const target = headers['x-amz-target'];
  const base = { service, method, path, query, headers, body };
  if (target !== undefined)
    return { ...base, action: target.split('.')[1] ?? '', params: JSON.parse(body.toString() || '{}') };
  if (headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
    const params = unflatten(new URLSearchParams(body.toString()));
    return { ...base, action: String(params['Action']), params };
  }
  return { ...base, action: `${method} ${service === 's3' ? s3Action(path, query) : path}`, params: {} };
}

/** What a REST request of S3 is about. */
function s3Action(path: string, query: URLSearchParams): string {
  const [, , ...key] = path.split('/');
  if (query.has('versions')) return 'versions';
  if (query.has('delete')) return 'delete';
  return key.join('/') === '' ? 'bucket' : 'object';
}

/** `Parameters.member.1.ParameterKey=a` becomes `{Parameters: [{ParameterKey: 'a'}]}`. */
function unflatten(form: URLSearchParams): Record<string, unknown> {
  // biome-ignore lint/suspicious/noExplicitAny: a tree of strings
  const tree: any = {};
  for (const [name, value] of form) {
    // An empty list: `Parameters=`. Its default does.
    if (value === '' && !name.includes('.')) continue;
    let at = tree;
    const parts = name.split('.');
    for (const part of parts.slice(0, -1)) {
      at[part] ??= {};
      at = at[part];
    }
    at[parts.at(-1) as string] = value;
  }
  // biome-ignore lint/suspicious/noExplicitAny: a tree of strings
  const lists = (node: any): any => {
    if (typeof node !== 'object') return node;
    if (node.member !== undefined) return Object.values(node.member).map(lists);
    return Object.fromEntries(Object.entries(node).map(([name, inner]) => [name, lists(inner)]));
  };
  return lists(tree);
}

const NAMED: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  throttle: [400, 'Throttling', 'Rate exceeded'],
  expired: [403, 'ExpiredToken', 'The security token included in the request is expired'],
};

export function errorFor(call: Call, fault: Fault | ServiceError): Reply {
  const denied = `User: arn:aws:iam::123456789012:user/me is not authorized to perform: ${call.service}:${call.action}`;
  const [status, code, message] =
    typeof fault === 'object'
      ? [fault.status, fault.code, fault.message]
      : fault === 'denied'
        ? [
            call.service === 's3' || call.service === 'iam' ? 403 : 400,
            ['s3', 'iam', 'cloudformation', 'sts'].includes(call.service)
              ? 'AccessDenied'
              : 'AccessDeniedException',
            denied,
          ]
        : (NAMED[fault] ?? [500, 'InternalFailure', 'broken']);
  const json = isJson(call);
  const named =
    json && !code.endsWith('Exception') && fault !== 'denied' && typeof fault === 'string'
      ? `${code}Exception`
      : code;
  if (json)
    return {
      status,
      headers: { 'x-amzn-errortype': named },
      json: { __type: named, message, Message: message },
    };
  if (call.service === 's3')
    return { status, xml: call.method === 'HEAD' ? '' : xml({ Error: { Code: code, Message: message } }) };
  return {
    status,
    xml: xml({
      ErrorResponse: { Error: { Type: 'Sender', Code: code, Message: message }, RequestId: REQUEST_ID },
    }),
  };
}

const REQUEST_ID = '5f0c3a1e-1111-4000-8000-000000000001';
const isJson = (call: Call): boolean =>
  call.headers['x-amz-target'] !== undefined || call.service === 'apigateway' || call.service === 'api';

export function answer(response: ServerResponse, call: Call, reply: Reply): void {
  response.statusCode = reply.status ?? 200;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.setHeader('x-amzn-requestid', REQUEST_ID);
  response.setHeader('x-amz-request-id', REQUEST_ID);
  const { result } = reply;
  let text = '';
  if (result !== undefined) {
    response.setHeader('content-type', 'text/xml');
    text = xml({
      [`${call.action}Response`]: {
        [`${call.action}Result`]: result,
        ResponseMetadata: { RequestId: REQUEST_ID },
      },
    });
  } else if (reply.json !== undefined) {
    response.setHeader('content-type', 'application/json');
    text = JSON.stringify(reply.json);
  } else if (reply.xml !== undefined) {
    response.setHeader('content-type', 'application/xml');
    text = reply.xml;
  }
  response.setHeader('content-length', reply.length ?? Buffer.byteLength(text));
  if (call.method === 'HEAD') response.end();
  else response.end(text);
}
