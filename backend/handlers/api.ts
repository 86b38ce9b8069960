/** The HTTP API behind API Gateway, which has checked the key. */
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { handle } from 'hono/aws-lambda';
import { createApi } from '../api/app.ts';
import { ConfigError } from '../aws/config.ts';
import { s3Presign } from '../aws/presign.ts';
import { fromEnvironment, type Handler, invoked } from './lambda.ts';
import { requestFacts } from './request-facts.ts';
import type { Runtime } from './runtime.ts';

export function create(runtime: Runtime): Handler<APIGatewayProxyEvent, APIGatewayProxyResult> {
  const { log, config } = runtime;
  const { pin, bucket } = config;
  if (!pin) throw new ConfigError(['BATCHML_MODEL must be set']);
  const presign = s3Presign(runtime.s3, bucket, () => runtime.clock.now());
  return invoked(runtime, async (event, context) => {
    const began = runtime.clock.now();
    const answer = await runtime.work(async (ports) => {
      const app = createApi({ ports, pin, apiKey: undefined, presign });
      // Every answer is text, NDJSON too.
      const answered = handle(app, { isContentTypeBinary: () => false });
      return (await answered(event as never, context as never)) as APIGatewayProxyResult;
    });
    const facts = { ...requestFacts(event, answer), ms: runtime.clock.now() - began };
    if (answer.statusCode >= 500) log.error('a request was not answered', facts);
    else log.info('a request was answered', facts);
    return answer;
  });
}

export const handler = fromEnvironment(create, { accepts: true });
