/** The REST API: the app's routes, each handed to the one function, each only with an API key. */
import { createHash } from 'node:crypto';
import { Aws, type CfnResource, type Stack } from 'aws-cdk-lib';
import {
  CfnDeployment,
  CfnGatewayResponse,
  CfnMethod,
  CfnResource as CfnPath,
  CfnRestApi,
} from 'aws-cdk-lib/aws-apigateway';
import { type CfnFunction, CfnPermission } from 'aws-cdk-lib/aws-lambda';
import type { Route } from '../api/route.ts';
import { localArn } from './names.ts';

export const STAGE_NAME = 'v1';

export interface RestApi {
  readonly api: CfnRestApi;
  readonly deployment: CfnDeployment;
}

interface GatewayAnswer {
  readonly type: string;
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;
}

/**
 * What the gateway answers by itself, in the shape of the app's errors, with the gateway's `message` beside; the
 * `{"message":"Forbidden"}` of a missing key stays. Its own words for an unknown route are "Missing Authentication Token".
 */
const ANSWERS: readonly GatewayAnswer[] = [
  { type: 'MISSING_AUTHENTICATION_TOKEN', status: 404, code: 'not_found', message: 'no such route' },
  { type: 'REQUEST_TOO_LARGE', status: 413, code: 'too_large', message: 'the request is too large' },
  { type: 'THROTTLED', status: 429, code: 'throttled', message: 'too many requests', retryAfter: 1 },
  {
    type: 'QUOTA_EXCEEDED',
    status: 429,
    code: 'quota_exceeded',
    message: 'the daily quota of this API is used up',
  },
];

export function addRestApi(stack: Stack, target: CfnFunction, routes: readonly Route[]): RestApi {
  const api = new CfnRestApi(stack, 'RestApi', {
    name: Aws.STACK_NAME,
    description: 'batchml: submit jobs, ask for them and their results',
    endpointConfiguration: { types: ['REGIONAL'] },
    apiKeySourceType: 'HEADER',
    // Every body arrives as base64: the bytes are exact whatever they are said to be. Answers are text and stay text.
    binaryMediaTypes: ['*/*'],
  });
  const paths = new Map<string, string>([['', api.attrRootResourceId]]);
  const parts = [
    ...ANSWERS.map((answer) => addAnswer(stack, api, answer)),
    ...routes.map((route) => addMethod(stack, api, pathId(stack, api, paths, route.path), route, target)),
  ];
  new CfnPermission(stack, 'ApiMayInvoke', {
    action: 'lambda:InvokeFunction',
    functionName: target.ref,
    principal: 'apigateway.amazonaws.com',
    sourceArn: localArn('execute-api', `${api.ref}/${STAGE_NAME}/*/*`),
  });
  return { api, deployment: addDeployment(stack, api, parts) };
}

/** A name for a path: `/submissions/{id}/jobs` is `SubmissionsIdJobs`. */
const nameOf = (path: string) =>
  path.replace(/[^a-zA-Z]+([a-zA-Z]?)/g, (_, letter: string) => letter.toUpperCase());

/** The resource of a path, made with those above it unless they exist. */
function pathId(stack: Stack, api: CfnRestApi, known: Map<string, string>, path: string): string {
  const found = known.get(path);
  if (found !== undefined) return found;
  const slash = path.lastIndexOf('/');
  const made = new CfnPath(stack, `Path${nameOf(path)}`, {
    restApiId: api.ref,
    parentId: pathId(stack, api, known, path.slice(0, slash)),
    pathPart: path.slice(slash + 1),
  });
  known.set(path, made.ref);
  return made.ref;
}

function addMethod(
  stack: Stack,
  api: CfnRestApi,
  resourceId: string,
  { method, path }: Route,
  target: CfnFunction,
): CfnMethod {
  const invocation = `lambda:path/2015-03-31/functions/${target.attrArn}/invocations`;
  return new CfnMethod(stack, `${nameOf(`/${method.toLowerCase()}`)}${nameOf(path)}`, {
    restApiId: api.ref,
    resourceId,
    httpMethod: method,
    authorizationType: 'NONE',
    apiKeyRequired: true,
    integration: {
      type: 'AWS_PROXY',
      integrationHttpMethod: 'POST',
      uri: `arn:${Aws.PARTITION}:apigateway:${Aws.REGION}:${invocation}`,
      // The most that a Region gives unasked.
      timeoutInMillis: 29_000,
    },
  });
}

function addAnswer(
  stack: Stack,
  api: CfnRestApi,
  { type, status, code, message, retryAfter }: GatewayAnswer,
): CfnGatewayResponse {
  return new CfnGatewayResponse(stack, `Answer${nameOf(`/${code.replace('_', '/')}`)}`, {
    restApiId: api.ref,
    responseType: type,
    statusCode: String(status),
    responseTemplates: { 'application/json': JSON.stringify({ message, error: { code, message } }) },
    ...(retryAfter === undefined
      ? {}
      : { responseParameters: { 'gatewayresponse.header.Retry-After': `'${retryAfter}'` } }),
  });
}

/** A deployment is a snapshot, and never changed: what it holds is in its name, so that a change makes another. */
function addDeployment(stack: Stack, api: CfnRestApi, parts: readonly CfnResource[]): CfnDeployment {
  const shape = [api, ...parts].map((part) => part._toCloudFormation());
  const hash = createHash('sha256')
    .update(JSON.stringify(stack.resolve(shape)))
    .digest('hex');
  const deployment = new CfnDeployment(stack, `Deployment${hash.slice(0, 8)}`, {
    restApiId: api.ref,
    description: `Routes of ${Aws.STACK_NAME}`,
  });
  for (const part of parts) deployment.addResourceDependency(part);
  return deployment;
}
