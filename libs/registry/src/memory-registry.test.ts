import { MemoryRegistry } from './memory-registry.ts';
import { registryContract } from './registry.contract.ts';

registryContract('MemoryRegistry', (times) => Promise.resolve(new MemoryRegistry({ times })));
