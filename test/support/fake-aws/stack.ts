/** A stack that moves: what CloudFormation does to its resources, one event at a time. */
import type { Clock } from './clock.ts';
import { type Difference, resourcesOf, type Scope, type Template } from './template.ts';

// biome-ignore lint/suspicious/noExplicitAny: properties of any resource
type Any = any;

export interface StackEvent {
  readonly EventId: string;
  readonly Timestamp: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId: string;
  readonly ResourceType: string;
  readonly ResourceStatus: string;
  readonly ResourceStatusReason: string | undefined;
}

export type Phase = 'create' | 'update' | 'delete' | 'rollback';

/** What a resource needs of the world; a text: why it failed. */
export interface Providers {
  readonly physicalId: (stack: FakeStack, id: string, resource: Any) => string;
  readonly make: (stack: FakeStack, id: string, resource: Any) => string | undefined;
  readonly unmake: (id: string, type: string, physicalId: string) => void;
  readonly failure: (phase: Phase, id: string) => string | undefined;
}

interface Held {
  readonly type: string;
  readonly physicalId: string;
  readonly resource: Any;
  status: string;
}

/** Resources begun at a time. */
const AT_A_TIME = 4;

export class FakeStack {
  readonly id: string;
  readonly name: string;
  status = 'REVIEW_IN_PROGRESS';
  reason: string | undefined;
  updatedAt: string | undefined;
  readonly createdAt: string;
  template: Template = { Resources: {} };
  parameters: Record<string, string> = {};
  readonly resources = new Map<string, Held>();
  /** Oldest first. */
  readonly events: StackEvent[] = [];
  private readonly clock: Clock;
  private readonly providers: Providers;
  readonly pseudo: Readonly<Record<string, string>>;
  private work: Generator<void> | undefined;
  private cancelled = false;

  constructor(
    id: string,
    name: string,
    clock: Clock,
    providers: Providers,
    pseudo: Readonly<Record<string, string>>,
  ) {
    this.id = id;
    this.name = name;
    this.clock = clock;
    this.providers = providers;
    this.pseudo = { ...pseudo, 'AWS::StackId': id, 'AWS::StackName': name };
    this.createdAt = clock.now();
    this.tell('REVIEW_IN_PROGRESS');
  }

  get moving(): boolean {
    return this.work !== undefined;
  }

  scope(template = this.template, values: Readonly<Record<string, string>> = this.parameters): Scope {
    return {
      template,
      values,
      pseudo: this.pseudo,
      physical: (id) => this.resources.get(id)?.physicalId ?? `<${id}>`,
    };
  }

  /** Lets the next events happen. */
  advance(count: number): void {
    for (let i = 0; i < count && this.work !== undefined; i++)
      if (this.work.next().done) this.work = undefined;
  }

  create(template: Template, parameters: Record<string, string>): void {
    this.template = template;
    this.parameters = parameters;
    this.begin(this.creating());
  }

  update(template: Template, parameters: Record<string, string>, changes: readonly Difference[]): void {
    const before = { template: this.template, parameters: this.parameters };
    this.template = template;
    this.parameters = parameters;
    this.updatedAt = this.clock.now();
    this.begin(this.updating(changes, before));
  }

  delete(): void {
    if (this.status === 'REVIEW_IN_PROGRESS' || this.status === 'DELETE_COMPLETE') {
      this.tell('DELETE_COMPLETE');
      return;
    }
    this.begin(this.deleting());
  }

  cancel(): void {
    this.cancelled = true;
  }

  continueRollback(): void {
    this.begin(this.rollingBackAgain());
  }

  private begin(work: Generator<void>): void {
    this.cancelled = false;
    this.work = work;
    // The first event is there before the request is answered.
    this.advance(1);
  }

  private tell(status: string, reason?: string): void {
    this.status = status;
    this.reason = reason;
    this.event(this.name, this.id, 'AWS::CloudFormation::Stack', status, reason);
  }

