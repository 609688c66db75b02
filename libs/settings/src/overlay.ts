type Section = Readonly<Record<string, unknown>>;

/** The upper value, with what it leaves out taken from the lower one; lists are taken whole. */
export function overlay(lower: unknown, upper: unknown): unknown {
  if (upper === undefined || upper === null) return lower;
  if (!isSection(lower) || !isSection(upper)) return upper;
  const merged: Record<string, unknown> = { ...lower };
  for (const [key, value] of Object.entries(upper)) merged[key] = overlay(lower[key], value);
  return merged;
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
