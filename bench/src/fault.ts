/** Why the bench cannot go on with a contestant, a run or its own command line. */
export class BenchFault extends Error {
  override readonly name = 'BenchFault';
}
