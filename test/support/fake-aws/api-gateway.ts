/** API keys, the account's settings, and the APIs of deployed stacks themselves: `GET /settings` and `GET /open` with the key. */
import type { OpenInfo } from '@batchml/backend/wire';
import { type Call, type Reply, ServiceError } from './http.ts';

export class ApiGateway {
  cloudwatchRoleArn: string | undefined;
  /** Values of keys, by their IDs. All of them are on the one usage plan there is. */
  readonly keys = new Map<string, string>();
  /** IDs of those that are disabled, and descriptions of those that have one. */
  readonly disabled = new Set<string>();
  readonly descriptions = new Map<string, string>();
  /** Requests that a deployed API refuses before it answers, as a new one does. */
  refusals = 0;
  /** What a deployed API says is open; undefined: it has no such route. */
  open: OpenInfo['open'] | undefined = { chunks: false, batches: 0, transforms: 0, submissions: 0 };

  handle({ method, path, query }: Call): Reply {
    if (/^\/usageplans\/[^/]+\/keys$/.test(path))
      return { json: { item: [...this.keys.keys()].map((id) => ({ id, type: 'API_KEY' })) } };
    if (method === 'DELETE') {
      this.keys.delete(path.split('/').at(-1) as string);
      return { status: 202, json: {} };
    }
    if (path === '/account') return { json: { cloudwatchRoleArn: this.cloudwatchRoleArn } };
    const id = /^\/apikeys\/(.+)$/.exec(path)?.[1] ?? '';
    const value = this.keys.get(id);
    if (value === undefined)
      throw new ServiceError('NotFoundException', 'Invalid API Key identifier specified', 404);
    const enabled = !this.disabled.has(id);
    const description = this.descriptions.get(id);
    return { json: { id, enabled, description, ...(query.get('includeValue') === 'true' ? { value } : {}) } };
  }

  serve({ path, headers }: Call): Reply {
    const key = headers['x-api-key'] ?? '';
    const enabled = [...this.keys].filter(([id]) => !this.disabled.has(id)).map(([, value]) => value);
    if (this.refusals-- > 0 || !enabled.includes(key)) return { status: 403, json: { message: 'Forbidden' } };
    if (path.endsWith('/open') && this.open !== undefined)
      return { json: { open: this.open, schemaVersion: 2 } };
    if (!path.endsWith('/settings'))
      return { status: 404, json: { error: { code: 'not_found', message: path } } };
    return { json: { model: 'my-model', settings: {} } };
  }
}
