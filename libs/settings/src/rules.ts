import { textField } from './field.ts';
import type { Schema } from './schema.ts';

/** Public ports from the first to the last, both included. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

const MAX_PORT = 65_535;
const RANGE = /^(\d{1,5})(?:-(\d{1,5}))?$/;

/** `8022` or `1024-65535`. */
export function parsePortRange(text: string): PortRange | undefined {
  const match = RANGE.exec(text);
  if (match === null) return undefined;
  const from = Number(match[1]);
  const to = Number(match[2] ?? match[1]);
  return from >= 1 && from <= to && to <= MAX_PORT ? { from, to } : undefined;
}

export const portRange = (description: string): Schema<PortRange> =>
  textField(
    {
      type: 'port range',
      expected: 'ports such as "8022" or "1024-65535", in quotes',
      parse: parsePortRange,
    },
    description,
  );

/** `/prefix`, `= /exact` or `~ ^/regular-expression`, as text in exactly this form. */
export function parsePathRule(text: string): string | undefined {
  const [, mark = '', rest = ''] = /^([=~]?)\s*(.*)$/s.exec(text) ?? [];
  if (mark === '~') return isRegularExpression(rest) ? `~ ${rest}` : undefined;
  if (!/^\/[^\s?#]*$/.test(rest)) return undefined;
  return mark === '=' ? `= ${rest}` : rest;
}

export const pathRule = (description: string): Schema<string> =>
  textField(
    {
      type: 'path rule',
      expected: 'a path such as "/v1" (prefix), "= /exact" or "~ ^/regex"',
      parse: parsePathRule,
    },
    description,
  );

function isRegularExpression(source: string): boolean {
  try {
    return source !== '' && new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}
