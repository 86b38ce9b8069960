/** Roles, with who may take them. */
import { type Call, type Reply, ServiceError } from './http.ts';

export class Iam {
  /** Services that roles trust, by the roles' names. */
  readonly roles = new Map<string, string>();

  handle({ action, params }: Call): Reply {
    if (action !== 'GetRole') throw new ServiceError('InvalidAction', action);
    const trusted = this.roles.get(params.RoleName);
    if (trusted === undefined)
      throw new ServiceError('NoSuchEntity', `The role with name ${params.RoleName} cannot be found.`, 404);
    const policy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: trusted }, Action: 'sts:AssumeRole' }],
    };
    return {
      result: {
        Role: {
          Path: '/',
          RoleName: params.RoleName,
          RoleId: 'AROAEXAMPLE',
          Arn: `arn:aws:iam::123456789012:role/${params.RoleName}`,
          CreateDate: '2026-08-01T12:00:00Z',
          AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify(policy)),
        },
      },
    };
  }
}
