/** After a deployment: the key is fetched, the profile saved, the endpoint asked for an answer. */
import { GetApiKeyCommand } from '@aws-sdk/client-api-gateway';
import { ApiClient } from '../../client/client.ts';
import { configDir } from '../../config/paths.ts';
import { type Profile, type Profiles, saveProfile } from '../../config/profiles.ts';
import type { StackView } from '../../deploy/stacks.ts';
import { CliError, toCliError } from '../../errors.ts';
import { EXIT } from '../../exit-codes.ts';
import { showFacts } from '../../ui/deploy-view.ts';
import { shellQuote } from '../../ui/format.ts';
import { ApiKeys, keyInUse, USAGE_PLAN } from '../key/api-keys.ts';
import type { Session } from './session.ts';

/** A new API's name takes a while to be known everywhere, and so does its key. In ms. */
const ANSWER_MS = 60_000;
const AGAIN_MS = 2_000;

type Check = 'ok' | 'no answer' | 'skipped';

export async function finish(
  session: Session,
  stack: StackView,
  { check, changed }: { readonly check: boolean; readonly changed: boolean },
): Promise<number> {
  const { context, tell, account, region } = session;
  const { terminal, json } = context;
  const { ApiEndpoint: endpoint, ApiKeyId: keyId } = stack.outputs;
  if (endpoint === undefined || keyId === undefined)
    throw new CliError(`stack ${stack.name} is not one of batchml`, {
      code: 'not_ours',
      why: 'it has no outputs ApiEndpoint and ApiKeyId',
      next: ['take another name: --stack NAME'],
    });
  context.interrupts.onInterrupt(() =>
    terminal.say(
      'stopping; the stack is there, but no profile of it is saved yet. To do that:\n  batchml deploy --attach',
    ),
  );
  const key = await fetchKey(session, stack, keyId);
  const profile = await save(session, stack, endpoint, key);
  const answered: Check = check ? await ask(session, endpoint, key) : 'skipped';
  if (answered === 'no answer')
    await tell({
      type: 'note',
      text: 'that may be so for some minutes with a new name. Look again:\n  batchml info',
    });
  const facts = {
    stack: stack.name,
    account,
    region,
    endpoint,
    profile,
    model: stack.parameters['ModelName'] ?? '',
    table: stack.outputs['JobTableName'] ?? '',
    bucket: stack.outputs['S3BucketName'] ?? '',
  };
  if (json) {
    const { outputs } = stack;
    const time = new Date(context.deps.now()).toISOString();
    await terminal.json({ type: 'result', version: 1, time, ...facts, changed, check: answered, outputs });
  } else await showFacts(terminal, Object.entries(facts));
  terminal.note(`next:\n  batchml submit FILE`);
  return EXIT.ok;
}

/** The key that opens the pipeline: the stack's own, or after a rotation the one that took its place. */
export async function fetchKey(
  { call, clients, stacks, tell }: Session,
  { id: stackId }: StackView,
  id: string,
): Promise<string> {
  await tell({ type: 'phase', text: 'fetching the API key' });
  const own = await call('apigateway:GET of the API key', () =>
    clients.apiGateway.send(new GetApiKeyCommand({ apiKey: id, includeValue: true })),
  );
  let { value } = own;
  if (own.enabled === false) {
    const resources = await call('reading the usage plan', () => stacks.resources(stackId));
    const plan = resources.find(({ type }) => type === USAGE_PLAN)?.name ?? '';
    const keys = await call('apigateway:GET of the API keys', () =>
      new ApiKeys(clients.apiGateway, plan).all(),
    );
    value = keyInUse(keys, id)?.value;
  }
  if (value !== undefined && value !== '') return value;
  throw new CliError('API Gateway does not tell the API key', { code: 'no_key' });
}

/** A profile of that name that is another stack's, or the local server's, stays as it is. */
function freeName({ namedProfile, profiles: { profiles }, stack, account, region }: Session): string {
  if (namedProfile !== undefined) return namedProfile;
  const free = (name: string): boolean => {
    const known = profiles[name];
    return (
      known === undefined || (known.stack === stack && known.account === account && known.region === region)
    );
  };
  return [stack, `${stack}-${region}`].find(free) ?? `${stack}-${account}-${region}`;
}

async function save(
  session: Session,
  { parameters }: StackView,
  endpoint: string,
  key: string,
): Promise<string> {
  const { context, stack, account, region, awsProfile, tell } = session;
  const { deps, env } = context;
  const name = freeName(session);
  const model = parameters['ModelName'];
  const profile: Profile = {
    endpoint,
    key,
    stack,
    account,
    region,
    ...(model === undefined ? {} : { model }),
    ...(awsProfile === undefined ? {} : { awsProfile }),
  };
  const old = session.profiles;
  await saveProfile(configDir(env), name, profile, deps.randomHex(4), { activate: true });
  context.progress.stop();
  await tell({ type: 'note', text: activeText(name, old) });
  const winner =
    env.endpoint !== undefined
      ? 'BATCHML_ENDPOINT'
      : env.profile !== undefined && env.profile !== name
        ? 'BATCHML_PROFILE'
        : undefined;
  if (winner !== undefined)
    await tell({
      type: 'note',
      text: `${winner} is set and wins over it: unset it, or say --profile ${shellQuote(name)}`,
    });
  return name;
}

function activeText(name: string, { active }: Profiles): string {
  if (active === name) return `profile ${name} is up to date, and the active one`;
  return active === undefined
    ? `saved as profile ${name}, now the active one`
    : `saved as profile ${name}, now the active one instead of ${active}`;
}

/** Whether the endpoint answers with the key, within a minute. */
async function ask({ context, tell }: Session, endpoint: string, key: string): Promise<Check> {
  const { deps, interrupts } = context;
  await tell({ type: 'phase', text: `waiting for ${endpoint} to answer (up to a minute)` });
  const client = new ApiClient({
    endpoint,
    key,
    fetch: deps.fetch,
    now: deps.now,
    sleep: deps.sleep,
    signal: interrupts.signal,
    attempts: 1,
  });
  interrupts.onInterrupt(() =>
    context.terminal.say(
      'no longer waiting; the stack is there and its profile is saved. Look again:\n  batchml info',
    ),
  );
  const end = deps.now() + ANSWER_MS;
  for (;;) {
    try {
      await client.settings();
      context.progress.stop();
      await tell({ type: 'check', result: 'ok', text: 'the endpoint answers' });
      return 'ok';
    } catch (error) {
      interrupts.signal.throwIfAborted();
      if (deps.now() > end) {
        context.progress.stop();
        const { message, why } = toCliError(error);
        const last = why === undefined ? message : `${message}: ${why}`;
        await tell({ type: 'check', result: 'warning', text: `the endpoint does not answer yet: ${last}` });
        return 'no answer';
      }
    }
    await deps.sleep(AGAIN_MS, interrupts.signal);
    interrupts.signal.throwIfAborted();
  }
}
