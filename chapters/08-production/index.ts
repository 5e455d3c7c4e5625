/**
 * Chapter 08, hardening: the only door into this chapter.
 */

export { ProductionServer, serveProduction } from './serve.ts';
export type { ProductionOptions } from './serve.ts';
export { defaultSettings, settingsTable } from './settings.ts';
export type { Setting, Settings } from './settings.ts';
export { main } from './main.ts';

// 8.1 TLS
export { CertificateError, Certificates } from './certificates.ts';
export type { CertificateFor } from './front.ts';

// 8.2 time
export { Patience } from './time.ts';
export type { PatienceOptions } from './time.ts';

// 8.3 limits and rate
export { clientOf, TrustedProxies } from './client-address.ts';
export type { Trust } from './client-address.ts';
export { ProxyHeaderError, ProxyHeaderReader } from './proxy-header.ts';
export type { ProxyHeader } from './proxy-header.ts';
export { TokenBuckets } from './limits.ts';
export type { BucketOptions } from './limits.ts';

// 8.5 health and metrics
export type { Check } from './health.ts';
export type { LogEntry } from './requests.ts';
