/** The API's stage with its access log, its key, and the plan that says how often the key may be used. */
import { Aws, Fn, type Stack } from 'aws-cdk-lib';
import { CfnApiKey, CfnStage, CfnUsagePlan, CfnUsagePlanKey } from 'aws-cdk-lib/aws-apigateway';
import type { Choices } from './conditions.ts';
import { addLogGroup } from './functions.ts';
import { localArn } from './names.ts';
import { type RestApi, STAGE_NAME } from './rest-api.ts';

/** Says who asked for what and how it went; never the key's value or a body. */
const LOG_FORMAT = JSON.stringify({
  requestId: '$context.requestId',
  time: '$context.requestTimeEpoch',
  sourceIp: '$context.identity.sourceIp',
  apiKeyId: '$context.identity.apiKeyId',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  bytes: '$context.responseLength',
  latencyMs: '$context.responseLatency',
  functionStatus: '$context.integrationStatus',
  error: '$context.error.message',
});

export interface ApiStage {
  readonly stage: CfnStage;
  readonly key: CfnApiKey;
  /** Without a slash at its end. */
  readonly endpoint: string;
}

export function addApiStage(
  stack: Stack,
  { api, deployment }: RestApi,
  { apiLogging, dailyQuota, tracing }: Choices,
): ApiStage {
  const logs = addLogGroup(stack, 'ApiAccessLogs', 'api-access');
  const stage = new CfnStage(stack, 'Stage', {
    restApiId: api.ref,
    deploymentId: deployment.ref,
    stageName: STAGE_NAME,
    tracingEnabled: Fn.conditionIf(tracing.logicalId, true, false),
    // API Gateway refuses either in an account whose settings name no CloudWatch role; those are not this stack's.
    accessLogSetting: Fn.conditionIf(
      apiLogging.logicalId,
      {
        // Not the log group's Arn: that ends in `:*`.
        DestinationArn: localArn('logs', `log-group:${logs.ref}`),
        Format: LOG_FORMAT,
      },
      Fn.ref('AWS::NoValue'),
    ),
    methodSettings: [
      {
        httpMethod: '*',
        resourcePath: '/*',
        loggingLevel: Fn.conditionIf(apiLogging.logicalId, 'ERROR', 'OFF').toString(),
        // It would log bodies and keys.
        dataTraceEnabled: false,
        metricsEnabled: false,
      },
    ],
  });
  const key = new CfnApiKey(stack, 'ApiKey', {
    description: `batchml: key of stack ${Aws.STACK_NAME}`,
    enabled: true,
  });
  const plan = new CfnUsagePlan(stack, 'UsagePlan', {
    description: `batchml: limits of stack ${Aws.STACK_NAME}`,
    apiStages: [{ apiId: api.ref, stage: stage.ref }],
    throttle: {
      rateLimit: Fn.ref('ApiThrottleRate') as unknown as number,
      burstLimit: Fn.ref('ApiThrottleBurst') as unknown as number,
    },
    quota: Fn.conditionIf(
      dailyQuota.logicalId,
      { Limit: Fn.ref('ApiDailyQuota'), Period: 'DAY' },
      Fn.ref('AWS::NoValue'),
    ),
  });
  new CfnUsagePlanKey(stack, 'UsagePlanKey', { keyId: key.ref, keyType: 'API_KEY', usagePlanId: plan.ref });
  const host = `${api.ref}.execute-api.${Aws.REGION}.${Aws.URL_SUFFIX}`;
  return { stage, key, endpoint: `https://${host}/${STAGE_NAME}` };
}
