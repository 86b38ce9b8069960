/** API keys, the account's settings, and the APIs of deployed stacks themselves: `GET /settings` with the key. */
import { type Call, type Reply, ServiceError } from './http.ts';

export class ApiGateway {
  cloudwatchRoleArn: string | undefined;
  /** Values of keys, by their IDs. */
  readonly keys = new Map<string, string>();
  /** Requests that a deployed API refuses before it answers, as a new one does. */
  refusals = 0;

  handle({ path, query }: Call): Reply {
    if (path === '/account') return { json: { cloudwatchRoleArn: this.cloudwatchRoleArn } };
    const id = /^\/apikeys\/(.+)$/.exec(path)?.[1] ?? '';
    const value = this.keys.get(id);
    if (value === undefined)
      throw new ServiceError('NotFoundException', 'Invalid API Key identifier specified', 404);
    return { json: { id, enabled: true, ...(query.get('includeValue') === 'true' ? { value } : {}) } };
  }

  serve({ path, headers }: Call): Reply {
    const key = headers['x-api-key'] ?? '';
    if (this.refusals-- > 0 || ![...this.keys.values()].includes(key))
      return { status: 403, json: { message: 'Forbidden' } };
    if (!path.endsWith('/settings'))
      return { status: 404, json: { error: { code: 'not_found', message: path } } };
    return { json: { model: 'my-model', settings: {} } };
  }
}