  private event(id: string, physicalId: string, type: string, status: string, reason?: string): void {
    const Timestamp = this.clock.tick();
    this.events.push({
      EventId: `${this.name}-${this.events.length}`,
      Timestamp,
      LogicalResourceId: id,
      PhysicalResourceId: physicalId,
      ResourceType: type,
      ResourceStatus: status,
      ResourceStatusReason: reason,
    });
  }

  private mark(id: string, status: string, reason?: string): void {
    const held = this.resources.get(id) as Held;
    held.status = status;
    this.event(id, held.physicalId, held.type, status, reason);
  }

  private *creating(): Generator<void> {
    this.tell('CREATE_IN_PROGRESS', 'User Initiated');
    yield;
    const failed = yield* this.making(Object.entries(resourcesOf(this.scope())), 'create');
    if (failed === undefined) {
      this.tell('CREATE_COMPLETE');
      return;
    }
    this.tell(
      'ROLLBACK_IN_PROGRESS',
      `The following resource(s) failed to create: [${failed}]. Rollback requested by user.`,
    );
    yield;
    const stuck = yield* this.unmaking([...this.resources.keys()].reverse(), 'rollback', false);
    if (stuck === undefined) this.tell('ROLLBACK_COMPLETE');
    else this.tell('ROLLBACK_FAILED', `The following resource(s) failed to delete: [${stuck}].`);
  }

  /** @returns the IDs that failed */
  private *making(
    entries: readonly (readonly [string, Any])[],
    phase: Phase,
  ): Generator<void, string | undefined> {
    for (let i = 0; i < entries.length; i += AT_A_TIME) {
      const group = entries.slice(i, i + AT_A_TIME);
      for (const [id, resource] of group) {
        const physicalId = this.providers.physicalId(this, id, resource);
        this.resources.set(id, { type: resource.Type, physicalId, resource, status: '' });
        this.mark(id, 'CREATE_IN_PROGRESS');
        yield;
      }
      const failures = group.map(([id]) => this.providers.failure(phase, id));
      const problems = group.map(([id], at) => failures[at] ?? this.makeOne(id));
      const bad = problems.findIndex((problem) => problem !== undefined);
      if (bad !== -1) {
        const [id] = group[bad] as readonly [string, Any];
        this.mark(id, 'CREATE_FAILED', problems[bad]);
        yield;
        for (const [other] of group) {
          if (other === id) continue;
          this.mark(other, 'CREATE_FAILED', 'Resource creation cancelled');
          yield;
        }
        return id;
      }
      for (const [id] of group) {
        this.mark(id, 'CREATE_COMPLETE');
        yield;
      }
    }
    return undefined;
  }

  private makeOne(id: string): string | undefined {
    const resource = resourcesOf(this.scope())[id];
    return this.providers.make(this, id, resource);
  }

  private *unmaking(
    ids: readonly string[],
    phase: Phase,
    retain: boolean,
  ): Generator<void, string | undefined> {
    let stuck: string | undefined;
    for (const id of ids) {
      const held = this.resources.get(id) as Held;
      if (retain && held.resource.DeletionPolicy?.startsWith('Retain')) {
        this.mark(id, 'DELETE_SKIPPED');
        continue;
      }
      this.mark(id, 'DELETE_IN_PROGRESS');
      yield;
      const problem = this.providers.failure(phase, id);
      if (problem !== undefined) {
        this.mark(id, 'DELETE_FAILED', problem);
        stuck = id;
        yield;
        continue;
      }
      this.providers.unmake(id, held.type, held.physicalId);
      this.mark(id, 'DELETE_COMPLETE');
      this.resources.delete(id);
      yield;
    }
    return stuck;
  }

  private *deleting(): Generator<void> {
    this.tell('DELETE_IN_PROGRESS', 'User Initiated');
    yield;
    // A stack whose creation failed keeps nothing (RetainExceptOnCreate).
    const whole = this.events.some(
      ({ ResourceStatus, PhysicalResourceId }) =>
        PhysicalResourceId === this.id && ResourceStatus === 'CREATE_COMPLETE',
    );
    const stuck = yield* this.unmaking([...this.resources.keys()].reverse(), 'delete', whole);
    if (stuck === undefined) this.tell('DELETE_COMPLETE');
    else this.tell('DELETE_FAILED', `The following resource(s) failed to delete: [${stuck}].`);
  }

