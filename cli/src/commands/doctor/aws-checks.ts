/** Credentials, region and stack, as AWS sees them. Loads the SDK: only by `import()`. */
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { type AwsChoice, awsConfig } from '../../config/aws.ts';
import type { Profile } from '../../config/profiles.ts';
import type { Context } from '../../context.ts';
import { explainAws } from '../../deploy/aws-errors.ts';
import { nextStep } from '../../deploy/stack-state.ts';
import { Stacks } from '../../deploy/stacks.ts';
import { shellQuote } from '../../ui/format.ts';
import { skewOf } from './api-checks.ts';
import { type Check, TooLongError, within } from './check.ts';
import { failed } from './machine-checks.ts';

export interface AwsSaid {
  readonly checks: readonly Check[];
  /** AWS's clock less ours, in ms. */
  readonly skew: number | undefined;
}

export interface AwsAim {
  readonly choice: AwsChoice;
  /** The profile of a deployed stack; undefined: AWS isn't needed, only for `batchml deploy`. */
  readonly deployed: Profile | undefined;
}

export async function checkAws(context: Context, { choice, deployed }: AwsAim): Promise<AwsSaid> {
  // Each check has its own time; more tries would only wait longer for the same answer.
  const config = awsConfig(choice, context.deps.aws, 2);
  const sts = new STSClient(config);
  const cloudFormation = new CloudFormationClient(config);
  try {
    const region = await checkRegion(context, sts, choice);
    const { check: credentials, skew } = await checkCredentials(
      context,
      sts,
      choice,
      deployed,
      region.status,
    );
    const checks = [credentials, region];
    if (deployed?.stack !== undefined) {
      const blocked = [credentials, region].some(({ status }) => status === 'fail');
      checks.push(
        blocked
          ? { name: 'stack', status: 'skip', detail: `${deployed.stack}: AWS could not be asked` }
          : await checkStack(context, cloudFormation, choice, deployed.stack),
      );
    }
    return { checks: deployed === undefined ? checks.map(notNeeded) : checks, skew };
  } finally {
    sts.destroy();
    cloudFormation.destroy();
  }
}

/** Where AWS isn't used, what is missing is no fault. */
function notNeeded(check: Check): Check {
  if (check.status !== 'fail') return check;
  return { ...check, status: 'skip', detail: `${check.detail}; needed for batchml deploy only` };
}

async function checkRegion(context: Context, sts: STSClient, choice: AwsChoice): Promise<Check> {
  const name = 'region';
  try {
    const region = await within(context, () => sts.config.region());
    return { name, status: 'ok', detail: `${region} (by ${choice.regionFrom ?? 'the AWS profile'})` };
  } catch (error) {
    context.interrupts.signal.throwIfAborted();
    return awsFailed(name, error, choice, 'finding the region');
  }
}

function sourceOf({ profile, profileFrom, keysInEnvironment }: AwsChoice): string {
  if (profile !== undefined) return `AWS profile ${profile}, by ${profileFrom}`;
  return keysInEnvironment ? 'AWS_ACCESS_KEY_ID' : "the SDK's default chain";
}

/** Enough of it to tell keys apart. */
const masked = (id: string): string => (id.length < 12 ? '…' : `${id.slice(0, 4)}…${id.slice(-4)}`);

async function checkCredentials(
  context: Context,
  sts: STSClient,
  choice: AwsChoice,
  deployed: Profile | undefined,
  region: Check['status'],
): Promise<{ check: Check; skew: number | undefined }> {
  const { deps, interrupts } = context;
  const name = 'credentials';
  let skew: number | undefined;
  let who: string | undefined;
  try {
    const { accessKeyId } = await within(context, () => sts.config.credentials());
    who = `${masked(accessKeyId)} (${sourceOf(choice)})`;
    if (region === 'fail')
      return { check: { name, status: 'skip', detail: `${who}: without a region AWS can't be asked` }, skew };
    const askedAt = deps.now();
    const heard = (response: unknown): void => {
      const { headers } = (response ?? {}) as { headers?: Readonly<Record<string, string>> };
      skew = skewOf(headers?.['date'], askedAt, deps.now()) ?? skew;
    };
    sts.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        heard(result.response);
        return result;
      },
      { step: 'deserialize', name: 'hearTheTime', priority: 'high' },
    );
    try {
      const { Account: account = '', Arn: arn = '' } = await within(context, (abortSignal) =>
        sts.send(new GetCallerIdentityCommand({}), { abortSignal }),
      );
      const detail = `${who}: ${arn}`;
      if (deployed?.account !== undefined && deployed.account !== account)
        return {
          check: {
            name,
            status: 'fail',
            detail: `${detail}; the profile's stack is in account ${deployed.account}`,
            next: 'take credentials of that account: --aws-profile NAME',
          },
          skew,
        };
      return { check: { name, status: 'ok', detail }, skew };
    } catch (error) {
      heard((error as { $response?: unknown }).$response);
      throw error;
    }
  } catch (error) {
    interrupts.signal.throwIfAborted();
    const check = awsFailed(name, error, choice, 'sts:GetCallerIdentity');
    return { check: who === undefined ? check : { ...check, detail: `${who}: ${check.detail}` }, skew };
  }
}

async function checkStack(
  context: Context,
  client: CloudFormationClient,
  choice: AwsChoice,
  stack: string,
): Promise<Check> {
  const name = 'stack';
  const command = `batchml deploy --stack ${shellQuote(stack)}`;
  try {
    const found = await within(context, () => new Stacks(client).find(stack));
    if (found === undefined)
      return {
        name,
        status: 'fail',
        detail: `${stack} is not there`,
        next: `make it: ${command} --model NAME`,
      };
    const detail = `${stack}: ${found.status}${found.reason === '' ? '' : ` (${found.reason})`}`;
    const step = nextStep(found.status);
    if (step.do === 'update') return { name, status: 'ok', detail };
    if (step.do === 'wait') return { name, status: 'warn', detail, next: `watch it: ${command} --attach` };
    return { name, status: 'fail', detail, next: `bring it to its feet: ${command}` };
  } catch (error) {
    context.interrupts.signal.throwIfAborted();
    return awsFailed(name, error, choice, `reading stack ${stack}`);
  }
}

function awsFailed(name: string, error: unknown, choice: AwsChoice, doing: string): Check {
  if (error instanceof TooLongError) return { name, status: 'fail', detail: `AWS: ${error.message}` };
  const { profile, profileFrom, keysInEnvironment } = choice;
  return failed(name, explainAws(error, { doing, profile, profileFrom, keysInEnvironment }));
}
