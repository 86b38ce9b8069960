/** What is logged of a request: its route, not its path, and IDs only where they are IDs; no header, no body. */
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { isSubmissionId, parseJobId } from '../core/ids.ts';
import type { Facts } from './log.ts';

export function requestFacts(event: APIGatewayProxyEvent, answer: APIGatewayProxyResult): Facts {
  const { httpMethod: method, resource: route, path } = event;
  const [, kind, id = ''] = (path ?? '').split('/');
  return {
    method,
    route,
    status: answer.statusCode,
    ...(kind === 'submissions' && isSubmissionId(id) ? { submission: id } : {}),
    ...(kind === 'job' && parseJobId(id) ? { job: id } : {}),
    ...(answer.statusCode >= 500 ? { reason: reasonOf(answer.body) } : {}),
  };
}

/** The message of an error's answer. What a parser says quotes what it read: that is left out. */
function reasonOf(body: string): string | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown } };
    const message = typeof error?.message === 'string' ? error.message : undefined;
    return message === undefined || /\bJSON\b/.test(message) ? undefined : message.slice(0, 500);
  } catch {
    return undefined;
  }
}
