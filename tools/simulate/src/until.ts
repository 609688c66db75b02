const LOOK_EVERY_MS = 500;

/** Waits for what a look every half second finds to be so; returns the time since `began`, ms. */
export async function until(holds: () => Promise<boolean>, began: number): Promise<number> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  return performance.now() - began;
}
