/**
 * What the rules of chapter 08 share, outside: a server that is started, clients that speak TLS with it, and the files
 * that a rule has written, which are gone when it is over.
 */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { makeCertificate } from '#support/certificate.ts';
import type { CertificateOptions } from '#support/certificate.ts';
import type { World } from '#support/exercise.ts';
import type { HttpClient } from '#support/http-client.ts';
import type { RequestOptions } from '#support/http-client.ts';
import { closing, expectStatus, theOnly } from '#support/http-exchange.ts';
import type { HttpTestResponse } from '#support/http-response.ts';
import type { Address, TcpClient } from '#support/tcp-client.ts';
import type { Settings } from './door.ts';
import type driver from './driver.ts';
import type { Served, Setup, Told } from './servers.ts';

export type TestWorld = World<typeof driver>;

/** A certificate that a rule has made, with its key, in files. */
export interface Files {
  certificateFile: string;
  keyFile: string;
  /** As the setting takes them. */
  pair: string;
  fingerprint: string;
}

export class Stage {
  readonly world: TestWorld;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ten-servers-08-'));

  constructor(world: TestWorld) {
    this.world = world;
  }

  /** Writes a file and returns its path. */
  write(name: string, text: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** The path of a file that may not be there. */
  path(name: string): string {
    return join(this.#folder, name);
  }

  /** Makes a certificate and writes it into `NAME.pem` and `NAME-key.pem`, over what is there. */
  certificate(name: string, options: CertificateOptions): Files {
    const { certificate, key } = makeCertificate(options);
    const certificateFile = this.write(`${name}.pem`, certificate);
    const keyFile = this.write(`${name}-key.pem`, key);
    return { certificateFile, keyFile, pair: `${certificateFile},${keyFile}`, fingerprint: new X509Certificate(certificate).fingerprint256 };
  }

  async serve(settings: Partial<Settings>, rest: Omit<Setup, 'settings'> = {}): Promise<Served> {
    return await this.world.call('serve', { settings, ...rest });
  }

  /** Serves HTTPS for one name. */
  async serveSecure(settings: Partial<Settings> = {}, rest: Omit<Setup, 'settings'> = {}): Promise<Served & { files: Files }> {
    const files = this.certificate('server', { names: ['localhost'] });
    return { ...(await this.serve({ certificates: [files.pair], ...settings }, rest)), files };
  }

  /** A client that has shaken hands. */
  async secure(address: Address, tls: ConnectionOptions = {}, label?: string): Promise<HttpClient> {
    return await this.world.http(address, { tls, ...(label !== undefined && { label }) });
  }

  /** A client that may or may not be let in: waits for either. */
  async tries(address: Address, tls: ConnectionOptions): Promise<{ client: TcpClient; isIn: boolean }> {
    const client = this.world.client(address, { tls });
    await client.until(() => client.secured || client.ended || client.closed, { sent: describe(tls), expected: 'the handshake ends, one way or the other' });
    return { client, isIn: client.secured };
  }

  /** One request over TLS, on a connection of its own. */
  async ask(address: Address, { target = '/', method = 'GET', tls = {}, ...options }: Ask = {}): Promise<{ response: HttpTestResponse; fingerprint: string }> {
    const http = await this.secure(address, tls);
    const { fingerprint256: fingerprint } = http.tcp.tls.getPeerX509Certificate()!;
    http.send(method, target, closing(options));
    return { response: theOnly(await http.responsesToEnd(), http.tcp), fingerprint };
  }

  /** The same for those that must be served, and what the application was told. */
  async told(address: Address, ask: Ask = {}): Promise<Told> {
    return toldBy((await this.ask(address, ask)).response, `${ask.method ?? 'GET'} ${ask.target ?? '/'} over TLS`);
  }

  /** Somebody else is served. */
  async expectServing(address: Address, after: string): Promise<void> {
    const { response } = await this.ask(address);
    expectStatus(response, 200, `a request by somebody else, after ${after}`);
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export interface Ask extends RequestOptions {
  method?: string;
  target?: string;
  tls?: ConnectionOptions;
}

/** What the application was told of a request, by its answer. */
export function toldBy(response: HttpTestResponse, sent: string): Told {
  expectStatus(response, 200, sent);
  return JSON.parse(response.body.toString('utf8')) as Told;
}

export function describe(tls: ConnectionOptions): string {
  const { servername, maxVersion, ecdhCurve } = tls;
  return ['a ClientHello', servername && `for ${servername}`, maxVersion && `of at most ${maxVersion}`, ecdhCurve && `with the group ${ecdhCurve}`].filter(Boolean).join(' ');
}

/** A rule with a stage. */
export function staged(run: (stage: Stage) => Promise<void>): (world: TestWorld) => Promise<void> {
  return async (world) => {
    const stage = new Stage(world);
    try {
      await run(stage);
    } finally {
      stage.end();
    }
  };
}
