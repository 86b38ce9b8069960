import { type Call, type Reply, ServiceError } from './http.ts';

export function sts({ action }: Call, account: string): Reply {
  if (action !== 'GetCallerIdentity') throw new ServiceError('InvalidAction', action);
  return { result: { Arn: `arn:aws:iam::${account}:user/me`, UserId: 'AIDAEXAMPLE', Account: account } };
}
