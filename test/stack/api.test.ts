import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../backend/api/routes.ts';
import { instantiate } from './instantiate.ts';
import { ofType, propertiesOf } from './template.ts';

const methods = ofType('AWS::ApiGateway::Method').map(([, { Properties }]) => Properties);

/** The path of a resource, by the parts above it. */
function pathOf({ Ref }: { Ref?: string }): string {
  if (Ref === undefined) return '';
  const { ParentId, PathPart } = propertiesOf(Ref);
  return `${pathOf(ParentId)}/${PathPart}`;
}

describe('the API', () => {
  it("has the app's routes but those of batchml local alone", () => {
    const deployed = methods.map(({ HttpMethod, ResourceId }) => `${HttpMethod} ${pathOf(ResourceId)}`);
    expect(deployed.sort()).toEqual(
      ROUTES.filter(({ local }) => !local)
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    );
  });

  it('asks for the key on every route, and hands each request to the one function', () => {
    for (const method of methods)
      expect(method).toMatchObject({
        ApiKeyRequired: true,
        AuthorizationType: 'NONE',
        Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST' },
      });
    const invoked = instantiate().of('PostJob').Integration.Uri;
    expect(invoked).toBe(
      'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/<ApiFunction.Arn>/invocations',
    );
    const permissions = Object.values(instantiate().Resources).filter(
      ({ Type, Properties }) =>
        Type === 'AWS::Lambda::Permission' && Properties.Principal === 'apigateway.amazonaws.com',
    );
    expect(permissions.map(({ Properties }) => Properties.SourceArn)).toEqual([
      'arn:aws:execute-api:eu-west-1:123456789012:<RestApi>/v1/*/*',
    ]);
  });

  it('takes bodies as bytes', () => {
    expect(propertiesOf('RestApi')).toMatchObject({
      BinaryMediaTypes: ['*/*'],
      EndpointConfiguration: { Types: ['REGIONAL'] },
      ApiKeySourceType: 'HEADER',
    });
  });

  it('is deployed once all of it is there', () => {
    const [deployment] = ofType('AWS::ApiGateway::Deployment');
    const parts = [...ofType('AWS::ApiGateway::Method'), ...ofType('AWS::ApiGateway::GatewayResponse')];
    expect(deployment?.[1].DependsOn).toEqual(parts.map(([id]) => id).sort());
  });

  it('answers in its own words where the gateway would not, and leaves Forbidden alone', () => {
    const answers = ofType('AWS::ApiGateway::GatewayResponse').map(([, { Properties }]) => [
      Properties.ResponseType,
      Properties.StatusCode,
      JSON.parse(Properties.ResponseTemplates['application/json']).error.code,
    ]);
    expect(answers).toEqual([
      ['MISSING_AUTHENTICATION_TOKEN', '404', 'not_found'],
      ['REQUEST_TOO_LARGE', '413', 'too_large'],
      ['THROTTLED', '429', 'throttled'],
      ['QUOTA_EXCEEDED', '429', 'quota_exceeded'],
    ]);
    expect(propertiesOf('AnswerThrottled').ResponseParameters).toEqual({
      'gatewayresponse.header.Retry-After': "'1'",
    });
  });

  it('is throttled as asked, and has a daily quota only when asked', () => {
    const plan = (given: Record<string, string>) => instantiate(given).of('UsagePlan');
    expect(plan({})).toMatchObject({ Throttle: { RateLimit: '100', BurstLimit: '200' } });
    expect(plan({})).not.toHaveProperty('Quota');
    expect(plan({ ApiDailyQuota: '5000' }).Quota).toEqual({ Limit: '5000', Period: 'DAY' });
    expect(propertiesOf('UsagePlanKey')).toMatchObject({ KeyId: { Ref: 'ApiKey' } });
  });

  it('writes logs only when asked, never keys or bodies, and leaves the account alone', () => {
    const stage = (given: Record<string, string>) => instantiate(given).of('Stage');
    expect(stage({})).not.toHaveProperty('AccessLogSetting');
    expect(stage({}).MethodSettings[0]).toMatchObject({ LoggingLevel: 'OFF', DataTraceEnabled: false });
    const { AccessLogSetting, MethodSettings } = stage({ ApiLogging: 'on' });
    expect(AccessLogSetting.DestinationArn).toBe(
      'arn:aws:logs:eu-west-1:123456789012:log-group:<ApiAccessLogs>',
    );
    expect(AccessLogSetting.Format).not.toMatch(/identity\.apiKey"|request\.|authorizer/);
    expect(MethodSettings[0]).toMatchObject({ LoggingLevel: 'ERROR', DataTraceEnabled: false });
    expect(ofType('AWS::ApiGateway::Account')).toEqual([]);
  });

  it('has an address without a slash at its end', () => {
    expect(instantiate().Outputs['ApiEndpoint'].Value).toBe(
      'https://<RestApi>.execute-api.eu-west-1.amazonaws.com/v1',
    );
  });
});
