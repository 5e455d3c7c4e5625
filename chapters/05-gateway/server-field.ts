import type { GatewayHeader } from './gateway.ts';
import { fieldValue } from './response-head.ts';

/** Adds Server, unless the application has its own. (Date is added by the code that writes the head.) */
export function withServer(headers: readonly GatewayHeader[], field: GatewayHeader | null): readonly GatewayHeader[] {
  return field === null || fieldValue(headers, 'server') !== undefined ? headers : [...headers, field];
}
