/** How a route of the API is described, and what the descriptions share. */
import { z } from 'zod';
import { errorSchema, gatewayErrorSchema } from './wire.ts';

/** Schemas by media type. */
export type Content = Readonly<Record<string, z.ZodType>>;

export interface Parameter {
  readonly in: 'path' | 'query' | 'header';
  readonly name: string;
  readonly description: string;
  readonly schema: z.ZodType;
}

export interface Answer {
  readonly description: string;
  readonly content: Content;
  /** Headers by name, with what they say. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As OpenAPI and API Gateway write it: `/submissions/{id}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: { readonly required: boolean; readonly description?: string; readonly content: Content };
  /** By HTTP status. */
  readonly responses: Readonly<Record<number, Answer>>;
  /** Of `batchml local` alone. */
  readonly local?: true;
}

const JSON_TYPE = 'application/json';
export const NDJSON_TYPE = 'application/x-ndjson';

export const json = (schema: z.ZodType): Content => ({ [JSON_TYPE]: schema });

export const success = (description: string, schema: z.ZodType): Answer => ({
  description,
  content: json(schema),
});

const error = (description: string): Answer => ({ description, content: json(errorSchema) });

const REFUSALS = {
  badRequest: { 400: error('`bad_request`: a parameter or field is wrong; the message names it') },
  badRecord: { 400: error('`bad_record`, `empty`, `bad_request`: the body is not what it must be') },
  unknown: { 404: error('`not_found`: there is no such job or submission') },
  noResult: { 404: error('`not_found`: there is no such job, or it has no result') },
  tooLarge: { 413: error('`too_large`: over a limit, see `x-batchml-limits`') },
} as const;

/** The refusals that a route may answer, besides those that any may. */
export function refusals(...kinds: readonly (keyof typeof REFUSALS)[]): Record<number, Answer> {
  return Object.assign({}, ...kinds.map((kind) => REFUSALS[kind]));
}

export const conflict = (description: string): Record<number, Answer> => ({ 409: error(description) });

/** What any route may answer. */
export const ANY_ROUTE: Readonly<Record<number, Answer>> = {
  403: { description: 'The key is missing or wrong', content: json(gatewayErrorSchema) },
  429: {
    description: 'API Gateway: more requests than its usage plan allows; send it again later',
    content: json(gatewayErrorSchema),
  },
  503: {
    ...error('`unavailable`: it could not be stored or read; nothing was acknowledged, send it again'),
    headers: { 'Retry-After': 'seconds to wait' },
  },
};

export const pathParameter = (name: string, description: string, pattern: RegExp): Parameter => ({
  in: 'path',
  name,
  description,
  schema: z.string().regex(pattern),
});

export const queryParameter = (name: string, description: string, schema: z.ZodType): Parameter => ({
  in: 'query',
  name,
  description,
  schema,
});
