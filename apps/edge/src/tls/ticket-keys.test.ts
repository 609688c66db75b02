import { expect, it } from 'vitest';
import { newTicketKeys } from './ticket-keys.ts';

it('are the same wherever the secret is, and no two times without one', () => {
  expect(newTicketKeys('secret')).toEqual(newTicketKeys('secret'));
  expect(newTicketKeys('secret')).not.toEqual(newTicketKeys('another'));
  expect(newTicketKeys(undefined)).not.toEqual(newTicketKeys(undefined));
  expect(newTicketKeys('secret')).toHaveLength(48);
});