  private *updating(
    changes: readonly Difference[],
    before: { readonly template: Template; readonly parameters: Record<string, string> },
  ): Generator<void> {
    this.tell('UPDATE_IN_PROGRESS', 'User Initiated');
    yield;
    const done: Difference[] = [];
    let failed: string | undefined;
    const now = resourcesOf(this.scope());
    for (const change of changes.filter(({ Action }) => Action !== 'Remove')) {
      if (this.cancelled) break;
      const id = change.LogicalResourceId;
      done.push(change);
      if (change.Action === 'Add') failed = yield* this.making([[id, now[id]]], 'update');
      else failed = yield* this.changing(change, now[id]);
      if (failed !== undefined) break;
    }
    if (failed !== undefined || this.cancelled) {
      this.tell(
        'UPDATE_ROLLBACK_IN_PROGRESS',
        failed === undefined ? 'User Initiated' : `The following resource(s) failed to update: [${failed}].`,
      );
      yield;
      this.template = before.template;
      this.parameters = before.parameters;
      for (const change of done.reverse()) {
        const problem = yield* this.changingBack(change);
        if (problem === undefined) continue;
        this.tell('UPDATE_ROLLBACK_FAILED', `The following resource(s) failed to update: [${problem}].`);
        return;
      }
      this.tell('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
      yield;
      this.tell('UPDATE_ROLLBACK_COMPLETE');
      return;
    }
    this.tell('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    yield;
    const gone = changes
      .filter(({ Action }) => Action === 'Remove')
      .map(({ LogicalResourceId }) => LogicalResourceId);
    yield* this.unmaking(gone, 'delete', true);
    this.tell('UPDATE_COMPLETE');
  }

  private *changing(
    { LogicalResourceId: id, Replacement }: Difference,
    resource: Any,
  ): Generator<void, string | undefined> {
    this.mark(
      id,
      'UPDATE_IN_PROGRESS',
      Replacement === 'True'
        ? 'Requested update requires the creation of a new physical resource; hence creating one.'
        : undefined,
    );
    yield;
    const problem = this.providers.failure('update', id);
    if (problem !== undefined) {
      this.mark(id, 'UPDATE_FAILED', problem);
      yield;
      return id;
    }
    if (Replacement === 'True') {
      const physicalId = this.providers.physicalId(this, id, resource);
      this.resources.set(id, { type: resource.Type, physicalId, resource, status: '' });
      this.makeOne(id);
    }
    this.mark(id, 'UPDATE_COMPLETE');
    yield;
    return undefined;
  }

  private *changingBack({ LogicalResourceId: id, Action }: Difference): Generator<void, string | undefined> {
    if (Action === 'Add') return yield* this.unmaking([id], 'rollback', false);
    this.mark(id, 'UPDATE_IN_PROGRESS');
    yield;
    const problem = this.providers.failure('rollback', id);
    this.mark(id, problem === undefined ? 'UPDATE_COMPLETE' : 'UPDATE_FAILED', problem);
    yield;
    return problem === undefined ? undefined : id;
  }

  private *rollingBackAgain(): Generator<void> {
    this.tell('UPDATE_ROLLBACK_IN_PROGRESS', 'User Initiated');
    yield;
    const left = [...this.resources].filter(([, { status }]) => status === 'UPDATE_FAILED').map(([id]) => id);
    for (const LogicalResourceId of left) {
      const problem = yield* this.changingBack({
        Action: 'Modify',
        LogicalResourceId,
        ResourceType: '',
        names: [],
      });
      if (problem === undefined) continue;
      this.tell('UPDATE_ROLLBACK_FAILED', `The following resource(s) failed to update: [${problem}].`);
      return;
    }
    this.tell('UPDATE_ROLLBACK_COMPLETE');
  }
}
