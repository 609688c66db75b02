export { ConfiguredService } from '@culvert/testkit';
export type { Configuration } from '@culvert/testkit';
