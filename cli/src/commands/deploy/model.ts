/** Which model: the one that was named, the one that the stack has, or one chosen from a list. */
import { findModel, listModels, type Model, similar } from '../../deploy/models.ts';
import { usageError } from '../../errors.ts';
import type { Session } from './session.ts';

/** So many are offered. */
const OFFERED = 20;
/** Among so many a similar name is looked for. */
const SEARCHED = 500;

export async function chooseModel(session: Session, given: string | undefined): Promise<Model> {
  const { call, clients, region, account } = session;
  const name = given ?? (await askForModel(session));
  const model = await call(`sagemaker:DescribeModel of ${name}`, () => findModel(clients.sageMaker, name));
  if (model !== undefined) return model;
  const names = await listModels(clients.sageMaker, SEARCHED).catch(() => []);
  const like = similar(name, names);
  throw usageError(`there is no SageMaker model ${name}`, {
    code: 'no_model',
    why:
      like.length > 0
        ? `in account ${account}, region ${region}; did you mean ${like.join(', ')}?`
        : `account ${account} has ${names.length === 0 ? 'no models' : 'other models'} in region ${region}`,
    next: [`aws sagemaker list-models --region ${region}`, 'name one of them: --model NAME'],
  });
}

async function askForModel({ asker, call, clients, region }: Session): Promise<string> {
  const missing = usageError('which model? --model is not given', {
    code: 'no_model',
    why: 'a new stack needs the name of a SageMaker model',
    next: ['batchml deploy --model NAME'],
  });
  if (!asker.possible) throw missing;
  const names = await call('sagemaker:ListModels', () => listModels(clients.sageMaker, OFFERED));
  if (names.length === 0)
    throw usageError(`there are no SageMaker models in region ${region}`, {
      code: 'no_model',
      next: ['make one (CreateModel), or look elsewhere: --region REGION'],
    });
  const chosen = await asker.choose('which SageMaker model? The newest:', names);
  if (chosen === undefined) throw missing;
  return chosen;
}
