/** The API as an OpenAPI 3.1 document, made of its routes and their schemas. */
import { z } from 'zod';
import { MAX_RESULT_BYTES } from '../core/answer-size.ts';
import { MAX_CHUNK_BYTES, MAX_CHUNK_JOBS, MAX_CUSTOM_ID } from '../core/chunk.ts';
import { JOB_ERROR_CODES } from '../core/job.ts';
import { ANY_ROUTE, type Answer, type Content, type Parameter, type Route } from './route.ts';
import { ROUTES } from './routes.ts';
import * as wire from './wire.ts';

/** JSON as far as this document looks into it. */
type Json = Record<string, unknown>;

/** Schemas that the document names. */
const NAMED: Readonly<Record<string, z.ZodType>> = {
  AcceptedChunk: wire.acceptedChunkSchema,
  AcceptedJob: wire.acceptedJobSchema,
  Cancelled: wire.cancelledSchema,
  CloseSubmission: wire.closeSubmissionSchema,
  Counts: wire.countsSchema,
  Error: wire.errorSchema,
  GatewayError: wire.gatewayErrorSchema,
  Job: wire.jobSchema,
  JobError: wire.jobErrorSchema,
  JobStatus: wire.jobStatusSchema,
  JobStatusInfo: wire.jobStatusInfoSchema,
  JobsPage: wire.jobsPageSchema,
  JobsStatus: wire.jobsStatusSchema,
  JobsStatusRequest: wire.jobsStatusRequestSchema,
  ModelAndSettings: wire.pinSchema,
  OpenSubmission: wire.openSubmissionSchema,
  ResultLine: wire.resultLineSchema,
  Retried: wire.retriedSchema,
  Retry: wire.retrySchema,
  Settings: wire.settingsSchema,
  Submission: wire.submissionSchema,
  SubmissionsPage: wire.submissionsPageSchema,
};

/** Names of the answers that any route may give, by status. */
const NAMED_ANSWERS: Readonly<Record<string, string>> = {
  403: 'Forbidden',
  429: 'TooManyRequests',
  503: 'Unavailable',
};

const refTo = (name: string): string => `#/components/schemas/${name}`;

/** @param version of the software that serves the API */
export function openApiDocument(version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'batchml',
      version,
      description:
        'Jobs in, one result or error for each out. A deployed stack and `batchml local` serve the same routes but for `GET /job/{id}/result`. Fields and codes are added, never renamed: read past those that you do not know.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      {
        url: '{endpoint}',
        variables: {
          endpoint: {
            default: 'http://127.0.0.1:8117',
            description: 'what `batchml local` prints, or the output `ApiEndpoint` of the stack',
          },
        },
      },
    ],
    security: [{ apiKey: [] }],
    paths: paths(),
    components: {
      securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' } },
      responses: Object.fromEntries(
        Object.entries(ANY_ROUTE).map(([status, one]) => [NAMED_ANSWERS[status], answer(one)]),
      ),
      schemas: namedSchemas(),
    },
    'x-batchml-job-error-codes': JOB_ERROR_CODES,
    'x-batchml-limits': {
      jobsPerChunk: MAX_CHUNK_JOBS,
      bytesPerChunk: MAX_CHUNK_BYTES,
      charactersPerCustomId: MAX_CUSTOM_ID,
      jobIdsPerRequest: wire.MAX_JOB_IDS,
      bytesOfResultInAnswer: MAX_RESULT_BYTES,
    },
  };
}

function paths(): Json {
  const all: Record<string, Json> = {};
  for (const route of ROUTES) {
    const path = all[route.path] ?? {};
    path[route.method.toLowerCase()] = operation(route);
    all[route.path] = path;
  }
  return all;
}

function operation({ operationId, summary, description, parameters = [], body, responses }: Route): Json {
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(parameters.length > 0 ? { parameters: parameters.map(parameter) } : {}),
    ...(body === undefined ? {} : { requestBody: { ...body, content: content(body.content) } }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, one]) => [
        status,
        one === ANY_ROUTE[Number(status)]
          ? { $ref: `#/components/responses/${NAMED_ANSWERS[status]}` }
          : answer(one),
      ]),
    ),
  };
}

function parameter({ schema, ...rest }: Parameter): Json {
  return { ...rest, required: rest.in === 'path', schema: schemaOf(schema) };
}

function answer({ description, headers = {}, content: schemas }: Answer): Json {
  const names = Object.entries(headers).map(([name, says]) => [
    name,
    { description: says, schema: { type: 'string' } },
  ]);
  return {
    description,
    ...(names.length > 0 ? { headers: Object.fromEntries(names) } : {}),
    content: content(schemas),
  };
}

function content(schemas: Content): Json {
  return Object.fromEntries(
    Object.entries(schemas).map(([type, schema]) => [type, { schema: schemaOf(schema) }]),
  );
}

/** A reference to a named schema, or a small one as it is. */
function schemaOf(schema: z.ZodType): Json {
  const name = Object.keys(NAMED).find((key) => NAMED[key] === schema);
  if (name !== undefined) return { $ref: refTo(name) };
  return bare(z.toJSONSchema(schema, { io: 'input' }));
}

function namedSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });
  // `input`: what is added to an answer later is no breach of it.
  const { schemas } = z.toJSONSchema(registry, { io: 'input', uri: refTo });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, bare(schema)]));
}

/** Without what says which JSON Schema it is, and where: the document does. */
function bare({ $schema, $id, ...schema }: Json): Json {
  return schema;
}
