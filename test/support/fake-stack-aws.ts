/**
 * One deployed stack as AWS tells of it, over HTTP on 127.0.0.1 for the SDK's real clients:
 *
 * - STS GetCallerIdentity; `Date` of every answer is `skewMs` off.
 * - CloudFormation DescribeStacks and ListStackResources of `stack`; any other name "does not exist".
 * - API Gateway: keys (create, read, read by name, update `/enabled`, delete) and the keys of one usage plan. A value that
 *   another key has is a ConflictException, one that isn't there a NotFoundException; pages have two items.
 * - CloudWatch Logs FilterLogEvents: per log group, oldest first, `pageEvents` a page, every other page empty, as the real
 *   one may be. A pattern `{ ($.a = "x") || ... }` selects JSON lines.
 *
 * `log` holds `service.Action` of each request; `faults` is asked before each: `hang` never answers, `lost` does it and
 * breaks the connection, a code is an error of that name. Signatures aren't checked.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const STACK = {
  name: 'batchml',
  account: '123456789012',
  region: 'eu-west-1',
  plan: 'plan1',
  key: 'stackkey1',
} as const;

export type StackFault =
  | 'hang'
  | 'lost'
  | { readonly code: string; readonly status: number; readonly message: string };

export interface FakeKey {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  enabled: boolean;
}

interface Logged {
  readonly at: number;
  readonly text: string;
}

class ServiceError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

interface Call {
  readonly service: string;
  readonly action: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export class FakeStackAws {
  stack: { status: string } | undefined = { status: 'CREATE_COMPLETE' };
  account: string = STACK.account;
  skewMs = 0;
  readonly keys = new Map<string, FakeKey>([
    [STACK.key, { id: STACK.key, name: 'made by CloudFormation', value: 'v'.repeat(40), enabled: true }],
  ]);
  /** Keys of the usage plan. */
  readonly planKeys: string[] = [STACK.key];
  readonly groups = new Map<string, Logged[]>();
  pageEvents = 2;
  readonly log: string[] = [];
  faults: (action: string, nth: number) => StackFault | undefined = () => undefined;
  private made = 0;
  private readonly counts = new Map<string, number>();
  private readonly server: Server;

  private constructor() {
    this.server = createServer((request, response) => {
      void read(request).then((call) => this.answer(call, request, response));
    });
  }

  static async start(): Promise<FakeStackAws> {
    const aws = new FakeStackAws();
    await new Promise<void>((resolve) => aws.server.listen(0, '127.0.0.1', resolve));
    return aws;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** What the command line is told of AWS. */
  get deps() {
    const { port } = this.server.address() as AddressInfo;
    return {
      endpoint: `http://127.0.0.1:${port}`,
      credentials: { accessKeyId: 'AKIAEXAMPLEEXAMPLE12', secretAccessKey: 'secret-secret-secret' },
    };
  }

  write(fn: string, at: number, line: object | string): void {
    const group = `/batchml/${STACK.name}/${fn}`;
    const text = typeof line === 'string' ? line : JSON.stringify(line);
    this.groups.set(group, [...(this.groups.get(group) ?? []), { at, text }]);
  }

  private answer(call: Call, request: IncomingMessage, response: ServerResponse): void {
    const action = `${call.service}.${call.action}`;
    this.log.push(action);
    const nth = (this.counts.get(action) ?? 0) + 1;
    this.counts.set(action, nth);
    const fault = this.faults(action, nth);
    if (fault === 'hang') return;
    let status = 200;
    let content: string;
    let type = 'application/json';
    try {
      if (typeof fault === 'object') throw new ServiceError(fault.code, fault.status, fault.message);
      content = this.carryOut(call);
      if (content.startsWith('<')) type = 'text/xml';
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      status = error.status;
      const query = call.service === 'sts' || call.service === 'cloudformation';
      type = query ? 'text/xml' : 'application/json';
      content = query
        ? `<ErrorResponse><Error><Type>Sender</Type><Code>${error.code}</Code><Message>${error.message}</Message></Error><RequestId>r1</RequestId></ErrorResponse>`
        : JSON.stringify({ __type: error.code, message: error.message });
      response.setHeader('x-amzn-errortype', error.code);
    }
    if (fault === 'lost') {
      request.socket.destroy();
      return;
    }
    response.writeHead(status, {
      'content-type': type,
      date: new Date(Date.now() + this.skewMs).toUTCString(),
    });
    response.end(content);
  }

  private carryOut(call: Call): string {
    switch (call.service) {
      case 'sts':
        return xml(
          'GetCallerIdentity',
          `<Arn>arn:aws:iam::${this.account}:user/ada</Arn><UserId>AID</UserId><Account>${this.account}</Account>`,
        );
      case 'cloudformation':
        return this.cloudFormation(call);
      case 'apigateway':
        return JSON.stringify(this.apiGateway(call));
      case 'logs':
        return JSON.stringify(this.filter(JSON.parse(call.body)));
      default:
        throw new Error(`there is no ${call.service} here`);
    }
  }

  private cloudFormation({ action, body }: Call): string {
    const name = new URLSearchParams(body).get('StackName') ?? '';
    const id = `arn:aws:cloudformation:${STACK.region}:${this.account}:stack/${STACK.name}/0a1b2c3d`;
    if (this.stack === undefined || (name !== STACK.name && name !== id))
      throw new ServiceError('ValidationError', 400, `Stack with id ${name} does not exist`);
    if (action === 'DescribeStacks')
      return xml(
        action,
        `<Stacks><member><StackId>${id}</StackId><StackName>${STACK.name}</StackName><CreationTime>2026-08-01T12:00:00Z</CreationTime><StackStatus>${this.stack.status}</StackStatus></member></Stacks>`,
      );
    const resource = (logical: string, physical: string): string =>
      `<member><LogicalResourceId>${logical}</LogicalResourceId><PhysicalResourceId>${physical}</PhysicalResourceId><ResourceType>AWS::X</ResourceType><ResourceStatus>CREATE_COMPLETE</ResourceStatus><LastUpdatedTimestamp>2026-08-01T12:00:00Z</LastUpdatedTimestamp></member>`;
    return xml(
      action,
      `<StackResourceSummaries>${resource('UsagePlan', STACK.plan)}${resource('ApiKey', STACK.key)}</StackResourceSummaries>`,
    );
  }

  private apiGateway({ action, path, query, body }: Call): object {
    const id = decodeURIComponent(path.split('/').at(-1) ?? '');
    switch (action) {
      case 'GET usageplans': {
        const from = Number(query.get('position') ?? 0);
        const item = this.planKeys.slice(from, from + 2).map((key) => ({ id: key, type: 'API_KEY' }));
        return { item, ...(from + 2 < this.planKeys.length ? { position: String(from + 2) } : {}) };
      }
      case 'POST usageplans': {
        const { keyId } = JSON.parse(body) as { keyId: string };
        if (this.planKeys.includes(keyId))
          throw new ServiceError('ConflictException', 409, 'the key is on the plan already');
        this.planKeys.push(keyId);
        return { id: keyId, type: 'API_KEY' };
      }
      case 'DELETE usageplans':
        if (!this.planKeys.includes(id))
          throw new ServiceError('NotFoundException', 404, 'Invalid Usage Plan Key identifier specified');
        this.planKeys.splice(this.planKeys.indexOf(id), 1);
        return {};
      case 'POST apikeys': {
        const { name, value } = JSON.parse(body) as { name: string; value: string };
        if ([...this.keys.values()].some((key) => key.value === value))
          throw new ServiceError('ConflictException', 409, 'API Key already exists');
        const key = { id: `new${++this.made}`, name, value, enabled: true };
        this.keys.set(key.id, key);
        return key;
      }
      case 'GET apikeys':
        if (path.endsWith('/apikeys'))
          return {
            item: [...this.keys.values()]
              .filter(({ name }) => name.startsWith(query.get('name') ?? ''))
              .map(({ value: _, ...key }) => key),
          };
        return { ...this.key(id), createdDate: 1_780_000_000 };
      case 'PATCH apikeys': {
        const key = this.key(id);
        const { patchOperations } = JSON.parse(body) as {
          patchOperations: { path: string; value: string }[];
        };
        for (const { path: what, value } of patchOperations)
          if (what === '/enabled') key.enabled = value === 'true';
        return key;
      }
      case 'DELETE apikeys':
        this.key(id);
        this.keys.delete(id);
        return {};
      default:
        throw new Error(`the API Gateway here knows no ${action}`);
    }
  }

  private key(id: string): FakeKey {
    const key = this.keys.get(id);
    if (key === undefined)
      throw new ServiceError('NotFoundException', 404, 'Invalid API Key identifier specified');
    return key;
  }

  private filter(input: Record<string, unknown>): object {
    const all = this.groups.get(String(input['logGroupName']));
    if (all === undefined)
      throw new ServiceError('ResourceNotFoundException', 400, 'The specified log group does not exist.');
    const wanted = [...String(input['filterPattern'] ?? '').matchAll(/\$\.(\w+) = "([^"]*)"/g)];
    const chosen = all
      .map((event, i) => ({ eventId: String(i), timestamp: event.at, message: event.text }))
      .filter(({ timestamp }) => timestamp >= Number(input['startTime'] ?? 0))
      .filter(({ message }) => wanted.length === 0 || matches(message, wanted))
      .sort((a, b) => a.timestamp - b.timestamp);
    // `n` is the place; `n.` an empty page before it.
    const token = String(input['nextToken'] ?? '0');
    if (token !== '0' && !token.endsWith('.')) return { events: [], nextToken: `${token}.` };
    const from = Number.parseInt(token, 10);
    const to = from + this.pageEvents;
    return { events: chosen.slice(from, to), ...(to < chosen.length ? { nextToken: String(to) } : {}) };
  }
}

function matches(message: string, wanted: readonly RegExpExecArray[]): boolean {
  try {
    const entry = JSON.parse(message) as Record<string, unknown>;
    return wanted.some(([, field = '', value]) => entry[field] === value);
  } catch {
    return false;
  }
}

const xml = (action: string, content: string): string =>
  `<${action}Response><${action}Result>${content}</${action}Result><ResponseMetadata><RequestId>r1</RequestId></ResponseMetadata></${action}Response>`;

async function read(request: IncomingMessage): Promise<Call> {
  const blocks: Buffer[] = [];
  for await (const block of request) blocks.push(block as Buffer);
  const body = Buffer.concat(blocks).toString('utf8');
  const url = new URL(request.url ?? '/', 'http://aws');
  const service =
    /Credential=[^/]+\/[^/]+\/[^/]+\/([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const target = String(request.headers['x-amz-target'] ?? '').split('.')[1];
  const kind = url.pathname.split('/')[1];
  const action = target ?? new URLSearchParams(body).get('Action') ?? `${request.method} ${kind}`;
  return { service, action, method: request.method ?? '', path: url.pathname, query: url.searchParams, body };
}
