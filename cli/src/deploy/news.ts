/** What deploying and destroying have to tell: one union, shown by `cli/src/ui`, and a JSON line each with `--json`. */
import type { Change, SettingChange } from './changes.ts';
import type { ResourceEvent, Tally } from './stack-events.ts';

export type News =
  /** Who and where, before anything else. */
  | {
      readonly type: 'target';
      readonly stack: string;
      readonly account: string;
      readonly region: string;
      /** ARN of who asks. */
      readonly caller: string;
      readonly awsProfile: string | null;
      /** CloudFormation's status; null: there is no such stack. */
      readonly status: string | null;
    }
  /** Something of unknown length begins. */
  | { readonly type: 'phase'; readonly text: string }
  /** What was looked at beforehand; `unknown`: it was not allowed to look. */
  | { readonly type: 'check'; readonly result: 'ok' | 'unknown' | 'warning'; readonly text: string }
  | { readonly type: 'note'; readonly text: string }
  | {
      readonly type: 'upload';
      readonly file: string;
      readonly bytes: number;
      readonly done: number;
      readonly total: number;
    }
  | {
      readonly type: 'changes';
      readonly operation: 'create' | 'update';
      readonly changes: readonly Change[];
      readonly settings: readonly SettingChange[];
    }
  /** A resource, or the stack, has changed its state. */
  | ({ readonly type: 'resource'; readonly stack: string } & ResourceEvent)
  | {
      readonly type: 'progress';
      readonly doing: string;
      readonly tally: Tally;
      /** Resources that will change; undefined: not known. */
      readonly total: number | undefined;
      readonly ms: number;
    };

export type Tell = (news: News) => Promise<void>;
