import { ResetCode } from '@culvert/wire';

const names = new Map<number, string>(
  Object.entries(ResetCode).map(([name, code]) => [code, name.replace(/(?<=.)[A-Z]/g, '_$&').toLowerCase()]),
);

/** A code as it is written in metrics: `upstream_lost`. */
export function resetName(code: ResetCode): string {
  return names.get(code) ?? `code_${code}`;
}
