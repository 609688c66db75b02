import type { Secret } from './secret.ts';

/** The value with all that is in it read-only. */
export type ReadOnly<T> = T extends Secret
  ? T
  : T extends readonly (infer Element)[]
    ? readonly ReadOnly<Element>[]
    : T extends object
      ? { readonly [Key in keyof T]: ReadOnly<T[Key]> }
      : T;
