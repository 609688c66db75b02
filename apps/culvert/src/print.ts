let guarded = false;

/** Writes for people, on the standard output; a closed one is no reason to stop working. */
export function print(text: string): void {
  if (!guarded) process.stdout.on('error', () => undefined);
  guarded = true;
  process.stdout.write(text);
}
