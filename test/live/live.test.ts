/**
 * The acceptance scenarios against a deployed stack, when asked: BATCHML_LIVE_ENDPOINT and BATCHML_LIVE_API_KEY (its endpoint
 * and key), BATCHML_LIVE_RECORD (a record that its model takes, JSON) and BATCHML_LIVE_BAD_RECORD (one that it
 * refuses). It runs transform jobs, which cost money and take minutes each.
 */
import { describe } from 'vitest';
import { acceptance, type Target } from '../support/acceptance.ts';

const {
  BATCHML_LIVE_ENDPOINT: endpoint,
  BATCHML_LIVE_API_KEY: key = '',
  BATCHML_LIVE_RECORD: record = '{"text":"it works"}',
  BATCHML_LIVE_BAD_RECORD: badRecord,
} = process.env;
const POLL_MS = 15_000;
const TIMEOUT_MS = 3_600_000;
const run = Date.now().toString(36);

const live: Target = {
  fetch: (method, path, { body, headers = {} } = {}) =>
    fetch(`${endpoint}${path}`, {
      method,
      headers: { 'x-api-key': key, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
      signal: AbortSignal.timeout(60_000),
    }),
  wait: () => new Promise((resolve) => setTimeout(resolve, POLL_MS)),
  record: () => record,
  badRecord,
  id: (name) => `live-${run}-${name}`,
};

describe.skipIf(endpoint === undefined)(
  'a deployed stack (BATCHML_LIVE_ENDPOINT)',
  { timeout: TIMEOUT_MS },
  () => {
    acceptance(() => live);
  },
);
