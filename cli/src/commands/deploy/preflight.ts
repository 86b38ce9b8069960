/**
 * What can be known before anything is made: the model's role, the quota, the API's logging role. What we may not look at
 * is a note: deploying needs fewer permissions than looking.
 */
import { GetAccountCommand } from '@aws-sdk/client-api-gateway';
import { isDenied, isRefused } from '../../deploy/aws-errors.ts';
import { findRole, type Model, similar } from '../../deploy/models.ts';
import { transformQuota } from '../../deploy/quotas.ts';
import { CliError } from '../../errors.ts';
import { plural } from '../../ui/format.ts';
import type { Session } from './session.ts';

/** The list of quotas is long: it is not waited for for longer. In ms. */
const QUOTA_MS = 30_000;

export interface PreflightOptions {
  readonly model: Model;
  /** What will hold. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The stack is new, or gets another machine. */
  readonly checkQuota: boolean;
}

export async function preflight(session: Session, options: PreflightOptions): Promise<void> {
  const { tell } = session;
  await tell({ type: 'phase', text: 'checking the model, its role and quotas' });
  await tell({ type: 'check', result: 'ok', text: `model ${options.model.name}` });
  await checkRole(session, options.model);
  if (options.checkQuota) await checkQuota(session, options.parameters);
  if (options.parameters['ApiLogging'] === 'on') await checkLoggingRole(session);
  session.context.progress.stop();
}

/** Looks, if it may and can: these checks are for the user's good, none is needed to deploy. */
async function look<T>(
  session: Session,
  action: string,
  what: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await session.call(action, work);
  } catch (error) {
    if (session.context.interrupts.signal.aborted || isRefused(error)) throw error;
    const why = isDenied(error) ? 'not allowed to look' : 'could not be looked at';
    await session.tell({ type: 'check', result: 'unknown', text: `${what}: ${why} (${action})` });
    return undefined;
  }
}

async function checkRole(session: Session, { name, roleArn }: Model): Promise<void> {
  const { clients, tell } = session;
  const what = `execution role of ${name}`;
  if (roleArn === '')
    return tell({ type: 'check', result: 'unknown', text: `${what}: it has none that we could see` });
  const state = await look(session, 'iam:GetRole', what, () => findRole(clients.iam, roleArn));
  if (state === undefined) return;
  if (state === 'there') return tell({ type: 'check', result: 'ok', text: what });
  throw new CliError(
    state === 'missing'
      ? `the execution role of model ${name} is gone`
      : `SageMaker may not take the role of model ${name}`,
    {
      code: 'model_role',
      why:
        state === 'missing'
          ? `there is no role ${roleArn}`
          : `${roleArn} does not trust sagemaker.amazonaws.com`,
      next: ['make the model again with a role that exists', 'batchml deploy --model NAME'],
    },
  );
}

async function checkQuota(session: Session, parameters: PreflightOptions['parameters']): Promise<void> {
  const { clients, tell, context, region } = session;
  const type = parameters['InstanceType'] ?? '';
  const count = Number(parameters['InstanceCount'] ?? 1);
  const jobs = Number(parameters['MaxTransformJobs'] ?? 1);
  const what = `quota of ${type} for transform jobs`;
  const limit = new AbortController();
  const done = new AbortController();
  void context.deps.sleep(QUOTA_MS, done.signal).then(() => limit.abort());
  const answer = await look(session, 'servicequotas:ListServiceQuotas', what, () =>
    transformQuota(clients.quotas, type, limit.signal).catch((error: unknown) => {
      if (limit.signal.aborted) return 'not found' as const;
      throw error;
    }),
  ).finally(() => done.abort());
  if (answer === undefined) return;
  if (answer === 'not found')
    return tell({ type: 'check', result: 'unknown', text: `${what}: not found in time` });
  if ('unknown' in answer) {
    const like = similar(type, answer.unknown);
    throw new CliError(`transform jobs do not run on ${type} in ${region}`, {
      code: 'instance_type',
      exitCode: 2,
      why: like.length > 0 ? `there are ${like.join(', ')}` : 'no quota of SageMaker speaks of it',
      next: ['take another one: --instance-type TYPE'],
    });
  }
  const { value, code } = answer.known;
  if (value < count)
    throw new CliError(
      `this account may use ${value === 0 ? 'no' : `only ${value}`} ${type} for transform jobs in ${region}`,
      {
        code: 'quota',
        why: `one transform job takes ${count}; on new accounts quotas begin at 0`,
        next: [
          `take another one: --instance-type TYPE`,
          `ask for more: aws service-quotas request-service-quota-increase --service-code sagemaker --quota-code ${code} --desired-value ${count * jobs} --region ${region}`,
        ],
      },
    );
  if (value < count * jobs)
    return tell({
      type: 'check',
      result: 'warning',
      text: `${what}: ${value}, so that ${plural(Math.floor(value / count), 'transform job')} of ${jobs} can run at a time`,
    });
  return tell({ type: 'check', result: 'ok', text: `${what}: ${value}` });
}

async function checkLoggingRole(session: Session): Promise<void> {
  const { clients, tell, region } = session;
  const what = 'CloudWatch role of API Gateway';
  const account = await look(session, 'apigateway:GET /account', what, () =>
    clients.apiGateway.send(new GetAccountCommand({})),
  );
  if (account === undefined) return;
  if (account.cloudwatchRoleArn) return tell({ type: 'check', result: 'ok', text: what });
  throw new CliError(`API Gateway has no CloudWatch role in ${region}`, {
    code: 'api_logging_role',
    why: '--api-logging on needs one in the settings of API Gateway; it is one for all APIs of the account, so we leave it alone',
    next: [
      `aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN --region ${region}`,
      'or go without: --api-logging off',
    ],
  });
}
