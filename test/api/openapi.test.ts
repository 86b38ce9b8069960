import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createApi } from '../../backend/api/app.ts';
import { openApiDocument } from '../../backend/api/openapi.ts';
import { ROUTES } from '../../backend/api/routes.ts';
import { DEFAULT_SETTINGS } from '../../backend/core/settings.ts';
import type { Ports } from '../../backend/ports/index.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const document = openApiDocument('1.2.3');
const text = JSON.stringify(document);

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly required: boolean }[];
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly description?: string }>>;
}
const operations = Object.entries(document['paths'] as Record<string, Record<string, Operation>>).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

/** What a reference of the document stands for. */
function resolve(ref: string): unknown {
  let at: unknown = document;
  for (const part of ref.replace('#/', '').split('/')) at = (at as Record<string, unknown>)[part];
  return at;
}

describe('the list of routes', () => {
  test('is what the app serves, no more and no less', () => {
    const ports = {} as Ports;
    const pin = { model: 'm', settings: DEFAULT_SETTINGS };
    const served = (presign?: () => Promise<string>) =>
      createApi({ ports, pin, apiKey: undefined, ...(presign ? { presign } : {}) })
        .routes.filter(({ method }) => method !== 'ALL')
        .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
        .sort();
    const listed = (routes: typeof ROUTES) => routes.map(({ method, path }) => `${method} ${path}`).sort();
    expect(served()).toEqual(listed(ROUTES));
    // Deployed, large results are read from the bucket.
    expect(served(async () => '')).toEqual(listed(ROUTES.filter(({ local }) => !local)));
  });
});

describe('docs/openapi.json', () => {
  test('says what the routes say; `npm run docs` writes it anew', () => {
    const { version } = JSON.parse(read('cli/package.json')) as { version: string };
    expect(JSON.parse(read('docs/openapi.json'))).toEqual(
      JSON.parse(JSON.stringify(openApiDocument(version))),
    );
  });

  test('has every route once, each with a name of its own', () => {
    expect(operations).toHaveLength(ROUTES.length);
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(ROUTES.length);
  });

  test('refers to nothing that it lacks, and holds nothing that nobody refers to', () => {
    const refs = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] as string));
    for (const ref of refs) expect(resolve(ref), ref).toBeDefined();
    for (const kind of ['schemas', 'responses'])
      for (const name of Object.keys(resolve(`#/components/${kind}`) as object))
        expect(refs, name).toContain(`#/components/${kind}/${name}`);
    expect(text).not.toMatch(/"\$(schema|id)"/);
  });

  test.each(operations)(
    '$method $path: its parameters are declared, and what it may answer',
    ({ path, operation: { parameters = [], responses } }) => {
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
      expect(inPath.every(({ required }) => required)).toBe(true);
      const statuses = Object.keys(responses);
      expect(statuses).toContain('200');
      for (const status of ['403', '429', '503']) expect(statuses).toContain(status);
      if (path.includes('{id}')) expect(statuses.some((status) => /^40[049]$/.test(status))).toBe(true);
      for (const { $ref, description } of Object.values(responses)) expect($ref ?? description).toMatch(/\S/);
    },
  );

  test('says how the key is sent, what the limits are and why jobs fail', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      info: { version: '1.2.3' },
      security: [{ apiKey: [] }],
      components: { securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } } },
      'x-batchml-limits': { jobsPerChunk: 500, bytesPerChunk: 4 * 1024 * 1024, jobIdsPerRequest: 100 },
    });
    expect(document['x-batchml-job-error-codes']).toContain('model_error');
  });
});
