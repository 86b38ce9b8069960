/** Ports whose calls fail now and then: before they do anything, or after they have done it, as a process may die. */
import type { Ports } from '../../backend/ports/index.ts';

/** @param dies says for each call whether it fails */
export function crashing(ports: Ports, dies: () => boolean): Ports {
  const wrap = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          if (dies()) throw new Error(`died before ${String(name)}`);
          const answer: unknown = await Reflect.apply(method, target, args);
          if (dies()) throw new Error(`died after ${String(name)}`);
          return answer;
        };
      },
    });
  const { ledger, objects, transforms } = ports;
  return { ...ports, ledger: wrap(ledger), objects: wrap(objects), transforms: wrap(transforms) };
}
